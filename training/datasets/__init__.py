"""Datasets: each reads its original layout and writes a manifest."""

from __future__ import annotations

from typing import Final

from training.datasets.base import Dataset
from training.datasets.ferplus import FERPLUS
from training.datasets.real_faces import REAL_FACES

__all__ = ["DATASETS"]

DATASETS: Final[dict[str, Dataset]] = {dataset.name: dataset for dataset in (FERPLUS, REAL_FACES)}
"""By name."""
