"""Several folds as one result: each fold's model on its own test subjects.

F1 is averaged over the folds, as in the literature, and pooled over all faces as well; the two differ where a fold has
few faces of an Action Unit. The spread over the folds says how much of a difference between two methods is chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from clef_rt.errors import ConfigError
from training.evaluation.action_units import LEVEL, auc_statistic, f1_statistic, with_mean
from training.evaluation.bootstrap import Estimate, Floats, Ints, Statistic, estimate, resample
from training.evaluation.scored import Scored, joined

__all__ = ["check_disjoint", "figures", "mean_of_folds"]


def mean_of_folds(folds: Sequence[Statistic]) -> Statistic:
    """The mean over the folds that define a figure: (b, m) from as many statistics of (b, m)."""

    def statistic(weights: Floats) -> Floats:
        values = np.stack([each(weights) for each in folds])
        defined = np.isfinite(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Floats = np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0)
        return mean

    return statistic


def figures(
    folds: Sequence[Scored],
    thresholds: Sequence[Mapping[str, float]],
    *,
    averaged: Sequence[str] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Action Units over folds.

    Args:
        folds: the test faces of each, scored by that fold's model.
        thresholds: of each fold's model, from its validation faces.
        averaged: the Action Units of the mean; all by default.
        draws: of subjects, over all folds at once.
        seed: of the draws.

    Returns:
        As `action_units.figures`, so that the same tables and plots take it. `f1`, `f1_tuned` and `auc` are means over
        the folds; each with `…_pooled` (not `auc`: scores of different models have no common order), `…_folds` (the
        values) and `…_spread` (their standard deviation). `threshold` is None: the folds differ.

    Raises:
        ConfigError: a subject is in two folds, or the folds' labels differ.
    """
    check_disjoint(folds)
    everything = joined(list(folds))
    labelled = np.flatnonzero(np.isfinite(everything.true_aus).any(axis=0)).tolist()
    names = [everything.au_names[column] for column in labelled]
    resamples = resample(everything.subjects.astype(object), draws, seed)
    owners = np.repeat(np.arange(len(folds)), [len(fold) for fold in folds])
    levels = np.array([[own.get(name, LEVEL) for name in names] for own in thresholds])
    means = [column for column, name in enumerate(names) if averaged is None or name in averaged]
    scores, truth = everything.aus[:, labelled], everything.true_aus[:, labelled]

    def f1(thresholds: Floats) -> Callable[[Ints], Statistic]:
        return lambda rows: f1_statistic(scores[rows], truth[rows], thresholds[owners[rows]], resamples.codes[rows])

    def auc(rows: Ints) -> Statistic:
        return auc_statistic(scores[rows], truth[rows], resamples.codes[rows])

    ones = np.ones((1, resamples.subjects))
    found: dict[str, list[dict[str, Any]]] = {}
    for key, make in {"f1": f1(np.full_like(levels, LEVEL)), "f1_tuned": f1(levels), "auc": auc}.items():
        each = [with_mean(make(np.flatnonzero(owners == fold)), means) for fold in range(len(folds))]
        values = np.stack([one(ones)[0] for one in each])
        own = [_flat(key, value) for value in estimate(mean_of_folds(each), resamples)]
        if key != "auc":
            pooled = estimate(with_mean(make(np.arange(len(everything))), means), resamples)
            own = [a | _flat(f"{key}_pooled", b) for a, b in zip(own, pooled, strict=True)]
        found[key] = [a | _folds(key, column) for a, column in zip(own, values.T, strict=True)]
    known = np.isfinite(truth)
    labels = {
        name: {
            "frames": int(known[:, column].sum()),
            "present": float((truth[known[:, column], column] >= LEVEL).mean()),
            "threshold": None,
            **found["f1"][column],
            **found["f1_tuned"][column],
            **found["auc"][column],
        }
        for column, name in enumerate(names)
    }
    mean = {"over": [names[column] for column in means], **found["f1"][-1], **found["f1_tuned"][-1], **found["auc"][-1]}
    return {"folds": len(folds), "labels": labels, "mean": mean}


def check_disjoint(folds: Sequence[Scored]) -> None:
    """See that no subject is tested on in two folds.

    Raises:
        ConfigError: one is.
    """
    seen: dict[str, int] = {}
    for number, fold in enumerate(folds):
        for subject in sorted(set(fold.subjects.tolist()) - {""}):
            if subject in seen:
                raise ConfigError(
                    f"Subject {subject} is tested on in runs {seen[subject] + 1} and {number + 1}.",
                    "Give one run of each fold.",
                )
            seen[subject] = number


def _flat(key: str, value: Estimate) -> dict[str, Any]:
    return {key: value.value, f"{key}_interval": value.interval}


def _folds(key: str, values: Floats) -> dict[str, Any]:
    defined = values[np.isfinite(values)]
    return {
        f"{key}_folds": [float(value) if np.isfinite(value) else None for value in values],
        f"{key}_spread": float(defined.std(ddof=1)) if len(defined) > 1 else None,
    }
