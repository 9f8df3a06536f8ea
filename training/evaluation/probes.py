"""What a test set is asked: one main figure by the labels it has, as a statistic of its subjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.data import Examples
from training.evaluation.action_units import LEVEL, auc_statistic, f1_statistic, with_mean
from training.evaluation.bootstrap import Floats, Resamples, Statistic
from training.evaluation.expressions import confusion_matrices
from training.evaluation.expressions import statistic as expression_statistic
from training.evaluation.lineage import is_rendered
from training.evaluation.proxies import FEWEST, HEADLINE, NEUTRAL
from training.evaluation.roc import area_statistic
from training.evaluation.scoring import Predictions
from training.evaluation.sides import whole_of

__all__ = ["FIGURES", "Probe", "last", "probes_of"]

FIGURES: Final = {
    "accuracy": "accuracy of expressions",
    "proxy": "mean AUC of Action Units by emotion words",
    "f1": "mean F1 of Action Units on rendered faces",
    "auc": "mean AUC of Action Units on rendered faces",
}
"""What each figure is, for people."""

Make = Callable[[Predictions, Resamples], Statistic]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A figure of some faces.

    Attributes:
        figure: a key of `FIGURES`.
        statistic: from scores of all the faces and draws of their subjects, the figure alone (b, 1).
    """

    figure: str
    statistic: Make


def probes_of(examples: Examples, thresholds: Mapping[str, float]) -> list[Probe]:
    """What the labels of one dataset's faces allow to ask.

    Args:
        examples: faces of one dataset.
        thresholds: by Action Unit; 0.5 where there is none.
    """
    found = []
    if examples.voted.any():
        found.append(Probe("accuracy", _accuracy(examples.votes)))
    rendered = all(is_rendered(str(name)) for name in set(examples.datasets))
    if rendered and np.isfinite(examples.aus).any():
        found += [Probe("f1", _f1(examples, thresholds)), Probe("auc", _auc(examples))]
    elif not rendered and (pairs := _pairs(examples)):
        found.append(Probe("proxy", _proxy(examples, pairs)))
    return found


def last(statistic: Statistic) -> Statistic:
    """Only the last figure."""
    return lambda weights: statistic(weights)[:, -1:]


def _accuracy(votes: NDArray[np.float32]) -> Make:
    def make(scores: Predictions, resamples: Resamples) -> Statistic:
        counts = confusion_matrices(scores.expressions, votes, resamples.codes, resamples.subjects)
        every = expression_statistic(counts)
        return lambda weights: every(weights)[:, :1]

    return make


def _whole(examples: Examples) -> list[int]:
    known = np.isfinite(examples.aus).any(axis=0)
    return [place for place, name in enumerate(examples.au_names) if known[place] and name == whole_of(name)]


def _f1(examples: Examples, thresholds: Mapping[str, float]) -> Make:
    columns = _whole(examples)
    levels = np.array([thresholds.get(examples.au_names[column], LEVEL) for column in columns])

    def make(scores: Predictions, resamples: Resamples) -> Statistic:
        each = f1_statistic(scores.aus[:, columns], examples.aus[:, columns], levels, resamples.codes)
        return last(with_mean(each, range(len(columns))))

    return make


def _auc(examples: Examples) -> Make:
    columns = _whole(examples)

    def make(scores: Predictions, resamples: Resamples) -> Statistic:
        each = auc_statistic(scores.aus[:, columns], examples.aus[:, columns], resamples.codes)
        return last(with_mean(each, range(len(columns))))

    return make


def _pairs(examples: Examples) -> list[tuple[str, str]]:
    """Those of the twelve pairs that have enough faces."""
    words = examples.activities
    enough = {emotion for emotion, _ in HEADLINE if (words == emotion).sum() >= FEWEST}
    if (words == NEUTRAL).sum() < FEWEST:
        return []
    return [(emotion, au) for emotion, au in HEADLINE if emotion in enough and au in examples.au_names]


def _proxy(examples: Examples, pairs: Sequence[tuple[str, str]]) -> Make:
    words = examples.activities

    def make(scores: Predictions, resamples: Resamples) -> Statistic:
        parts = []
        for emotion, au in pairs:
            rows = np.flatnonzero(np.isin(words.astype(str), (emotion, NEUTRAL)))
            own = scores.aus[rows, examples.au_names.index(au)]
            parts.append(area_statistic(own, words[rows] == emotion, resamples.codes[rows]))

        def each(weights: Floats) -> Floats:
            return np.concatenate([part(weights) for part in parts], axis=1)

        return last(with_mean(each, range(len(parts))))

    return make
