"""Intensities of Action Units, 0–5: agreement ICC(3,1), mean absolute error, Pearson's r.

ICC(3,1) is Shrout and Fleiss' (1979): two-way mixed, consistency, of a single rater. With two raters, coder and model,
it is `2 cov / (var + var)`. It is what the literature gives for DISFA's and BP4D's intensities, with MAE beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Floats, Ints, Resamples, Statistic, by_subject, estimate

__all__ = ["figures", "statistic"]

_KEYS: Final = ("icc", "mae", "r")


def statistic(scores: NDArray[np.float32], truth: NDArray[np.float32], codes: Ints) -> Statistic:
    """ICC(3,1), mean absolute error, Pearson's r: (b, 3).

    ICC and r are NaN where neither or one of the two varies.

    Args:
        scores: (n,), 0–5.
        truth: (n,), 0–5, none NaN.
        codes: (n,) subjects.
    """
    x, y = scores.astype(np.float64), truth.astype(np.float64)
    sums = by_subject(np.stack([np.ones_like(x), x, y, x * x, y * y, x * y, np.abs(x - y)], axis=1), codes)

    def values(weights: Floats) -> Floats:
        n, sx, sy, sxx, syy, sxy, error = (weights[:, : len(sums)] @ sums).T
        with np.errstate(invalid="ignore", divide="ignore"):
            var_x, var_y = sxx / n - (sx / n) ** 2, syy / n - (sy / n) ** 2
            covariance = sxy / n - (sx / n) * (sy / n)
            varies = (var_x > 1e-9) & (var_y > 1e-9)
            icc = np.where(varies, 2 * covariance / (var_x + var_y), np.nan)
            r = np.where(varies, covariance / np.sqrt(var_x * var_y), np.nan)
            return np.column_stack([icc, error / n, np.clip(r, -1, 1)])

    return values


def figures(
    scores: NDArray[np.float32], truth: NDArray[np.float32], names: Sequence[str], resamples: Resamples
) -> dict[str, Any]:
    """By Action Unit `frames`, `icc`, `mae`, `r` and their intervals; and their means over the Action Units.

    Args:
        scores: (n, k), 0–5.
        truth: (n, k), 0–5; NaN where unknown. Columns without a label are left out.
        names: of the k Action Units.
        resamples: draws of the faces' subjects.
    """
    labels: dict[str, dict[str, Any]] = {}
    for column, name in enumerate(names):
        known = np.isfinite(truth[:, column])
        if not known.any():
            continue
        own = estimate(statistic(scores[known, column], truth[known, column], resamples.codes[known]), resamples)
        labels[name] = {"frames": int(known.sum())}
        for key, each in zip(_KEYS, own, strict=True):
            labels[name] |= {key: each.value, f"{key}_interval": each.interval}
    return {"labels": labels, "mean": {key: _mean([each[key] for each in labels.values()]) for key in _KEYS}}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
