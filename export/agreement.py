"""Figures of agreement: of two models' scores, and of scores with labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_f1", "right", "spearman"]

Scores = NDArray[np.floating[Any]]


def spearman(a: Scores, b: Scores) -> float | None:
    """Spearman's rank correlation of (n, k) scores over n, averaged over the k labels that vary; None if none does."""
    from scipy.stats import rankdata

    ranks = [rankdata(each, axis=0) for each in (a, b)]
    ranks = [each - each.mean(axis=0) for each in ranks]
    lengths = [np.linalg.norm(each, axis=0) for each in ranks]
    varies = (lengths[0] > 0) & (lengths[1] > 0)
    if not varies.any():
        return None
    products = (ranks[0] * ranks[1]).sum(axis=0)[varies] / (lengths[0] * lengths[1])[varies]
    return float(products.mean())


def mean_f1(scores: Scores, truth: NDArray[np.float32], thresholds: NDArray[np.float32]) -> float | None:
    """F1 as `python -m training evaluate` counts it, averaged over the Action Units that any face is known to show.

    Args:
        scores: (n, k), 0–1.
        truth: (n, k), 0–1; NaN where unknown.
        thresholds: (k,).

    Returns:
        0–1; None where no Action Unit is known to be shown.
    """
    from training.evaluation.action_units import f1_from_counts, outcomes

    f1 = f1_from_counts(outcomes(scores, truth, thresholds.astype(np.float64)).sum(axis=0))
    return float(np.nanmean(f1)) if np.isfinite(f1).any() else None


def right(scores: Scores, votes: NDArray[np.float32]) -> float | None:
    """Share of faces whose strongest expression is the commonest vote.

    Args:
        scores: (n, e).
        votes: (n, e); NaN where unknown.

    Returns:
        0–1; None where no face has votes.
    """
    known = np.isfinite(votes).all(axis=1) & (votes.shape[1] > 0)
    if not known.any():
        return None
    return float((scores[known].argmax(axis=1) == votes[known].argmax(axis=1)).mean())
