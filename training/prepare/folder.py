"""A prepared folder: what is in it, and how it is opened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from training.manifest import read_manifest

__all__ = ["CROPS", "FACTS", "MANIFEST", "REJECTED", "Facts", "Prepared"]

CROPS: Final = "crops.npy"
MANIFEST: Final = "manifest.parquet"
FACTS: Final = "prepared.json"
"""Written last: a folder with it is whole."""
REJECTED: Final = "rejected.csv"
"""The manifest's rows that were left out: `row` (from 0), `path`, `why`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a prepared folder holds.

    Attributes:
        dataset: its name.
        size: side of the crops, px.
        rows: how many there are.
        faces_unseen: pictures in which the landmark network saw no face, those left out for that included.
        teacher: what labelled Action Units; empty where nothing did.
        teacher_missed: pictures in which the teacher saw no face.
        channels: 1 for luminance, 3 for RGB.
        framing: tight or frame: where the face was looked for.
        rejected: rows left out, those of `rejected.csv`.
        fingerprint: of the manifest and the settings that it was made by.
    """

    dataset: str
    size: int
    rows: int
    faces_unseen: int
    teacher: str
    teacher_missed: int
    channels: int = 1
    framing: str = "tight"
    rejected: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A prepared dataset.

    Attributes:
        crops: (n, S, S, C) uint8, memory-mapped; luminance or RGB.
        table: the manifest, row by row of the crops; `presence` is the landmark network's.
        facts: what `prepared.json` says.
    """

    crops: NDArray[np.uint8]
    table: pd.DataFrame
    facts: Facts

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a folder that `prepare` wrote.

        Raises:
            ConfigError: it isn't one.
        """
        try:
            facts = Facts(**json.loads((folder / FACTS).read_text()))
            crops = np.load(folder / CROPS, mmap_mode="r")
        except (OSError, TypeError, ValueError) as error:
            raise ConfigError(
                f"{folder} isn't prepared: {error}.", "Make it with `python -m training prepare`."
            ) from None
        table = read_manifest(folder / MANIFEST)
        if crops.shape != (len(table), facts.size, facts.size, facts.channels):
            raise ConfigError(f"{folder}: {CROPS} is {crops.shape}, but the manifest has {len(table)} rows.")
        return cls(crops, table, facts)
