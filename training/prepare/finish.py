"""From chunks to the prepared folder. It may be killed at any point: done again, it goes on."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError
from clef_rt.files import whole_file
from training.crops import MIN_PRESENCE
from training.prepare.folder import CROPS, FACTS, MANIFEST, REJECTED, Facts
from training.prepare.journal import Done, Journal
from training.teacher import AuTeacher

__all__ = ["finish", "training_rows"]

_COPIED: Final = 1 << 24  # bytes at a time


def finish(
    out: Path,
    table: pd.DataFrame,
    journal: Journal,
    *,
    dataset: str,
    size: int,
    channels: int,
    framing: str,
    teacher: bool,
    fingerprint: str,
) -> None:
    """Write crops, manifest, rejected rows and, last, the facts; then the journal goes.

    Args:
        out: the folder.
        table: the whole manifest.
        journal: all of its chunks are done.
        dataset: for the facts, as all that follow.
        size: side of the crops, px.
        channels: 1 or 3.
        framing: tight or frame.
        teacher: whether it was asked.
        fingerprint: of the manifest and the settings.

    Raises:
        ConfigError: no row is left, or the journal is damaged.
        OSError: the disk is full.
    """
    chunks = journal.done()
    kept = np.array([row for chunk in chunks for row in chunk.kept], np.int64)
    if not len(kept):
        raise ConfigError(f"{dataset}: no face of {len(table):,} pictures could be used.", _most_common(chunks))
    presence = np.array([value for chunk in chunks for value in chunk.presence], np.float32)  # None becomes NaN
    labelled = table.assign(presence=presence)
    missed = 0
    if teacher:
        values = [value for chunk in chunks for value in chunk.values]
        missed = sum(values[row] is None for row in kept)
        labelled = _labelled(labelled, values)
    rejected = sorted(pair for chunk in chunks for pair in [*chunk.bad, *chunk.rejected])
    facts = Facts(
        dataset=dataset,
        size=size,
        rows=len(kept),
        faces_unseen=int((presence < MIN_PRESENCE).sum()),
        teacher=AuTeacher.name if teacher else "",
        teacher_missed=missed,
        channels=channels,
        framing=framing,
        rejected=len(rejected),
        fingerprint=fingerprint,
    )
    _join(chunks, journal, (len(kept), size, size, channels))
    (out / FACTS).unlink(missing_ok=True)  # from here on, and until it is written anew, the folder isn't valid
    if (joined := journal.folder / CROPS).exists():
        joined.replace(out / CROPS)
    with whole_file(out / MANIFEST) as path:
        labelled.iloc[kept].reset_index(drop=True).to_parquet(path)
    with whole_file(out / REJECTED) as path:
        paths = table["path"].to_numpy()
        rows = [(row, paths[row], why) for row, why in rejected]
        pd.DataFrame(rows, columns=["row", "path", "why"]).to_csv(path, index=False)
    with whole_file(out / FACTS) as path:
        path.write_text(json.dumps(asdict(facts), indent=1) + "\n")
    journal.remove()


def _labelled(table: pd.DataFrame, values: list[list[float] | None]) -> pd.DataFrame:
    """With the teacher's Action Units, as far as the dataset doesn't label them itself."""
    raw = [None if value is None else np.array(value, np.float32) for value in values]
    soft = AuTeacher.soft_labels(raw, training_rows(table))
    return table.assign(**{name: column for name, column in soft.items() if name not in table.columns})


def training_rows(table: pd.DataFrame) -> pd.DataFrame:
    """With the split `train` where a row trains in one fold or another: the teacher sets its scale on those."""
    if "fold" not in table:
        return table
    return table.assign(split=table["split"].where(table["fold"].isna(), "train"))


def _join(chunks: list[Done], journal: Journal, shape: tuple[int, int, int, int]) -> None:
    """Put the chunks' crops into one array, each removed once it is in: the disk never holds them twice."""
    joined = journal.folder / CROPS
    begin = 0
    for chunk in chunks:
        size = len(chunk.kept) * int(np.prod(shape[1:]))
        part = journal.crops(chunk.start)
        if part.exists():
            if part.stat().st_size != size:
                raise ConfigError(f"{part} is damaged.", "Begin anew with --restart.")
            with joined.open("r+b" if joined.exists() else "w+b") as file, part.open("rb") as source:
                np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
                file.seek(begin, os.SEEK_CUR)
                shutil.copyfileobj(source, file, _COPIED)
                file.flush()
                os.fsync(file.fileno())
            part.unlink()
        begin += size


def _most_common(chunks: list[Done]) -> str:
    """Why most rows were left out."""
    whys = pd.Series([why for chunk in chunks for _, why in [*chunk.rejected, *chunk.bad]])
    return f"Most often: {whys.mode().iloc[0]}."
