"""BP4D: 41 subjects in 8 tasks, 12 Action Units coded frame by frame (Zhang et al., 2014)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from training.datasets.au_coding import Coding, read_coding
from training.datasets.base import Dataset, ReadResult

__all__ = ["BP4D"]

_FOLDS: Final = (
    "F001 F002 F008 F009 F010 F016 F018 F023 M001 M004 M007 M008 M012 M014",
    "F003 F005 F011 F013 F020 F022 M002 M005 M010 M011 M013 M016 M017 M018",
    "F004 F006 F007 F012 F014 F015 F017 F019 F021 M003 M006 M009 M015",
)
"""The three folds of the literature (ME-GraphAU, MDHR, AUNCE, FMAE-IAT). Its folds 1, 2, 3 test our 2, 1, 0."""
_CODING: Final = Coding(
    name="bp4d",
    folders=("BP4D", "bp4d"),
    folds=_FOLDS,
    coded=tuple(f"T{task}" for task in range(1, 9)),
    # The frames in ME-GraphAU's three lists, 46,034 + 50,182 + 50,631, and 41 × 8 sessions.
    published={"coded frames": 146_847, "coded sessions": 328},
)


def read(root: Path) -> ReadResult:
    """The manifest of BP4D; the layout is in `training.datasets.au_coding`, frame 2440 is `2440.jpg`.

    Args:
        root: BP4D's folder, or the one that holds it as `BP4D`.

    Raises:
        ConfigError: the layout is another, or a table is wrong.
    """
    return read_coding(root, _CODING)


BP4D: Final = Dataset("bp4d", read, "frame")
