"""Datasets: each reads its original layout and writes a manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from training.datasets.ferplus import ferplus
from training.datasets.real_faces import real_faces

__all__ = ["DATASETS"]

DATASETS: Final[dict[str, Callable[[Path], pd.DataFrame]]] = {"ferplus": ferplus, "real_faces": real_faces}
"""By name: from the data folder to the manifest."""
