"""Action Units without a coder: emotion words as a proxy, and agreement with the teacher that labelled the faces.

No figure here is accuracy against human FACS coding: there is no openly licensed set of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.action_units import with_mean
from training.evaluation.bootstrap import Floats, Resamples, Statistic, difference, estimate
from training.evaluation.roc import area, area_statistic

__all__ = [
    "EMFACS",
    "FEWEST",
    "HEADLINE",
    "NEUTRAL",
    "agreement_within",
    "au_agreement",
    "pairs_of",
    "proxies",
    "stratified",
]

EMFACS: Final[dict[str, tuple[str, ...]]] = {
    "happiness": ("AU06", "AU12"),
    "surprise": ("AU01", "AU02", "AU05", "AU25", "AU26", "AU27"),
    "sadness": ("AU01", "AU04", "AU15", "AU17"),
    "anger": ("AU04", "AU05", "AU07", "AU10", "AU17", "AU22", "AU23", "AU24"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25", "AU26", "AU27"),
    "disgust": ("AU09", "AU10", "AU16", "AU17"),
    "contempt": ("AU14",),
}
"""Which Action Units an emotion's prototypes and major variants have (FACS Investigator's Guide, 2002). Of those that
only some variants have (AU10, AU17, AU22–24 in anger; AU16, AU17 in disgust) many faces of the word show none: a low
area doesn't tell a bad detector from an absent movement, a high one still tells a good one."""

HEADLINE: Final[tuple[tuple[str, str], ...]] = (
    ("happiness", "AU12"),
    ("happiness", "AU06"),
    ("surprise", "AU01"),
    ("surprise", "AU02"),
    ("surprise", "AU05"),
    ("surprise", "AU26"),
    ("anger", "AU04"),
    ("sadness", "AU01"),
    ("sadness", "AU04"),
    ("sadness", "AU15"),
    ("disgust", "AU09"),
    ("disgust", "AU10"),
)
"""The twelve pairs whose mean is the headline, chosen before any model was measured."""

NEUTRAL: Final = "neutral"
FEWEST: Final = 8
"""Faces of either kind: with fewer, an area says nothing."""


def pairs_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of emotion and Action Unit that can be asked of a model with these Action Units."""
    return [(emotion, au) for emotion, aus in EMFACS.items() for au in aus if au in names]


def proxies(
    activities: NDArray[Any],
    names: Sequence[str],
    aus: NDArray[np.float32],
    resamples: Resamples,
    peers: Mapping[str, NDArray[np.float32]] | None = None,
) -> dict[str, Any]:
    """AUC by emotion and Action Unit, of faces of that word against faces called neutral; ours and peers'.

    A pair is measured on the faces that all have a score for, so that all are compared on the same pictures.

    Args:
        activities: (n,) words; an emotion's name, `neutral`, or anything else.
        names: of the k Action Units.
        aus: (n, k) our scores; NaN where there is none.
        resamples: draws of the faces' subjects.
        peers: (n, k) scores of others by their name; a column of NaN where one has no such Action Unit.

    Returns:
        `pairs`: by emotion, then Action Unit, `faces` and `neutral` (counts), `auc`, `auc_interval`, and `peers`: by
        name `auc`, `difference` (ours minus theirs), their intervals, and `tied` (the share of pairs of faces that it
        doesn't order, which count half). `headline`: the mean over those of the twelve pairs that could be measured,
        likewise, with `pairs`, how many. `{}` where no pair could.
    """
    peers = peers or {}
    found: dict[str, Any] = {"pairs": {}}
    headline: list[dict[str, Statistic]] = []
    for emotion, au in pairs_of(names):
        column = list(names).index(au)
        rated = {name: own[:, column] for name, own in peers.items() if np.isfinite(own[:, column]).any()}
        scores = {"": aus[:, column], **rated}
        rows = _rows(activities, emotion, *scores.values())
        if not _enough(activities[rows] == emotion):
            continue
        truth, codes = activities[rows] == emotion, resamples.codes[rows]
        each = {name: area_statistic(own[rows], truth, codes) for name, own in scores.items()}
        own = _compared(each, resamples)
        for name in rated:
            own["peers"][name]["tied"] = _tied(rated[name][rows], truth)
        faces = int(truth.sum())
        found["pairs"].setdefault(emotion, {})[au] = {"faces": faces, "neutral": len(truth) - faces, **own}
        if (emotion, au) in HEADLINE:
            headline.append(each)
    if headline:
        everywhere = set.intersection(*map(set, headline))
        means = {name: _mean([each[name] for each in headline]) for name in headline[0] if name in everywhere}
        found["headline"] = {"pairs": len(headline), "of": len(HEADLINE), **_compared(means, resamples)}
    if not found["pairs"]:
        return {}
    return found


def stratified(
    parts: Sequence[tuple[NDArray[Any], Sequence[str], NDArray[np.float32]]],
) -> dict[tuple[str, str], tuple[float, int]]:
    """AUC by pair over several datasets, faces only ever compared within one; and how many faces of the emotion.

    The mean of the datasets' areas, weighted by their faces of the emotion: scores of different datasets have no
    common order, and how common an emotion is differs between them.

    Args:
        parts: activities, names and scores of each dataset, as for `proxies`.
    """
    sums: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for activities, names, aus in parts:
        for emotion, au in pairs_of(names):
            scores = aus[:, list(names).index(au)]
            rows = _rows(activities, emotion, scores)
            truth = activities[rows] == emotion
            value = area(scores[rows], truth) if truth.any() else None
            if value is not None:
                sums.setdefault((emotion, au), []).append((value, int(truth.sum())))
    return {
        pair: (sum(value * count for value, count in own) / sum(count for _, count in own), sum(c for _, c in own))
        for pair, own in sums.items()
    }


def au_agreement(
    names: Sequence[str],
    aus: NDArray[np.float32],
    truth: NDArray[np.float32],
    activities: NDArray[Any] | None = None,
) -> dict[str, dict[str, float]]:
    """Agreement with probabilities, by Action Unit: AUC against them ≥ 0.5, and Pearson's r with them.

    Args:
        names: of the k Action Units.
        aus: (n, k) scores.
        truth: (n, k) probabilities; NaN where unknown.
        activities: (n,) words; with them there is `within`, too, the AUC among faces of the same word.
    """
    found: dict[str, dict[str, float]] = {}
    for column, name in enumerate(names):
        known = np.isfinite(truth[:, column])
        own, scores = truth[known, column], aus[known, column]
        if not _enough(own >= 0.5):
            continue
        auc = area(scores, own >= 0.5)
        if auc is not None and scores.std() > 0:
            found[name] = {
                "auc": auc,
                "r": float(np.corrcoef(own, scores)[0, 1]),
                "present": float((own >= 0.5).mean()),
            }
            within = None if activities is None else agreement_within(activities, aus[:, column], truth[:, column])
            if within is not None:
                found[name]["within"] = within[0]
    return found


def agreement_within(
    activities: NDArray[Any], scores: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[float, int] | None:
    """AUC of an Action Unit against labels ≥ 0.5, faces only ever compared with others of the same word.

    A score that knows the emotion alone, and not the movement, gets 0.5.

    Args:
        activities: (n,) words.
        scores: (n,).
        truth: (n,) labels, 0–1; NaN where unknown.

    Returns:
        The area, weighted by the words' pairs of faces, and how many faces that show it are in it; None with too few.
    """
    known = np.isfinite(truth)
    ordered, pairs, shown = 0.0, 0, 0
    for word in sorted(set(activities[known].tolist())):
        rows = known & (activities == word)
        present = truth[rows] >= 0.5
        count = int(present.sum()) * int((~present).sum())
        if count:
            ordered += count * (area(scores[rows], present) or 0.0)
            pairs += count
            shown += int(present.sum())
    return (ordered / pairs, shown) if shown >= FEWEST else None


def _rows(activities: NDArray[Any], emotion: str, *scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    rows: NDArray[np.bool_] = np.isin(activities, (emotion, NEUTRAL))
    for own in scores:
        rows = rows & np.isfinite(own)
    return rows


def _enough(truth: NDArray[np.bool_]) -> bool:
    return min(int(truth.sum()), int((~truth).sum())) >= FEWEST


def _tied(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    absent, present = np.sort(scores[~truth]), scores[truth]
    equal = absent.searchsorted(present, "right") - absent.searchsorted(present, "left")
    return float(equal.sum() / (len(absent) * len(present)))


def _mean(statistics: Sequence[Statistic]) -> Statistic:
    def all_of(weights: Floats) -> Floats:
        return np.concatenate([each(weights) for each in statistics], axis=1)

    mean = with_mean(all_of, range(len(statistics)))
    return lambda weights: mean(weights)[:, -1:]


def _compared(each: Mapping[str, Statistic], resamples: Resamples) -> dict[str, Any]:
    """Ours (by the name ""), and each peer's with the paired difference."""
    own = estimate(each[""], resamples)[0]
    found: dict[str, Any] = {"auc": own.value, "auc_interval": own.interval, "peers": {}}
    for name, theirs in each.items():
        if name:
            value, gap = estimate(theirs, resamples)[0], difference(each[""], theirs, resamples)[0]
            found["peers"][name] = {
                "auc": value.value,
                "auc_interval": value.interval,
                "difference": gap.value,
                "difference_interval": gap.interval,
            }
    return found
