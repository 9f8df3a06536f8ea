"""Area under the ROC curve: the share of (present, absent) pairs of faces whose scores are in order; a tie counts half.

As a statistic of subjects' weights it has two forms, equal in value. With few subjects the pairs are counted once by
pair of subjects, and each draw is a quadratic form. With many, as where each picture is its own subject, that matrix
would be too large: each draw then goes over the sorted scores.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Floats, Ints, Statistic

__all__ = ["area", "area_statistic"]

_FEW: Final = 512  # subjects whose matrix of pairs costs less than sorting
_BLOCK: Final = 1 << 20  # weights at a time, so that they stay in the processor's cache


def area(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float | None:
    """The area of (n,) scores against (n,) truth; None where only one kind is there."""
    value = float(area_statistic(scores, truth, np.zeros(len(scores), np.intp))(np.ones((1, 1)))[0, 0])
    return value if np.isfinite(value) else None


def area_statistic(scores: NDArray[np.float32], truth: NDArray[np.bool_], codes: Ints) -> Statistic:
    """The area by subjects' weights, (b, 1); NaN where only one kind has weight.

    Args:
        scores: (n,); only their order counts.
        truth: (n,).
        codes: (n,) subjects, 0 … s-1.
    """
    if not truth.any() or truth.all():
        return lambda weights: np.full((len(weights), 1), np.nan)
    few = codes.max() < _FEW
    return _by_pairs(scores, truth, codes) if few else _by_order(scores, truth, codes)


def _by_pairs(scores: NDArray[np.float32], truth: NDArray[np.bool_], codes: Ints) -> Statistic:
    subjects = int(codes.max()) + 1
    present, owners = scores[truth], codes[truth]
    pairs = np.zeros((subjects, subjects))  # present of one subject, absent of another: how many are in order
    for subject in range(subjects):
        absent = np.sort(scores[~truth & (codes == subject)])
        below = absent.searchsorted(present, "left") + absent.searchsorted(present, "right")
        pairs[:, subject] = np.bincount(owners, weights=0.5 * below, minlength=subjects)
    positives = np.bincount(owners, minlength=subjects).astype(np.float64)
    negatives = np.bincount(codes[~truth], minlength=subjects).astype(np.float64)

    def statistic(weights: Floats) -> Floats:
        own = weights[:, :subjects]  # later subjects have no face here
        return _share((own @ pairs * own).sum(axis=1), own @ positives, own @ negatives)

    return statistic


def _by_order(scores: NDArray[np.float32], truth: NDArray[np.bool_], codes: Ints) -> Statistic:
    order = np.argsort(scores[~truth], kind="stable")
    absent, present = codes[~truth][order], codes[truth]
    left = scores[~truth][order].searchsorted(scores[truth], "left")
    right = scores[~truth][order].searchsorted(scores[truth], "right")

    def statistic(weights: Floats) -> Floats:
        step = max(_BLOCK // len(scores), 1)
        return np.concatenate([some(weights[first : first + step]) for first in range(0, len(weights), step)])

    def some(weights: Floats) -> Floats:
        negative = np.zeros((len(absent) + 1, len(weights)))
        np.cumsum(weights.T[absent], axis=0, out=negative[1:])
        positive = weights.T[present]
        ordered = 0.5 * (positive * (negative[left] + negative[right])).sum(axis=0)
        return _share(ordered, positive.sum(axis=0), negative[-1])

    return statistic


def _share(ordered: Floats, positives: Floats, negatives: Floats) -> Floats:
    pairs = positives * negatives
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, ordered / pairs, np.nan)[:, None]
