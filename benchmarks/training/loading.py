"""How many crops a second `training.loader.Loader` delivers from a packed file, with a warm and a cold page cache."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import psutil
from benchmarks.training.made_up import make_examples
from benchmarks.training.report import LoaderFigures, Spread
from training.data import Examples, load_examples
from training.loader import Loader
from training.prepare import CROPS

__all__ = ["measure_loader"]

_TRULY_COLD = 0.5
"""Share of the bytes that must come from the disk; where none do, the file system is itself in memory."""


def measure_loader(folder: Path, *, size: int, channels: int, rows: int, batch: int, repeats: int) -> LoaderFigures:
    """Read all crops in random order, several times warm and several times cold.

    Args:
        folder: where the made-up file goes; it must not exist.
        size: side, px.
        channels: 1 or 3.
        rows: crops in the file.
        batch: crops a batch.
        repeats: of either kind.
    """
    make_examples(folder, rows=rows, size=size, channels=channels)
    _read(load_examples([folder], "train"), batch, 0)  # fills the page cache
    warm = [_read(load_examples([folder], "train"), batch, repeat) for repeat in range(repeats)]
    cold, shares = [], []
    for repeat in range(repeats):
        if not _empty_cache(folder / CROPS):
            break
        before = _bytes_read()
        cold.append(_read(load_examples([folder], "train"), batch, repeat))  # held no longer: a map keeps its pages
        shares.append((_bytes_read() - before) / (rows * size * size * channels))
    from_disk = float(np.median(shares)) if shares else 0.0
    truly = from_disk >= _TRULY_COLD
    return LoaderFigures(
        size=size,
        channels=channels,
        rows=rows,
        batch=batch,
        warm=Spread.of(warm),
        cold=Spread.of(cold) if truly else None,
        cold_read=round(from_disk, 3) if truly else None,
    )


def _read(examples: Examples, batch: int, seed: int) -> float:
    """Crops a second, over a whole epoch."""
    order = np.random.default_rng(seed).permutation(len(examples)).astype(np.int64)
    batches = [order[start : start + batch] for start in range(0, len(order), batch)]
    nothing = np.zeros(len(examples), np.int64)
    begun = time.perf_counter()
    delivered = sum(len(found.faces) for found in Loader(examples, groups=nothing, activities=nothing)(batches))
    return delivered / (time.perf_counter() - begun)


def _empty_cache(path: Path) -> bool:
    """Take a file out of the page cache, where the system lets us: no memory map of it may be open."""
    if not hasattr(os, "posix_fadvise"):
        return False
    gc.collect()  # what has it mapped may hang in a circle of references
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)  # pages that aren't on the disk yet stay
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
    return True


def _bytes_read() -> int:
    """What this process has had from disks so far."""
    process = psutil().Process()
    return int(process.io_counters().read_bytes) if hasattr(process, "io_counters") else 0
