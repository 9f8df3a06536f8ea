"""Expressions by the Action Units of their prototypes, for faces whose Action Units are known exactly."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.manifest import EXPRESSIONS

__all__ = ["prototype_votes"]

_PRESENT: Final = 2.0
_FAINT: Final = 1.0  # neutral faces show less than that of everything
_NOT_NEUTRAL: Final = ("AU43", "AU45")  # eyes that are shut tell nothing either way

_NEEDS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "happiness": (("AU12",),),
    "surprise": (("AU01",), ("AU02",), ("AU05", "AU26", "AU27")),
    "sadness": (("AU15", "AU04"), ("AU01", "AU15")),
    "fear": (("AU01",), ("AU04",), ("AU05",), ("AU20", "AU25", "AU26")),
    "disgust": (("AU09", "AU10"),),
    "anger": (("AU04",), ("AU05", "AU07", "AU23", "AU24")),
}
"""Of each group at least one is present. EMFACS' prototypes (`texts/labels.yaml`) in their commonest variants."""

_FORBIDS: Final[dict[str, tuple[str, ...]]] = {
    "happiness": ("AU04", "AU09", "AU10", "AU15", "AU01", "AU14"),
    "surprise": ("AU04", "AU12", "AU15", "AU09", "AU20"),
    "sadness": ("AU12", "AU05", "AU09", "AU10", "AU20", "AU02"),
    "fear": ("AU12", "AU15", "AU09", "AU10"),
    "disgust": ("AU12", "AU01", "AU02", "AU05"),
    "anger": ("AU01", "AU12", "AU15", "AU09", "AU20", "AU43"),
}
"""What makes it another expression, or one of several."""

_ONE_SIDED: Final = ("AU12", "AU14")  # contempt's, on one side alone


def prototype_votes(table: pd.DataFrame) -> NDArray[np.float32]:
    """Which of `EXPRESSIONS` faces show, by their Action Units' intensities.

    Args:
        table: with `AU12_intensity` and the like, 0–5; `AU12_L_intensity` where sides are known. What it lacks counts
            as absent.

    Returns:
        (n, e) float32: 1 for the expression, 0 for the others; NaN where there is none, or more than one.
    """

    def intensity(name: str) -> NDArray[np.float64]:
        column = f"{name}_intensity"
        values = table[column].to_numpy(np.float64) if column in table.columns else np.zeros(len(table))
        return np.asarray(np.nan_to_num(values))

    def any_of(names: tuple[str, ...]) -> NDArray[np.bool_]:
        return np.asarray(np.max([intensity(name) for name in names], axis=0) >= _PRESENT)

    shown = np.zeros((len(table), len(EXPRESSIONS)), bool)
    for expression, groups in _NEEDS.items():
        needed = np.all([any_of(group) for group in groups], axis=0)
        shown[:, EXPRESSIONS.index(expression)] = needed & ~any_of(_FORBIDS[expression])
    sides = [np.stack([intensity(f"{name}_{side}") for side in "LR"]) for name in _ONE_SIDED]
    lopsided = np.any([(own.max(axis=0) >= _PRESENT) & (own.min(axis=0) < _FAINT) for own in sides], axis=0)
    others = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU10", "AU15", "AU20", "AU25")
    shown[:, EXPRESSIONS.index("happiness")] &= ~lopsided
    shown[:, EXPRESSIONS.index("contempt")] = lopsided & ~any_of(others)
    whole = [name for name in table.columns if name.endswith("_intensity") and name.count("_") == 1]
    rest = [name for name in whole if name.removesuffix("_intensity") not in _NOT_NEUTRAL]
    if rest:
        still = np.nan_to_num(table[rest].to_numpy(np.float64)).max(axis=1) < _FAINT
        shown[:, EXPRESSIONS.index("neutral")] = still
    votes = np.full(shown.shape, np.nan, np.float32)
    sure = shown.sum(axis=1) == 1
    votes[sure] = shown[sure]
    return votes
