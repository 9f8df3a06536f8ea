"""Two models on the same faces: is one better, on subjects like these?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clef_rt.errors import ConfigError
from training.evaluation.action_units import LEVEL, auc_statistic, f1_statistic, with_mean
from training.evaluation.bootstrap import Floats, Resamples, Statistic, difference, estimate, resample
from training.evaluation.expressions import confusion_matrices, statistic
from training.evaluation.measure import published_aus
from training.evaluation.scored import Scored

__all__ = ["compare"]


def compare(
    ours: tuple[Scored, Mapping[str, float]],
    theirs: tuple[Scored, Mapping[str, float]],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """The main figures of two models, and their paired difference.

    Args:
        ours: the faces scored by one model, and its thresholds.
        theirs: the same faces scored by the other.
        draws: of subjects; each draw scores both models.
        seed: of the draws.

    Returns:
        By figure: `ours`, `theirs`, `difference` and `difference_interval`.

    Raises:
        ConfigError: the faces or the labels aren't the same.
    """
    (a, a_levels), (b, b_levels) = ours, theirs
    if len(a) != len(b) or not all(np.array_equal(getattr(a, key), getattr(b, key)) for key in ("paths", "subjects")):
        raise ConfigError(f"{a.dataset}: the two runs weren't evaluated on the same faces.", "Evaluate both alike.")
    resamples = resample(a.subjects.astype(object), draws, seed)
    found: dict[str, dict[str, Any]] = {}
    wanted = published_aus(a.dataset) or a.au_names
    over = [
        name
        for column, name in enumerate(a.au_names)
        if name in b.au_names and name in wanted and np.isfinite(a.true_aus[:, column]).any()
    ]
    shared = [(scored.true_aus[:, [scored.au_names.index(name) for name in over]], scored.votes) for scored in (a, b)]
    if not all(np.array_equal(x, y, equal_nan=True) for x, y in zip(*shared, strict=True) if x.shape == y.shape):
        raise ConfigError(
            f"{a.dataset}: the two runs' test faces have other labels.", "Evaluate both on the same data."
        )
    if over:
        mine, other = _aus(a, a_levels, over, resamples), _aus(b, b_levels, over, resamples)
        for key in mine:
            found[key] = _pair(mine[key], other[key], -1, resamples)
    if np.isfinite(a.votes).any() and a.expression_names == b.expression_names:
        mine_e, other_e = (
            statistic(confusion_matrices(each.expressions, each.votes, resamples.codes, resamples.subjects))
            for each in (a, b)
        )
        for column, key in enumerate(("accuracy", "macro F1", "mean recall")):
            found[key] = _pair(mine_e, other_e, column, resamples)
    return found


def _aus(
    scored: Scored, thresholds: Mapping[str, float], names: list[str], resamples: Resamples
) -> dict[str, Statistic]:
    columns = [scored.au_names.index(name) for name in names]
    scores, truth, everything = scored.aus[:, columns], scored.true_aus[:, columns], range(len(names))
    levels = np.array([thresholds.get(name, LEVEL) for name in names])
    each = {
        "mean F1 at 0.5": f1_statistic(scores, truth, np.full(len(names), LEVEL), resamples.codes),
        "mean F1, tuned": f1_statistic(scores, truth, levels, resamples.codes),
        "mean AUC": auc_statistic(scores, truth, resamples.codes),
    }
    return {key: with_mean(own, everything) for key, own in each.items()}


def _pair(ours: Statistic, theirs: Statistic, column: int, resamples: Resamples) -> dict[str, Any]:
    def only(full: Statistic) -> Statistic:
        def one(weights: Floats) -> Floats:
            return full(weights)[:, [column]]

        return one

    gap = difference(only(ours), only(theirs), resamples)[0]
    alone = Resamples(resamples.codes, 0, 0)
    return {
        "ours": estimate(only(ours), alone)[0].value,
        "theirs": estimate(only(theirs), alone)[0].value,
        "difference": gap.value,
        "difference_interval": gap.interval,
    }
