"""Your own videos with one sentence each on what the subject was doing: enough for stage 1, which needs no labels.

```
footage.csv      video,subject,activity and, if you like, split (train, val or test) and every (seconds)
…                the videos, by their ways from this folder
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from training.datasets.base import Dataset, ReadResult, few, find_home, follow
from training.datasets.videos import frame_times
from training.folds import draw_subjects
from training.manifest import SPLITS

__all__ = ["FOOTAGE"]

LIST: Final = "footage.csv"
EVERY: Final = 1.0
"""A frame is taken each so many seconds, where `footage.csv` has no column `every`."""
VAL_SHARE: Final = 0.15


def read(root: Path) -> ReadResult:
    """The manifest of your own videos: frames at even times, each with its video's activity.

    Where `footage.csv` has no splits, about 15 % of the subjects are drawn for val, and the rest train.

    Args:
        root: the folder that holds `footage.csv`.

    Raises:
        ConfigError: `footage.csv` isn't there or wrong, or a video can't be read; names the row.
    """
    home, _ = find_home(root, ("footage",), (LIST,))
    file = root / home / LIST
    rows = _read_list(file)
    notes = []
    if (rows["split"] == "").all():
        subjects = sorted(set(rows["subject"]))
        val = draw_subjects(subjects, VAL_SHARE if len(subjects) > 1 else 0, seed=0)
        rows["split"] = np.where(rows["subject"].isin(val), "val", "train")
        notes.append(f"no splits given: {few(sorted(val)) or 'nobody'} val, the other {len(subjects) - len(val)} train")
    parts = []
    for row, video in enumerate(follow(rows.itertuples(), "footage: reading", len(rows))):
        try:
            times = frame_times(root / home / str(video.video))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ConfigError(f"{file}: row {row}: {video.video} can't be read: {why}.") from None
        taken = _sample(times, float(video.every))
        part = pd.DataFrame({"path": [f"{home}{video.video}!{number}" for number in taken], "frame": taken})
        parts.append(
            part.assign(
                subject=f"footage-{video.subject}", sequence=video.video, activity=video.activity, split=video.split
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return ReadResult(table[["path", "subject", "sequence", "frame", "activity", "split"]], tuple(notes))


def _sample(times: NDArray[np.float64], every: float) -> NDArray[np.int64]:
    """The first frame at or after 0, `every`, 2 `every`, … seconds; each once."""
    wanted = np.arange(0, times[-1] + 1e-6, every)
    return np.unique(np.searchsorted(times, wanted - 1e-6)).clip(max=len(times) - 1)


def _read_list(file: Path) -> pd.DataFrame:
    """video, subject, activity, split and every; raises for a row that is wrong."""
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} can't be read: {str(error).splitlines()[0]}.") from None
    if not isinstance(rows.index, pd.RangeIndex):  # pandas takes surplus fields for an index
        raise ConfigError(f"{file}: row 0 has more fields than the header.", "Put a sentence with a comma in quotes.")
    if missing := [name for name in ("video", "subject", "activity") if name not in rows.columns]:
        raise ConfigError(f"{file} has no column {', '.join(missing)}.", "It needs video, subject and activity.")
    if rows.empty:
        raise ConfigError(f"{file} has no rows.", "Give one row a video.")
    rows = rows.reindex(columns=["video", "subject", "activity", "split", "every"], fill_value="")
    rows = rows.apply(lambda column: column.str.strip())
    rows["every"] = pd.to_numeric(rows["every"].replace("", str(EVERY)), errors="coerce")
    known = rows["split"] != ""
    checks = [(rows[name] == "", f"the {name} is empty") for name in ("video", "subject", "activity")] + [
        (rows["video"].duplicated(), "the video is there twice"),
        (~known & known.any(), "the split is empty, but other rows have one"),
        (known & ~rows["split"].isin(SPLITS), f"the split must be {', '.join(SPLITS)}"),
        (~(rows["every"] > 0) | np.isinf(rows["every"]), "every must be a number of seconds above 0"),
    ]
    for bad, what in checks:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ConfigError(f"{file}: row {row} ({rows['video'][row]}): {what}.")
    return rows


FOOTAGE: Final = Dataset("footage", read, "frame")
