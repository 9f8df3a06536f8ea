"""From the scores of several seeds to a figure, how it varies, and how it differs from another row's.

Two things vary. Training: the standard deviation over seeds. The test subjects: a 95 % interval of the seeds' mean, by
drawing whole subjects anew, the same draw for all seeds and, in a difference, for both rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from training.evaluation import expressions
from training.evaluation.action_units import LEVEL, auc_statistic, f1_statistic, with_mean
from training.evaluation.bootstrap import Floats, Resamples, Statistic, estimate, resample
from training.evaluation.paper import load_paper
from training.evaluation.scored import Scored, joined

__all__ = ["FIGURES", "Figure", "Outcome", "Summary", "averaged_aus", "difference", "summarise"]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one training gave.

    Attributes:
        scored: the test faces.
        thresholds: by Action Unit.
        left_out: the expressions that weren't learnt.
        extras: further figures by name.
    """

    scored: Scored
    thresholds: Mapping[str, float]
    left_out: tuple[str, ...]
    extras: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a table.

    Attributes:
        key: in the JSON.
        title: of its column.
        statistic: from a seed's trainings (several where a figure is put together from them) and draws of their
            subjects to (b, 1) values.
    """

    key: str
    title: str
    statistic: Callable[[Sequence[Outcome], Resamples], Statistic]


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over seeds, 0–1, or a difference, –1 to 1.

    Attributes:
        seeds: which.
        values: of each.
        mean: theirs.
        sd: over seeds, with n – 1; None for one seed.
        interval: 95 %, over draws of the test subjects; None where they are too few.
    """

    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    sd: float | None
    interval: list[float] | None

    def json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: getattr(self, name) for name in ("seeds", "values", "mean", "sd", "interval")}


Seeds = Mapping[int, Sequence[Outcome]]
"""A row's trainings by seed."""


def summarise(figure: Figure, seeds: Seeds, draws: int) -> Summary | None:
    """A row's figure; None where it is undefined, or no seed is there."""
    makers = {seed: partial(figure.statistic, own) for seed, own in seeds.items()}
    return _summary(makers, seeds, draws)


def difference(figure: Figure, ours: Seeds, base: Seeds, draws: int) -> Summary | None:
    """A row's figure minus another's, seed by seed; None without a seed that both have.

    Raises:
        ValueError: the two were tested on other faces.
    """
    both = {seed: (ours[seed], base[seed]) for seed in ours if seed in base}
    for a, b in both.values():
        if [part.scored.paths.tolist() for part in a] != [part.scored.paths.tolist() for part in b]:
            raise ValueError("The two rows were tested on other faces.")

    def gap(pair: tuple[Sequence[Outcome], Sequence[Outcome]], resamples: Resamples) -> Statistic:
        mine, other = (figure.statistic(own, resamples) for own in pair)
        return lambda weights: mine(weights) - other(weights)

    makers = {seed: partial(gap, pair) for seed, pair in both.items()}
    return _summary(makers, {seed: own for seed, (own, _) in both.items()}, draws)


def averaged_aus(names: Sequence[str]) -> tuple[str, ...]:
    """The Action Units that a mean is over: those of the paper's BP4D table, or all where there is none of them."""
    return tuple(name for name in names if name in load_paper().action_units["bp4d"].aus) or tuple(names)


def _summary(makers: Mapping[int, Callable[[Resamples], Statistic]], seeds: Seeds, draws: int) -> Summary | None:
    if not makers:
        return None
    order = sorted(makers)
    subjects = np.concatenate([part.scored.subjects for part in seeds[order[0]]]).astype(object)
    resamples = resample(subjects, draws)
    each = [makers[seed](resamples) for seed in order]
    ones = np.ones((1, resamples.subjects))
    values = tuple(float(statistic(ones)[0, 0]) for statistic in each)
    if not np.isfinite(values).all():
        return None

    def mean(weights: Floats) -> Floats:
        found: Floats = np.mean([statistic(weights) for statistic in each], axis=0)
        return found

    found = estimate(mean, resamples)[0]
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Summary(tuple(order), values, float(np.mean(values)), sd, found.interval)


def _only(statistic: Statistic, column: int) -> Statistic:
    def one(weights: Floats) -> Floats:
        return statistic(weights)[:, [column]]

    return one


def _f1(tuned: bool) -> Callable[[Sequence[Outcome], Resamples], Statistic]:
    def make(parts: Sequence[Outcome], resamples: Resamples) -> Statistic:
        scored, over, columns = _aus(parts)
        own = parts[0].thresholds if tuned else {}
        levels = np.array([own.get(name, LEVEL) for name in over])
        each = f1_statistic(scored.aus[:, columns], scored.true_aus[:, columns], levels, resamples.codes)
        return _only(with_mean(each, range(len(over))), -1)

    return make


def _auc(parts: Sequence[Outcome], resamples: Resamples) -> Statistic:
    scored, over, columns = _aus(parts)
    each = auc_statistic(scored.aus[:, columns], scored.true_aus[:, columns], resamples.codes)
    return _only(with_mean(each, range(len(over))), -1)


def _aus(parts: Sequence[Outcome]) -> tuple[Scored, tuple[str, ...], list[int]]:
    (part,) = parts
    over = averaged_aus(part.scored.au_names)
    return part.scored, over, [part.scored.au_names.index(name) for name in over]


def _of_confusion(column: int, *, among_unseen: bool = False) -> Callable[[Sequence[Outcome], Resamples], Statistic]:
    """Of `expressions.statistic`: 0 is accuracy, 2 the mean recall."""

    def make(parts: Sequence[Outcome], resamples: Resamples) -> Statistic:
        scores = [_among(part) if among_unseen else part.scored.expressions for part in parts]
        whole = joined([part.scored for part in parts])
        counts = expressions.confusion_matrices(
            np.concatenate(scores), whole.votes, resamples.codes, resamples.subjects
        )
        return _only(expressions.statistic(counts), column)

    return make


def _among(part: Outcome) -> np.ndarray[Any, Any]:
    """Scores of the expressions that weren't learnt; the others can't win."""
    others = [name not in part.left_out for name in part.scored.expression_names]
    return np.where(others, -np.inf, part.scored.expressions)


FIGURES: Final[dict[str, Figure]] = {
    figure.key: figure
    for figure in (
        Figure("f1", "mean F1", _f1(tuned=True)),
        Figure("f1_half", "mean F1 at 0.5", _f1(tuned=False)),
        Figure("auc", "mean AUC", _auc),
        Figure("accuracy", "accuracy", _of_confusion(0)),
        Figure("mean_recall", "mean recall", _of_confusion(2)),
        Figure("unseen_accuracy", "accuracy among the unseen", _of_confusion(0, among_unseen=True)),
        Figure("unseen_recall", "mean recall among the unseen", _of_confusion(2, among_unseen=True)),
    )
}
