"""Whether a probability of 0.8 is right 8 times in 10: reliability by bin, and the expected calibration error."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "action_units", "expressions", "reliability"]

BINS: Final = 15
"""Equal bins of 0–1 (Guo et al., ICML 2017)."""


def reliability(confidence: NDArray[np.float32], right: NDArray[np.bool_], bins: int = BINS) -> dict[str, Any] | None:
    """How confidence and truth compare, by bin; None without any score.

    Args:
        confidence: (n,) probabilities, 0–1.
        right: (n,), whether what they are the probability of is so.
        bins: of equal width.

    Returns:
        `scores` (n), `bins`, `error` (expected calibration error: the mean gap between the two, weighted by the bins'
        counts), and `reliability`: of each bin that holds a score its `from`, `to`, `count`, mean `confidence`, `right`
        (share).
    """
    if not len(confidence):
        return None
    edges = np.linspace(0, 1, bins + 1)
    own = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    counts = np.bincount(own, minlength=bins)
    filled = np.flatnonzero(counts)
    mean, share = (
        np.bincount(own, weights=values, minlength=bins)[filled] / counts[filled] for values in (confidence, right)
    )
    return {
        "scores": len(confidence),
        "bins": bins,
        "error": float(np.abs(mean - share) @ counts[filled] / len(confidence)),
        "reliability": [
            {"from": edges[b], "to": edges[b + 1], "count": int(counts[b]), "confidence": float(m), "right": float(s)}
            for b, m, s in zip(filled, mean, share, strict=True)
        ],
    }


def action_units(scores: NDArray[np.float32], truth: NDArray[np.float32]) -> dict[str, Any] | None:
    """Of (n, k) probabilities of presence, all Action Units pooled; labels 0–1, NaN where unknown."""
    known = np.isfinite(truth)
    return reliability(scores[known], truth[known] >= 0.5)


def expressions(scores: NDArray[np.float32], votes: NDArray[np.float32]) -> dict[str, Any] | None:
    """Of the highest of (n, e) probabilities: is it the commonest vote? Votes NaN where unknown."""
    known = np.isfinite(votes).all(axis=1)
    found = scores[known].argmax(axis=1)
    return reliability(scores[known].max(axis=1, initial=0), found == votes[known].argmax(axis=1))
