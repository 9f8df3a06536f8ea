"""Expressions: accuracy, macro F1, recalls and the confusion matrix, all from the confusion matrix of each subject.

The truth is the commonest vote (the first of the commonest); faces without votes are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Floats, Ints, Resamples, Statistic, estimate

__all__ = ["confusion_matrices", "figures", "statistic"]


def confusion_matrices(scores: NDArray[np.float32], votes: NDArray[np.float32], codes: Ints, subjects: int) -> Floats:
    """Counts by subject, truth and scored expression: (s, e, e).

    Args:
        scores: (n, e).
        votes: (n, e); NaN where unknown.
        codes: (n,) subjects, 0 … s-1.
        subjects: s.
    """
    known, classes = np.isfinite(votes).all(axis=1), scores.shape[1]
    truth, found = votes[known].argmax(axis=1), scores[known].argmax(axis=1)
    cell = (codes[known] * classes + truth) * classes + found
    return np.bincount(cell, minlength=subjects * classes**2).reshape(subjects, classes, classes).astype(np.float64)


def statistic(confusions: Floats) -> Statistic:
    """Accuracy, macro F1, mean recall, then each expression's recall: (b, 3 + e).

    Macro F1 and the mean recall are over the expressions that the truth has; a dataset without contempt isn't blamed
    for it. But a face wrongly taken for contempt is wrong.
    """
    subjects, classes, _ = confusions.shape

    def values(weights: Floats) -> Floats:
        counts = (weights @ confusions.reshape(subjects, -1)).reshape(len(weights), classes, classes)
        right, there = np.diagonal(counts, axis1=1, axis2=2), counts.sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            accuracy = right.sum(axis=1) / there.sum(axis=1)
            recall = np.where(there > 0, right / there, np.nan)
            f1 = np.where(there > 0, 2 * right / (there + counts.sum(axis=1)), 0.0)
            shown = (there > 0).sum(axis=1)
            means = f1.sum(axis=1) / shown, np.nan_to_num(recall).sum(axis=1) / shown
        return np.column_stack([accuracy, *means, recall])

    return values


def figures(
    scores: NDArray[np.float32], votes: NDArray[np.float32], names: Sequence[str], resamples: Resamples
) -> dict[str, Any]:
    """All figures of n faces.

    Args:
        scores: (n, e) probabilities.
        votes: (n, e); NaN where unknown.
        names: of the e expressions.
        resamples: draws of the faces' subjects.

    Returns:
        `faces`, `accuracy`, `macro_f1`, `mean_recall`, `recall` (by name; None where no face shows it), `…_interval`
        of each, and `confusion` (by truth, then by scored expression).
    """
    confusions = confusion_matrices(scores, votes, resamples.codes, resamples.subjects)
    accuracy, macro_f1, mean_recall, *recalls = estimate(statistic(confusions), resamples)
    counts = confusions.sum(axis=0).astype(int)
    return {
        "faces": int(counts.sum()),
        "accuracy": accuracy.value,
        "accuracy_interval": accuracy.interval,
        "macro_f1": macro_f1.value,
        "macro_f1_interval": macro_f1.interval,
        "mean_recall": mean_recall.value,
        "mean_recall_interval": mean_recall.interval,
        "recall": {name: each.value for name, each in zip(names, recalls, strict=True)},
        "recall_interval": {name: each.interval for name, each in zip(names, recalls, strict=True)},
        "confusion": {
            name: dict(zip(names, row.tolist(), strict=True)) for name, row in zip(names, counts, strict=True)
        },
    }
