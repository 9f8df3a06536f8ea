"""Rendered faces: what `python -m training synthetic` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from training.datasets.base import Dataset, ReadResult, find_home
from training.manifest import read_manifest

__all__ = ["RENDERED"]

FILES: Final = ("manifest.csv", "images.npz")


def read(root: Path) -> ReadResult:
    """The manifest of rendered faces: exact Action Units and intensities, activities, splits by subject.

    Args:
        root: the folder that `python -m training synthetic` wrote, or the one that holds it as `rendered`.

    Raises:
        ConfigError: the files are missing, or the manifest is wrong.
    """
    home, _ = find_home(root, ("rendered",), FILES)
    table = read_manifest(root / home / FILES[0])
    return ReadResult(table.assign(path=home + table["path"]))


RENDERED: Final = Dataset("rendered", read, "tight")
