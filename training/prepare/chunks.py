"""The manifest in chunks: a chunk is what one worker does at a time, and what is kept if the run is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError
from training.pictures import VIDEOS, split_path

__all__ = ["Row", "chunks", "rows_of"]

_TARGET: Final = 256
_MOST: Final = 2048  # of one video or recording: a later chunk has to decode what is before it
_BOX: Final = ("box_x", "box_y", "box_w", "box_h")


@dataclass(frozen=True, slots=True)
class Row:
    """What a worker has to know of a manifest's row.

    Attributes:
        number: the row, from 0.
        path: its picture.
        recording: rows of the same show the same face, frame after frame.
        video: the video file that it is a frame of; empty for pictures.
        box: the face's x, y, width, height in pixels; None where it isn't known.
        needed: kept even if the landmark network sees no face.
    """

    number: int
    path: str
    recording: str
    video: str
    box: tuple[float, float, float, float] | None
    needed: bool


def rows_of(table: pd.DataFrame, where: str) -> list[Row]:
    """A manifest's rows.

    Only rows that can't but train are left out where no face is seen; those that are tested on, or may be in some
    fold, are needed.

    Args:
        table: the manifest.
        where: its name, for errors.

    Raises:
        ConfigError: a row's box is incomplete or empty; names the row.
    """
    boxes = table.reindex(columns=list(_BOX)).to_numpy(np.float64)
    given = np.isfinite(boxes)
    wrong = np.flatnonzero((given.any(axis=1) & ~given.all(axis=1)) | (boxes[:, 2:] <= 0).any(axis=1))
    if len(wrong):
        row = int(wrong[0])
        raise ConfigError(
            f"{where}: row {row} ({table['path'].iloc[row]}): the box is {boxes[row].tolist()}.",
            f"Give {', '.join(_BOX)}, with a width and a height above 0, or none of them.",
        )
    needed = (table["split"] != "train").to_numpy(bool)
    if "fold" in table:
        needed = needed | table["fold"].notna().to_numpy(bool)
    sequences = ["" if pd.isna(sequence) else str(sequence) for sequence in table["sequence"]]
    rows = []
    for number, (path, sequence) in enumerate(zip(table["path"], sequences, strict=True)):
        container, member = split_path(path)
        video = container if member is not None and Path(container).suffix.lower() in VIDEOS else ""
        recording = f"{video}!{sequence}" if video or sequence else f"row {number}"
        box = tuple(boxes[number].tolist()) if given[number].all() else None
        rows.append(Row(number, path, recording, video, box, bool(needed[number])))
    return rows


def chunks(rows: list[Row], *, target: int = _TARGET, most: int = _MOST) -> list[list[Row]]:
    """Cut rows into chunks, in their order. A video or recording isn't cut, unless it is very long.

    Args:
        rows: of the manifest, all.
        target: rows a chunk has at least.
        most: and at most.
    """
    cut: list[list[Row]] = []
    for row in rows:
        last = cut[-1] if cut else []
        together = bool(last) and (last[-1].video or last[-1].recording) == (row.video or row.recording)
        if not last or len(last) >= most or (len(last) >= target and not together):
            cut.append([row])
        else:
            last.append(row)
    return cut
