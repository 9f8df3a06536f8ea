"""Action Units without a coder: emotion words as a proxy, and agreement with the teacher that labelled the faces.

No figure here is accuracy against human FACS coding: there is no openly licensed set of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.roc import area

__all__ = ["EMFACS", "au_agreement", "emotion_proxy"]

EMFACS: Final[dict[str, tuple[str, ...]]] = {
    "happiness": ("AU06", "AU12"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
    "sadness": ("AU01", "AU04", "AU15"),
    "anger": ("AU04", "AU05", "AU07", "AU24"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20"),
    "disgust": ("AU09", "AU10", "AU17"),
}
"""Which Action Units an emotion's prototype has (Ekman & Friesen's EMFACS, as it is commonly tabled)."""

_FEWEST: Final = 8  # of either kind: with fewer faces, an AUC says nothing


def emotion_proxy(
    activities: NDArray[Any], names: Sequence[str], aus: NDArray[np.float32]
) -> dict[str, dict[str, float]]:
    """AUC by emotion and Action Unit: faces of that word against faces called neutral.

    Args:
        activities: (n,) words; an emotion's name, `neutral`, or anything else.
        names: of the k Action Units.
        aus: (n, k) scores; NaN where there is none.
    """
    found: dict[str, dict[str, float]] = {}
    for emotion, prototype in EMFACS.items():
        for name in prototype:
            if name not in names:
                continue
            scores = aus[:, list(names).index(name)]
            rows = np.isin(activities, (emotion, "neutral")) & np.isfinite(scores)
            auc = _area(scores[rows], activities[rows] == emotion)
            if auc is not None:
                found.setdefault(emotion, {})[name] = auc
    return found


def au_agreement(
    names: Sequence[str], aus: NDArray[np.float32], truth: NDArray[np.float32]
) -> dict[str, dict[str, float]]:
    """Agreement with probabilities, by Action Unit: AUC against them ≥ 0.5, and Pearson's r with them.

    Args:
        names: of the k Action Units.
        aus: (n, k) scores.
        truth: (n, k) probabilities; NaN where unknown.
    """
    found: dict[str, dict[str, float]] = {}
    for column, name in enumerate(names):
        known = np.isfinite(truth[:, column])
        own, scores = truth[known, column], aus[known, column]
        auc = _area(scores, own >= 0.5)
        if auc is not None and scores.std() > 0:
            found[name] = {
                "auc": auc,
                "r": float(np.corrcoef(own, scores)[0, 1]),
                "present": float((own >= 0.5).mean()),
            }
    return found


def _area(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float | None:
    if min(int(truth.sum()), int((~truth).sum())) < _FEWEST:
        return None
    return area(scores, truth)
