"""DISFA: 27 subjects, one video each, intensities of Action Units coded frame by frame (Mavadati et al., 2013).

```
ActionUnit_Labels/SN001/SN001_au1.txt         frame,intensity without a header; frames from 1, intensity 0–5
Videos_LeftCamera/LeftVideoSN001_comp.avi     the left camera's; frame 1 is the first
```

Source: ME-GraphAU's reader of DISFA and other public ones, which name these files and read them so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError
from training.datasets.base import (
    Dataset,
    ReadResult,
    compare_counts,
    compare_names,
    few,
    find_home,
    follow,
    number_of,
)
from training.datasets.codes import read_codes
from training.datasets.videos import frame_times

__all__ = ["DISFA"]

AUS: Final = (1, 2, 4, 6, 9, 12, 25, 26)
PRESENT: Final = 2
"""An Action Unit is present from this intensity on: the literature's rule."""
LABELS: Final = "ActionUnit_Labels"
VIDEOS: Final = "Videos_LeftCamera"
_FOLDS: Final = (
    "SN001 SN002 SN009 SN010 SN016 SN026 SN027 SN030 SN032",
    "SN006 SN011 SN012 SN013 SN018 SN021 SN024 SN028 SN031",
    "SN003 SN004 SN005 SN007 SN008 SN017 SN023 SN025 SN029",
)
"""The three folds of the literature (ME-GraphAU, MDHR, AUNCE). Its folds 1, 2, 3 test our 2, 1, 0."""
_PUBLISHED: Final = {"coded frames": 130_814}
"""The frames in ME-GraphAU's three lists, 43,605 + 43,605 + 43,604."""


def read(root: Path) -> ReadResult:
    """The manifest of DISFA. Subjects are named `disfa-SN001`. It has no activities.

    Args:
        root: DISFA's folder, or the one that holds it as `DISFA`.

    Raises:
        ConfigError: the layout is another, or a label is wrong: names the file and the frame.
    """
    home, _ = find_home(root, ("DISFA", "disfa"), (LABELS, VIDEOS))
    notes: list[str] = []
    parts = []
    coded = 0
    folds = {subject: fold for fold, subjects in enumerate(_FOLDS) for subject in subjects.split()}
    for subject, fold in follow(sorted(folds.items()), "disfa: reading"):
        labels = _read_labels(root / home / LABELS / subject, notes)
        coded += len(labels)
        video = f"{home}{VIDEOS}/LeftVideo{subject}_comp.avi"
        if labels.empty:
            continue
        if not (root / video).is_file():
            notes.append(f"{video} is missing, with {number_of(len(labels), 'coded frame')}")
            continue
        labels = _within(labels, root, video, notes)
        number = labels.index - 1
        part = pd.DataFrame({"path": [f"{video}!{frame}" for frame in number], "frame": number})
        part = part.assign(subject=f"disfa-{subject}", sequence=subject, activity=None, split=None, fold=fold)
        parts.append(part[["path", "subject", "sequence", "frame", "activity", "split", "fold"]].join(_columns(labels)))
    if not parts:
        raise ConfigError(
            f"{root / home} has no subject with labels and a video.",
            f"{LABELS}/SN001/SN001_au1.txt and {VIDEOS}/LeftVideoSN001_comp.avi are expected, and so on.",
        )
    found = {path.name for path in (root / home / LABELS).iterdir() if path.is_dir()}
    return ReadResult(
        pd.concat(parts, ignore_index=True),
        (*compare_names("subjects", found, folds), *notes, *compare_counts({"coded frames": coded}, _PUBLISHED)),
    )


def _read_labels(folder: Path, notes: list[str]) -> pd.DataFrame:
    """Intensity of each Action Unit by frame; NaN where its file lacks the frame."""
    if not folder.is_dir():
        return pd.DataFrame()
    series = {}
    for au in AUS:
        file = folder / f"{folder.name}_au{au}.txt"
        if file.is_file():
            series[f"AU{au:02d}"] = read_codes(file, range(6)).iloc[:, 0]
        else:
            notes.append(f"{LABELS}/{folder.name}/{file.name} is missing: AU {au} unknown for {folder.name}")
    table = pd.DataFrame(series).sort_index()
    if short := [name for name, values in series.items() if len(values) < len(table)]:
        notes.append(f"{LABELS}/{folder.name}: fewer frames than in other files for {few(short)}")
    return table


def _within(labels: pd.DataFrame, root: Path, video: str, notes: list[str]) -> pd.DataFrame:
    """The labels of frames that the video has."""
    try:
        frames = len(frame_times(root / video))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{root / video} can't be read: {error}.", "Fetch it anew.") from None
    there = (labels.index >= 1) & (labels.index <= frames)
    if not there.all():
        notes.append(f"{video} has {frames:,} frames: {number_of(int((~there).sum()), 'label')} beyond them, left out")
    return labels[there]


def _columns(labels: pd.DataFrame) -> pd.DataFrame:
    """Occurrences, then intensities, float32; rows numbered from 0."""
    intensities = labels.reindex(columns=[f"AU{au:02d}" for au in AUS]).reset_index(drop=True).astype(np.float32)
    present = (intensities >= PRESENT).astype(np.float32).mask(intensities.isna())
    return present.join(intensities.add_suffix("_intensity"))


DISFA: Final = Dataset("disfa", read, "frame")
