"""Which labels haven't been shown to be good on real faces, each with the reason.

An Action Unit is judged by the strongest evidence there is of it:

1. Labels of human coders: an AUC of 0.70 or more.
2. Emotion words on photographs: of the pairs that EMFACS has (`proxies.EMFACS`) the one that is best on validation
   faces must reach an AUC of 0.65 there, and the same pair must reach it on test faces. So the choice of the pair
   flatters validation only, and what fails on test faces is marked as well.
   Where emotions' words taught the model Action Units (`stage2.rates`), such a pair is no independent test: a score
   that knows the emotion and not the movement would pass. So there the movement must be shown, too: an AUC of 0.80 on
   rendered faces, whose labels are exact, or where those lack it, of 0.70 against the teacher among faces of one word.
3. Of one side (`AU12_L`), where the whole isn't marked: agreement with the teacher's own of that side of 0.80, and the
   difference of both sides must tell, with 0.65, on which side the teacher sees it.

4. Of what is no emotion's, where the teacher taught the model nothing: agreement with it of 0.80, as of two that came
   to see the same by different ways.

What has none of these is marked: agreement with a teacher that labelled the training faces is no evidence that the
teacher is right, and rendered faces aren't real. Expressions are marked where less than half of their faces are found.
Both splits count throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from training.evaluation import expressions
from training.evaluation.bootstrap import resample
from training.evaluation.proxies import agreement_within, au_agreement, pairs_of, stratified
from training.evaluation.scored import Scored
from training.evaluation.sides import side_agreement, whole_of

__all__ = ["FEWEST_FACES", "GOOD_PROXY", "Evidence", "Kind", "experimental"]

Kind = Literal["coded", "real", "rendered"]
"""Whose Action Units: people's; a teacher's or nobody's, on photographs; the renderer's."""

GOOD_PROXY: Final = 0.65
FEWEST_FACES: Final = 20
"""Of the emotion, on either split: with fewer, a pair is no evidence."""

_GOOD_CODED: Final = 0.70
_GOOD_AGREEMENT: Final = 0.80
_GOOD_RENDERED: Final = 0.80
_GOOD_WITHIN: Final = 0.70
_GOOD_SIDES: Final = 0.65
_GOOD_RECALL: Final = 0.5
_SPLITS: Final = ("validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One dataset's faces, scored.

    Attributes:
        kind: whose labels it has.
        validation: faces of its validation split; None without such.
        test: of its test split.
    """

    kind: Kind
    validation: Scored | None
    test: Scored | None

    def split(self, name: str) -> Scored | None:
        """Its faces of `validation` or `test`."""
        return self.validation if name == "validation" else self.test


def experimental(evidence: Sequence[Evidence], *, taught: bool = False, independent: bool = False) -> dict[str, str]:
    """The labels to mark experimental.

    Args:
        evidence: all datasets that the model was scored on.
        taught: whether emotions' words taught it Action Units (`Lineage.taught`).
        independent: whether the teacher that labels photographs taught it nothing.

    Returns:
        Reasons by label, in words.
    """
    first = next(own for each in evidence for own in (each.validation, each.test) if own is not None)
    reasons: dict[str, str] = {}
    for name in first.au_names:
        if name == whole_of(name) and (why := _whole(name, evidence, taught, independent)):
            reasons[name] = why
    for name in first.au_names:
        if name != whole_of(name) and (why := _one_side(name, evidence, reasons)):
            reasons[name] = why
    for name in first.expression_names:
        if why := _expression(name, evidence):
            reasons[name] = why
    return reasons


def _whole(name: str, evidence: Sequence[Evidence], taught: bool, independent: bool) -> str | None:
    coded = [_agreement(name, evidence, ("coded",), split) for split in _SPLITS]
    if any(value is not None for value in coded):
        return _first_below(coded, _GOOD_CODED, "follows the coders badly")
    on = [_pairs(evidence, split) for split in _SPLITS]
    asked = [pair for pair in pairs_of([name]) if all(p.get(pair, (0, 0))[1] >= FEWEST_FACES for p in on)]
    if not asked:
        follows = [_agreement(name, evidence, ("real",), split) for split in _SPLITS]
        if independent and all(value is not None for value in follows):
            return _first_below(follows, _GOOD_AGREEMENT, "no emotion's, and agrees badly with another model")
        if pairs_of([name]):
            return "too few real faces show it to test it"
        return "no real-face evidence: no emotion's proxy, and nobody coded it"
    best = max(asked, key=lambda pair: on[0][pair][0])
    values = [own[best][0] for own in on]
    why = _first_below(values, GOOD_PROXY, f"tells {best[0]} from neutral faces badly, and that best")
    return why or (_movement(name, evidence) if taught else None)


def _movement(name: str, evidence: Sequence[Evidence]) -> str | None:
    """Why it isn't shown that a score follows the movement and not the emotion's word alone; None where it is."""
    rendered = [_agreement(name, evidence, ("rendered",), split) for split in _SPLITS]
    if any(value is not None for value in rendered):
        return _first_below(rendered, _GOOD_RENDERED, "was taught by emotions' words, and follows rendered faces badly")
    within = [_within(name, evidence, split) for split in _SPLITS]
    if all(value is None for value in within):
        return "was taught by emotions' words, and nothing else tests it"
    return _first_below(within, _GOOD_WITHIN, "was taught by emotions' words, and knows little beside them")


def _one_side(name: str, evidence: Sequence[Evidence], reasons: dict[str, str]) -> str | None:
    whole = whole_of(name)
    coded = [_agreement(name, evidence, ("coded",), split) for split in _SPLITS]
    if any(value is not None for value in coded):
        return _first_below(coded, _GOOD_CODED, "follows the coders badly")
    if whole in reasons:
        return "the whole Action Unit is experimental itself"
    follows = [_agreement(name, evidence, ("real",), split) for split in _SPLITS]
    if all(value is None for value in follows):
        return "no real-face evidence of one side"
    if why := _first_below(follows, _GOOD_AGREEMENT, "follows the teacher's of this side badly"):
        return why
    leans = [_lean(whole, evidence, split) for split in _SPLITS]
    if all(value is None for value in leans):
        return "too few real faces show one side alone"
    return _first_below(leans, _GOOD_SIDES, "doesn't tell left from right on real faces")


def _expression(name: str, evidence: Sequence[Evidence]) -> str | None:
    recalls = {}
    for split in _SPLITS:
        real = [own for each in evidence if each.kind != "rendered" and (own := each.split(split)) is not None]
        parts = [own for own in real if np.isfinite(own.votes).any()]
        if not parts:
            continue
        scores, votes = (np.concatenate([getattr(own, what) for own in parts]) for what in ("expressions", "votes"))
        alone = resample(np.full(len(votes), None, object), count=0)
        recalls[split] = expressions.figures(scores, votes, parts[0].expression_names, alone)["recall"][name]
    if not recalls:
        return "no real face with votes tests it"
    for split, share in recalls.items():
        if share is None:
            return f"no {split} face shows it"
        if share < _GOOD_RECALL:
            return f"found in {share:.0%} of its {split} faces"
    return None


def _pairs(evidence: Sequence[Evidence], split: str) -> dict[tuple[str, str], tuple[float, int]]:
    parts = [own for each in evidence if each.kind == "real" and (own := each.split(split)) is not None]
    return stratified([(own.activities, own.au_names, own.aus) for own in parts])


def _agreement(name: str, evidence: Sequence[Evidence], kinds: Sequence[Kind], split: str) -> float | None:
    """The mean over the datasets that have its label, weighted by the faces that show it."""
    values: list[tuple[float, float]] = []
    for each in evidence:
        own = each.split(split)
        if each.kind in kinds and own is not None:
            column = [own.au_names.index(name)]
            found = au_agreement([name], own.aus[:, column], own.true_aus[:, column])
            if name in found:
                values.append((found[name]["auc"], found[name]["present"] * np.isfinite(own.true_aus[:, column]).sum()))
    return _weighted(values)


def _within(name: str, evidence: Sequence[Evidence], split: str) -> float | None:
    """Agreement with the teacher among faces of one word."""
    values: list[tuple[float, float]] = []
    for each in evidence:
        own = each.split(split)
        if each.kind == "real" and own is not None:
            column = own.au_names.index(name)
            if found := agreement_within(own.activities, own.aus[:, column], own.true_aus[:, column]):
                values.append(found)
    return _weighted(values)


def _lean(whole: str, evidence: Sequence[Evidence], split: str) -> float | None:
    values: list[tuple[float, float]] = []
    for each in evidence:
        own = each.split(split)
        if each.kind == "real" and own is not None:
            found = side_agreement(own.au_names, own.aus, own.true_aus).get(whole)
            if found:
                values.append((found["auc"], found["left"] + found["right"]))
    return _weighted(values)


def _weighted(values: Sequence[tuple[float, float]]) -> float | None:
    total = sum(weight for _, weight in values)
    return sum(value * weight for value, weight in values) / total if total else None


def _first_below(values: Sequence[float | None], least: float, what: str) -> str | None:
    """Why a figure of validation or test faces, in this order, is too low; None where neither is."""
    for split, value in zip(_SPLITS, values, strict=True):
        if value is not None and value < least:
            return f"{what}, AUC {value:.2f} on {split} faces"
    return None
