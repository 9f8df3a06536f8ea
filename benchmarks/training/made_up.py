"""Noise in place of faces, in a prepared folder like any other: how fast training is doesn't depend on the pixels."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from training.data import Examples, load_examples
from training.manifest import EXPRESSIONS
from training.prepare import CROPS, FACTS, MANIFEST, Facts

__all__ = ["ACTION_UNITS", "SENTENCES", "make_examples"]

ACTION_UNITS: Final = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24")
"""BP4D's twelve."""
SENTENCES: Final = tuple(f"The person is at activity number {number} of eight." for number in range(8))
_AT_ONCE: Final = 256


def make_examples(folder: Path, *, rows: int, size: int, channels: int, seed: int = 0) -> Examples:
    """Write a prepared folder of noise, and open it as training does.

    Every face has an activity (eight), an expression and twelve Action Units.

    Args:
        folder: to be made.
        rows: how many crops; they take rows · size² · channels bytes.
        size: side, px.
        channels: 1 or 3.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    crops = open_memmap(folder / CROPS, mode="w+", dtype=np.uint8, shape=(rows, size, size, channels))
    for start in range(0, rows, _AT_ONCE):
        part = crops[start : start + _AT_ONCE]
        part[:] = rng.integers(0, 256, part.shape, np.uint8)
    crops.flush()
    felt = rng.integers(0, len(EXPRESSIONS), rows)
    table = pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(rows)],
            "subject": [f"s{row % 40}" for row in range(rows)],
            "sequence": "",
            "frame": 0,
            "activity": rng.integers(0, len(SENTENCES), rows).astype(str),
            "split": "train",
            "presence": 1.0,
        }
        | {name: rng.integers(0, 2, rows).astype(np.float32) for name in ACTION_UNITS}
        | {name: (felt == number).astype(np.float32) for number, name in enumerate(EXPRESSIONS)}
    )
    table.to_parquet(folder / MANIFEST)
    facts = Facts(
        dataset="made-up",
        size=size,
        rows=rows,
        faces_unseen=0,
        teacher="",
        teacher_missed=0,
        channels=channels,
    )
    (folder / FACTS).write_text(json.dumps(asdict(facts)), encoding="utf-8")
    return load_examples([folder], "train")
