"""Action Units: F1 and AUC as the literature counts them, over the frames of a test fold.

A face counts for an Action Unit where its label is known, as present where the label is at least 0.5. F1 is
`2 TP / (2 TP + FP + FN)` with the three pooled over all frames (ME-GraphAU's and its successors' protocol); no frame or
subject is weighted. An Action Unit that no frame shows has no F1, and one that all or none show has no AUC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Estimate, Floats, Ints, Resamples, Statistic, by_subject, estimate
from training.evaluation.roc import area_statistic

__all__ = [
    "LEVEL",
    "auc_statistic",
    "best_thresholds",
    "f1_from_counts",
    "f1_statistic",
    "figures",
    "outcomes",
    "with_mean",
]

LEVEL: Final = 0.5
"""The literature's threshold, and from where a label counts as present."""

_GRID: Final = np.round(np.arange(0.05, 0.96, 0.01), 2)


def outcomes(
    scores: NDArray[np.float32], truth: NDArray[np.float32], thresholds: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n, k, 3): whether each face is a true positive, false positive, false negative of each Action Unit.

    Args:
        scores: (n, k), 0–1.
        truth: (n, k) labels, 0–1; NaN where unknown, which is none of the three.
        thresholds: (k,) or (n, k), the score from which an Action Unit counts as found.
    """
    levels = thresholds.astype(scores.dtype)  # as the runtime compares them
    known, present, found = np.isfinite(truth), truth >= LEVEL, scores >= levels
    return np.stack([known & present & found, known & ~present & found, known & present & ~found], axis=-1)


def f1_from_counts(counts: Floats) -> Floats:
    """F1 from (…, 3) true positives, false positives, false negatives; NaN where nothing was there to find."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        return np.where(tp + fn > 0, 2 * tp / (2 * tp + fp + fn), np.nan)


def f1_statistic(
    scores: NDArray[np.float32], truth: NDArray[np.float32], thresholds: NDArray[np.float64], codes: Ints
) -> Statistic:
    """F1 of each Action Unit, (b, k); arguments as for `outcomes`, and the faces' subjects."""
    counts = by_subject(outcomes(scores, truth, thresholds), codes)
    subjects, labels, _ = counts.shape

    def statistic(weights: Floats) -> Floats:
        return f1_from_counts((weights[:, :subjects] @ counts.reshape(subjects, -1)).reshape(len(weights), labels, 3))

    return statistic


def auc_statistic(scores: NDArray[np.float32], truth: NDArray[np.float32], codes: Ints) -> Statistic:
    """Area under the ROC curve of each Action Unit, (b, k); arguments as for `f1_statistic`."""
    known = np.isfinite(truth)
    columns = [
        area_statistic(scores[rows, column], truth[rows, column] >= LEVEL, codes[rows])
        for column, rows in enumerate(known.T)
    ]

    def statistic(weights: Floats) -> Floats:
        return np.concatenate([each(weights) for each in columns], axis=1) if columns else np.zeros((len(weights), 0))

    return statistic


def with_mean(each: Statistic, columns: Sequence[int]) -> Statistic:
    """Figures and, last, the mean of some: of those that are defined, as a label that none shows has no figure."""

    def statistic(weights: Floats) -> Floats:
        values = each(weights)
        averaged = values[:, columns]
        defined = np.isfinite(averaged)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(defined, averaged, 0).sum(axis=1) / defined.sum(axis=1)
        return np.column_stack([values, mean])

    return statistic


def best_thresholds(scores: NDArray[np.float32], truth: NDArray[np.float32], names: Sequence[str]) -> dict[str, float]:
    """For each Action Unit the threshold with the best F1, of 0.05, 0.06 … 0.95. Only ever give validation faces.

    An Action Unit that no face shows, or that none of them finds, is left out.
    """
    found = {}
    for column, name in enumerate(names):
        known = np.isfinite(truth[:, column])
        own, present = scores[known, column], truth[known, column] >= LEVEL
        if present.any():
            levels = _GRID.astype(own.dtype)
            hits, everything = np.sort(own[present]), np.sort(own)
            tp = len(hits) - hits.searchsorted(levels, "left")
            f1 = 2 * tp / (len(everything) - everything.searchsorted(levels, "left") + len(hits))
            if f1.any():
                found[name] = float(_GRID[int(np.argmax(f1))])
    return found


def figures(
    scores: NDArray[np.float32],
    truth: NDArray[np.float32],
    names: Sequence[str],
    thresholds: Mapping[str, float],
    resamples: Resamples,
    averaged: Sequence[str] | None = None,
) -> dict[str, Any]:
    """F1 at 0.5 and at validation's thresholds, and AUC, by Action Unit and on average, with intervals.

    Args:
        scores: (n, k), 0–1.
        truth: (n, k) labels, 0–1; NaN where unknown. Columns that no face has a label for are left out.
        names: of the k Action Units.
        thresholds: chosen on validation faces (`best_thresholds`); 0.5 where there is none.
        resamples: draws of the faces' subjects.
        averaged: the Action Units of the mean, a published protocol's; all by default.

    Returns:
        `labels`: by name `frames`, `present` (share), `f1`, `f1_tuned`, `threshold`, `auc`, and their `…_interval`;
        `mean`: of the three figures likewise, and `over` which. What is undefined is None.
    """
    columns = np.flatnonzero(np.isfinite(truth).any(axis=0)).tolist()
    names = [names[column] for column in columns]
    scores, truth = scores[:, columns], truth[:, columns]
    levels = np.array([thresholds.get(name, LEVEL) for name in names])
    codes = resamples.codes
    means = [column for column, name in enumerate(names) if averaged is None or name in averaged]
    statistics = {
        "f1": f1_statistic(scores, truth, np.full(len(names), LEVEL), codes),
        "f1_tuned": f1_statistic(scores, truth, levels, codes),
        "auc": auc_statistic(scores, truth, codes),
    }
    estimates = {key: estimate(with_mean(each, means), resamples) for key, each in statistics.items()}
    labels = {
        name: {
            "frames": int(np.isfinite(truth[:, column]).sum()),
            "present": float((truth[np.isfinite(truth[:, column]), column] >= LEVEL).mean()),
            "threshold": float(levels[column]),
            **_flat({key: found[column] for key, found in estimates.items()}),
        }
        for column, name in enumerate(names)
    }
    mean = _flat({key: found[-1] for key, found in estimates.items()})
    return {"labels": labels, "mean": {"over": [names[column] for column in means], **mean}}


def _flat(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    values = {key: each.value for key, each in estimates.items()}
    return values | {f"{key}_interval": each.interval for key, each in estimates.items()}
