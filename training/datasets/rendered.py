"""Rendered faces: what `python -m training synthetic` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from training.datasets.base import Dataset, ReadResult, find_home
from training.emfacs import prototype_votes
from training.manifest import EXPRESSIONS, read_manifest

__all__ = ["RENDERED"]

FILES: Final = ("manifest.csv", "images.npz")


def read(root: Path) -> ReadResult:
    """The manifest of rendered faces: exact Action Units and intensities, activities, splits by subject.

    Faces that show the prototype of just one expression have it as their vote (`training.emfacs`).

    Args:
        root: the folder that `python -m training synthetic` wrote, or the one that holds it as `rendered`.

    Raises:
        ConfigError: the files are missing, or the manifest is wrong.
    """
    home, _ = find_home(root, ("rendered",), FILES)
    table = read_manifest(root / home / FILES[0])
    votes = pd.DataFrame(prototype_votes(table), columns=list(EXPRESSIONS), index=table.index)
    return ReadResult(table.assign(path=home + table["path"], **votes))


RENDERED: Final = Dataset("rendered", read, "tight")
