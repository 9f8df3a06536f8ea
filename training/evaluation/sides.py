"""Left and right Action Units: do they tell the sides apart, or do both only copy the whole?

A score of one side can follow the teacher's well and yet know nothing of sides, for both sides mostly move together. So
the test is on the faces where the teacher sees one side alone: the difference of the two scores must tell which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.roc import area

__all__ = ["FEWEST_LOPSIDED", "side_agreement", "sided", "whole_of"]

FEWEST_LOPSIDED: Final = 15
"""Faces of either side: with fewer, nothing is said."""

_LEVEL: Final = 0.5
_SIDES: Final = ("_L", "_R")


def whole_of(name: str) -> str:
    """`AU12` of `AU12_L`; a whole Action Unit's own name."""
    return name.removesuffix("_L").removesuffix("_R")


def sided(names: Sequence[str]) -> list[str]:
    """The whole Action Units of which both sides are among the names."""
    wholes = dict.fromkeys(whole_of(name) for name in names if name.endswith(_SIDES))
    return [name for name in wholes if all(name + side in names for side in _SIDES)]


def side_agreement(
    names: Sequence[str], aus: NDArray[np.float32], truth: NDArray[np.float32]
) -> dict[str, dict[str, float]]:
    """By whole Action Unit: how well left minus right tells faces with the left side alone from the right alone.

    Args:
        names: of the k Action Units.
        aus: (n, k) scores, 0–1.
        truth: (n, k) labels, 0–1, present from 0.5; NaN where unknown.

    Returns:
        `auc`, `left` and `right` (how many faces of each), of those with enough faces.
    """
    found: dict[str, dict[str, float]] = {}
    for whole in sided(names):
        left, right = (list(names).index(whole + side) for side in _SIDES)
        with np.errstate(invalid="ignore"):
            known = np.isfinite(truth[:, left]) & np.isfinite(truth[:, right])
            shown = truth[:, [left, right]] >= _LEVEL
        lopsided = known & (shown[:, 0] != shown[:, 1])
        only_left = shown[lopsided, 0]
        counts = int(only_left.sum()), int((~only_left).sum())
        if min(counts) < FEWEST_LOPSIDED:
            continue
        lean = _logit(aus[lopsided, left]) - _logit(aus[lopsided, right])
        auc = area(lean, only_left)
        if auc is not None:
            found[whole] = {"auc": auc, "left": counts[0], "right": counts[1]}
    return found


def _logit(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """So that 0.98 and 0.99 are as far apart as near the middle they would be."""
    inside = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)
