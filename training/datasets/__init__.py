"""Datasets: each reads its original layout and writes a manifest."""

from __future__ import annotations

from typing import Final

from training.datasets.affectnet import AFFECTNET7, AFFECTNET8
from training.datasets.base import Dataset, ReadResult
from training.datasets.bp4d import BP4D
from training.datasets.bp4d_plus import BP4D_PLUS
from training.datasets.disfa import DISFA
from training.datasets.ferplus import FERPLUS, FERPLUS_MAJORITY
from training.datasets.footage import FOOTAGE
from training.datasets.raf_db import RAF_DB
from training.datasets.real_faces import REAL_FACES
from training.datasets.rendered import RENDERED

__all__ = ["DATASETS", "Dataset", "ReadResult"]

DATASETS: Final[dict[str, Dataset]] = {
    dataset.name: dataset
    for dataset in (
        *(BP4D, BP4D_PLUS, DISFA),
        *(RAF_DB, AFFECTNET7, AFFECTNET8, FERPLUS, FERPLUS_MAJORITY),
        *(REAL_FACES, RENDERED, FOOTAGE),
    )
}
"""By name."""
