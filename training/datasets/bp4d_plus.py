"""BP4D+: 140 subjects in 10 tasks, four of which are coded for Action Units (Zhang et al., 2016)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from training.datasets.au_coding import Coding, read_coding
from training.datasets.base import Dataset, ReadResult

__all__ = ["BP4D_PLUS"]

_FOLDS: Final = (
    "F004 F013 F014 F019 F020 F026 F033 F038 F039 F044 F046 F047 F053 F057 F061 F066 F071 F072 F076 F079 M003 "
    "M004 M015 M017 M020 M025 M026 M029 M033 M036 M040 M042 M048 M050 M051",
    "F012 F016 F022 F024 F028 F030 F031 F032 F034 F056 F060 F065 F074 F075 F077 M001 M005 M009 M011 M016 M018 "
    "M019 M022 M023 M028 M034 M037 M038 M043 M044 M045 M046 M047 M052 M055",
    "F001 F002 F008 F009 F017 F021 F027 F029 F035 F040 F042 F043 F045 F050 F052 F054 F058 F062 F063 F064 F068 "
    "F069 F078 F080 M008 M010 M024 M027 M030 M031 M035 M041 M054 M056 M057",
    "F003 F005 F006 F007 F010 F011 F015 F018 F023 F025 F036 F037 F041 F048 F049 F051 F055 F059 F067 F070 F073 "
    "F081 F082 M002 M006 M007 M012 M013 M014 M021 M032 M039 M049 M053 M058",
)
"""FMAE-IAT's four folds (Ning et al., 2025; their README). The literature has no common split of BP4D+."""
_CODING: Final = Coding(
    name="bp4d_plus",
    folders=("BP4D+", "BP4D_plus", "BP4DPlus", "bp4d_plus"),
    folds=_FOLDS,
    coded=("T1", "T6", "T7", "T8"),
    uncoded=("T2", "T3", "T4", "T5", "T9", "T10"),
    first=0,
    published={"coded sessions": 560},
)


def read(root: Path) -> ReadResult:
    """The manifest of BP4D+; the layout is in `training.datasets.au_coding`.

    Pictures are numbered from 0 and coded frames from 1, so frame 1 is `0000.jpg`. Tasks 1, 6, 7 and 8 are coded; of
    the others every tenth picture is taken, without labels: stage 1 learns from all ten activities.

    Args:
        root: BP4D+'s folder, or the one that holds it as `BP4D+`.

    Raises:
        ConfigError: the layout is another, or a table is wrong.
    """
    return read_coding(root, _CODING)


BP4D_PLUS: Final = Dataset("bp4d_plus", read, "frame")
