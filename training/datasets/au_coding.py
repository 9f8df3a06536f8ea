"""The layout that BP4D and BP4D+ share: a coded table for each session, and the session's numbered pictures.

```
AUCoding/AU_OCC/F001_T1.csv             first row: 0 and the Action Units; first column: the frame; 0, 1, 9 = unknown
AUCoding/AU_INT/AU06/F001_T1_AU06.csv   frame,intensity without a header; 0–5, 9 = unknown; AU 6 10 12 14 17
2D+3D/F001/T1/2440.jpg                  or Sequences(2D+3D)/F001/T1/2440.jpg, or 2D+3D/F001.zip with F001/T1/…
```

Sources: the BP4D reader of ME-GraphAU, the BP4D+ readers of rPPG-Toolbox and BigSmall, which name these files and read
them so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError
from training.datasets.base import (
    ReadResult,
    compare_counts,
    compare_names,
    few,
    find_home,
    follow,
    list_pictures,
    listed,
    number_of,
)
from training.datasets.codes import read_codes

__all__ = ["AUS", "Coding", "read_coding"]

AUS: Final = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
"""Those that the literature reports on both datasets."""
INTENSITIES: Final = (6, 10, 12, 14, 17)
OCCURRENCE: Final = "AUCoding/AU_OCC"
INTENSITY: Final = "AUCoding/AU_INT"
PICTURES: Final = ("2D+3D", "Sequences(2D+3D)")


@dataclass(frozen=True, slots=True)
class Coding:
    """A dataset of this layout.

    Attributes:
        name: the dataset's.
        folders: usual names of its folder.
        folds: the subjects of each fold, apart by spaces.
        coded: the tasks that are coded.
        uncoded: further tasks, without labels.
        uncoded_every: of their pictures every how many-th is taken.
        first: the number of the picture of frame 1.
        published: counts to compare with: `coded frames`, `coded sessions`.
    """

    name: str
    folders: Sequence[str]
    folds: Sequence[str]
    coded: Sequence[str]
    uncoded: Sequence[str] = ()
    uncoded_every: int = 10
    first: int = 1
    published: Mapping[str, int] = field(default_factory=dict)


def read_coding(root: Path, coding: Coding) -> ReadResult:
    """Read a dataset of this layout.

    Subjects are named `<dataset>-F001`, sequences `F001_T1`, activities by their task, `T1`. A subject's fold is the
    one that tests it. The pictures of uncoded tasks have no labels; stage 1 learns from their activity.

    Raises:
        ConfigError: the layout is another, or a table is wrong: names the file and the frame.
    """
    home, _ = find_home(root, coding.folders, (OCCURRENCE,))
    pictures = next((home + name for name in PICTURES if (root / home / name).is_dir()), None)
    if pictures is None:
        raise ConfigError(
            f"{root / home / PICTURES[0]} isn't there.",
            f"The pictures must be in {' or '.join(PICTURES)}; docs/training.md has the layout.",
        )
    log = _Log()
    parts = []
    folds = {subject: fold for fold, subjects in enumerate(coding.folds) for subject in subjects.split()}
    for subject, fold in follow(sorted(folds.items()), f"{coding.name}: reading"):
        numbers = _by_task(list_pictures(root, f"{pictures}/{subject}"))
        for task in coding.coded:
            session = f"{subject}_{task}"
            part = _read_session(root / home, session, numbers.get(task, {}), coding.first, log)
            parts.append(part.assign(subject=subject, sequence=session, activity=task, fold=fold))
        for task in coding.uncoded:
            session = f"{subject}_{task}"
            taken = sorted(numbers.get(task, {}).items())[:: coding.uncoded_every]
            if taken:
                part = pd.DataFrame({"path": [path for _, path in taken], "frame": [n for n, _ in taken]})
                parts.append(part.assign(subject=subject, sequence=session, activity=task, fold=fold))
            else:
                log.no_pictures.append(session)
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        raise ConfigError(
            f"{root / pictures} has no picture of a coded frame.", "Are the pictures of the subjects unpacked there?"
        )
    named = {path.stem for path in (root / home / OCCURRENCE).glob("*.csv")}
    subjects = {name.partition("_")[0] for name in named}
    notes = [
        *compare_names("subjects", subjects, folds),
        *log.notes({f"{subject}_{task}" for subject in subjects & set(folds) for task in coding.coded} - named),
        *compare_counts({"coded frames": log.frames, "coded sessions": log.sessions}, coding.published),
    ]
    return ReadResult(_finish(table, coding.name), tuple(notes))


def _finish(table: pd.DataFrame, name: str) -> pd.DataFrame:
    names = [f"AU{au:02d}" for au in AUS] + [f"AU{au:02d}_intensity" for au in INTENSITIES]
    table = table.assign(subject=f"{name}-" + table["subject"], split=None)
    table = table[["path", "subject", "sequence", "frame", "activity", "split", "fold"]].join(
        table.reindex(columns=names).astype(np.float32)
    )
    return table.astype({"frame": int, "fold": int})


@dataclass(slots=True)
class _Log:
    """What differs, gathered session by session."""

    frames: int = 0
    sessions: int = 0
    no_pictures: list[str] = field(default_factory=list)
    no_intensity: list[str] = field(default_factory=list)
    pictureless: dict[str, int] = field(default_factory=dict)
    uncoded_intensity: dict[str, int] = field(default_factory=dict)

    def notes(self, uncoded: Iterable[str]) -> list[str]:
        missing = (
            ([f"{OCCURRENCE}/{name}.csv" for name in sorted(uncoded)], "coded table", "missing"),
            (self.no_intensity, "table", "of intensities missing"),
            (self.no_pictures, "session", "without any picture"),
        )
        notes = [listed(names, noun, what) for names, noun, what in missing if names]
        for found, noun, what in (
            (self.pictureless, "coded frame", "without a picture"),
            (self.uncoded_intensity, "intensity value", "of frames without occurrences"),
        ):
            if found:
                which = few(f"{name} ({count:,})" for name, count in found.items())
                notes.append(f"{number_of(sum(found.values()), noun)} {what}, left out: {which}")
        return notes


def _by_task(pictures: Mapping[str, str]) -> dict[str, dict[int, str]]:
    """From task and number to the picture's path; `T1/0012.jpg` and `F001/T1/0012.jpg` are number 12 of T1."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for name, path in pictures.items():
        way = PurePosixPath(name)
        if way.stem.isascii() and way.stem.isdigit():
            found[way.parent.name][int(way.stem)] = path
    return found


def _read_session(home: Path, session: str, numbers: Mapping[int, str], first: int, log: _Log) -> pd.DataFrame:
    """The session's coded frames whose picture is there: path, frame and labels."""
    file = home / OCCURRENCE / f"{session}.csv"
    if not file.is_file():
        return pd.DataFrame({"path": [], "frame": []})
    table = _read_occurrence(file)
    log.sessions += 1
    log.frames += len(table)
    for au in INTENSITIES:
        name = f"{INTENSITY}/AU{au:02d}/{session}_AU{au:02d}.csv"
        if not (home / name).is_file():
            log.no_intensity.append(name)
            continue
        values = read_codes(home / name, range(6)).iloc[:, 0]
        table[f"AU{au:02d}_intensity"] = values.reindex(table.index)
        if spare := len(values.index.difference(table.index)):
            log.uncoded_intensity[name] = spare
    paths = [numbers.get(frame - 1 + first) for frame in table.index]
    table = table.assign(path=paths, frame=table.index)
    missing = int(table["path"].isna().sum())
    if not numbers:
        log.no_pictures.append(session)
    elif missing:
        log.pictureless[session] = missing
    return table[table["path"].notna()]


def _read_occurrence(file: Path) -> pd.DataFrame:
    """`AU01` … by frame, float; NaN where unknown."""
    raw = read_codes(file, (0, 1), header=True)
    columns = {str(name).strip(): name for name in raw.columns}
    if missing := [str(au) for au in AUS if str(au) not in columns]:
        raise ConfigError(f"{file} has no column for AU {', '.join(missing)}.", "Its first row must name them.")
    return raw[[columns[str(au)] for au in AUS]].set_axis([f"AU{au:02d}" for au in AUS], axis=1)
