"""Emotion words, sides, marks: each figure against scikit-learn or by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.evaluation.bootstrap import resample
from training.evaluation.experimental import Evidence, experimental
from training.evaluation.proxies import EMFACS, FEWEST, HEADLINE, agreement_within, proxies, stratified
from training.evaluation.scored import Scored
from training.evaluation.sides import FEWEST_LOPSIDED, side_agreement, sided
from training.evaluation.validity_sheets import experimental_sheet, proxy_sheet, sides_sheet

NAMES = ("AU04", "AU12", "AU12_L", "AU12_R", "AU18")
WORDS = ("neutral", "happiness", "sadness")


def faces(n: int = 600, seed: int = 0, skill: float = 1.0, lean: float = 1.0) -> Scored:
    """Happy faces show AU12, of which a third on one side alone; sad ones AU04. Scores follow by `skill`."""
    rng = np.random.default_rng(seed)
    words = np.array(WORDS)[rng.integers(0, 3, n)]
    side = np.where(words == "happiness", rng.integers(0, 6, n), 6)  # 0: left, 1: right, 2–5: both
    left, right = np.isin(side, (0, 2, 3, 4, 5)), np.isin(side, (1, 2, 3, 4, 5))
    truth = np.stack([words == "sadness", left | right, left, right, rng.random(n) < 0.3], axis=1).astype(np.float32)
    scores = skill * truth
    whole = skill * truth[:, 1]
    scores[:, 2], scores[:, 3] = (lean * scores[:, column] + (1 - lean) * whole for column in (2, 3))
    noisy = np.clip(0.3 + 0.4 * scores + rng.normal(0, 0.15, truth.shape), 0.001, 0.999).astype(np.float32)
    votes = (words[:, None] == np.array(WORDS)).astype(np.float32)
    return Scored(
        dataset="mine",
        au_names=NAMES,
        expression_names=WORDS,
        aus=noisy,
        expressions=(0.2 + 0.6 * votes).astype(np.float32),
        intensities=np.full_like(truth, np.nan),
        true_aus=truth,
        votes=votes,
        true_intensities=np.full_like(truth, np.nan),
        subjects=np.array([f"s{i % 60}" for i in range(n)]),
        activities=words,
        paths=np.array([f"{i}.png" for i in range(n)]),
    )


def real(validation: Scored | None = None, test: Scored | None = None) -> list[Evidence]:
    return [Evidence("real", validation or faces(seed=1), test or faces(seed=2))]


def changed(own: Scored, name: str, scores: NDArray[np.float32]) -> Scored:
    aus = own.aus.copy()
    aus[:, own.au_names.index(name)] = scores
    return replace(own, aus=aus)


def noise(own: Scored, name: str) -> Scored:
    return changed(own, name, np.random.default_rng(9).random(len(own)).astype(np.float32))


def test_a_pair_is_scikit_learns_on_the_faces_that_both_saw() -> None:
    own = faces()
    theirs = own.true_aus + np.random.default_rng(3).normal(0, 0.8, own.true_aus.shape).astype(np.float32)
    theirs[::7] = np.nan  # the peer saw no face
    found = proxies(own.activities, NAMES, own.aus, resample(own.subjects.astype(object), 200), {"peer": theirs})
    pair = found["pairs"]["happiness"]["AU12"]
    rows = np.isin(own.activities, ("happiness", "neutral")) & np.isfinite(theirs[:, 1])
    happy = own.activities[rows] == "happiness"
    assert (pair["faces"], pair["neutral"]) == (happy.sum(), (~happy).sum())
    assert pair["auc"] == pytest.approx(roc_auc_score(happy, own.aus[rows, 1]))
    peer = pair["peers"]["peer"]
    assert peer["auc"] == pytest.approx(roc_auc_score(happy, theirs[rows, 1]))
    assert peer["difference"] == pytest.approx(pair["auc"] - peer["auc"])
    assert peer["difference_interval"][0] < peer["difference"] < peer["difference_interval"][1]
    assert pair["auc_interval"][0] < pair["auc"] < pair["auc_interval"][1]


def test_the_headline_is_the_mean_of_those_of_the_twelve_that_are_there() -> None:
    own = faces()
    found = proxies(own.activities, NAMES, own.aus, resample(own.subjects.astype(object), 50))
    each = [found["pairs"][emotion][au]["auc"] for emotion, au in (("happiness", "AU12"), ("sadness", "AU04"))]
    assert found["headline"]["auc"] == pytest.approx(np.mean(each))
    assert (found["headline"]["pairs"], found["headline"]["of"]) == (2, 12)
    assert all(au in EMFACS[emotion] for emotion, au in HEADLINE)
    assert set(found["pairs"]) == {"happiness", "sadness"}  # AU18 is no emotion's, sides are no pair


def test_too_few_faces_are_no_pair() -> None:
    own = faces()
    sad = own.activities == "sadness"
    activities = np.where(sad & (np.cumsum(sad) >= FEWEST), "talking", own.activities)
    assert "sadness" not in proxies(activities, NAMES, own.aus, resample(own.subjects.astype(object), 0))["pairs"]
    assert proxies(np.full(len(own), "talking"), NAMES, own.aus, resample(own.subjects.astype(object), 0)) == {}


def test_ties_are_told() -> None:
    own = faces()
    coarse = np.round(own.true_aus).astype(np.float32)
    coarse[:, 1] = np.minimum(coarse[:, 1], 0)  # all the same
    found = proxies(own.activities, NAMES, own.aus, resample(own.subjects.astype(object), 0), {"peer": coarse})
    peer = found["pairs"]["happiness"]["AU12"]["peers"]["peer"]
    assert (peer["auc"], peer["tied"]) == (0.5, 1.0)
    assert "100.0 % of a pair's comparisons are ties" in proxy_sheet("mine", found, "x").notes[-1]


def test_datasets_are_never_mixed() -> None:
    """Another scale of the same order changes nothing; the mean is weighted by the emotion's faces."""
    a, b = faces(300, 1), faces(90, 2, skill=0.2)
    shifted = (b.aus * 0.001).astype(np.float32)
    found = stratified([(a.activities, NAMES, a.aus), (b.activities, NAMES, shifted)])
    areas, counts = [], []
    for own in (a, b):
        rows = np.isin(own.activities, ("happiness", "neutral"))
        happy = own.activities[rows] == "happiness"
        areas.append(roc_auc_score(happy, own.aus[rows, 1]))
        counts.append(happy.sum())
    assert found["happiness", "AU12"] == (pytest.approx(np.average(areas, weights=counts)), sum(counts))


def test_sides_are_told_apart_or_not() -> None:
    for lean, good in ((1.0, True), (0.0, False)):
        own = faces(900, lean=lean)
        found = side_agreement(NAMES, own.aus, own.true_aus)["AU12"]
        alone = own.true_aus[:, 2] != own.true_aus[:, 3]
        left = own.true_aus[alone, 2] >= 0.5
        assert (found["left"], found["right"]) == (left.sum(), (~left).sum())
        lean_of = [np.log(own.aus[alone, c].astype(float) / (1 - own.aus[alone, c].astype(float))) for c in (2, 3)]
        assert found["auc"] == pytest.approx(roc_auc_score(left, lean_of[0] - lean_of[1]), abs=1e-6)
        assert (found["auc"] > 0.8) == good
    assert sided(NAMES) == ["AU12"]
    assert FEWEST_LOPSIDED > 1
    assert side_agreement(NAMES, own.aus[:20], own.true_aus[:20]) == {}
    rows = sides_sheet("mine", {name: {"auc": 0.9} for name in NAMES}, {"AU12": found}, "x").rows
    assert [row[0] for row in rows] == ["AU12"]


def test_what_is_good_on_both_splits_is_not_marked() -> None:
    reasons = experimental(real())
    assert set(reasons) == {"AU18"}
    assert "no emotion's proxy" in reasons["AU18"]


def test_what_fails_on_test_alone_is_marked() -> None:
    reasons = experimental(real(test=noise(faces(seed=2), "AU12")))
    assert reasons["AU12"].startswith("tells happiness from neutral faces badly")
    assert reasons["AU12"].endswith("on test faces")
    assert reasons["AU12_L"] == reasons["AU12_R"] == "the whole Action Unit is experimental itself"
    assert "AU04" not in reasons
    assert "validation" in experimental(real(noise(faces(seed=1), "AU12")))["AU12"]


def test_sides_that_copy_the_whole_are_marked() -> None:
    reasons = experimental(real(faces(900, 1, lean=0.0), faces(900, 2, lean=0.0)))
    assert "AU12" not in reasons
    assert all("tell left from right" in reasons[name] for name in ("AU12_L", "AU12_R"))
    own = faces(900, 1)
    reasons = experimental(real(noise(own, "AU12_L"), faces(900, 2)))
    assert "follows the teacher's of this side badly" in reasons["AU12_L"]


def test_rendered_faces_are_no_evidence() -> None:
    rendered = Evidence("rendered", faces(seed=1), faces(seed=2))
    reasons = experimental([rendered])
    assert {"AU04", "AU12", "AU12_L", "AU18"} <= set(reasons)
    assert "too few real faces" in reasons["AU12"]
    assert reasons["AU12_R"] == "the whole Action Unit is experimental itself"


def test_another_model_that_taught_nothing_is_some_evidence() -> None:
    assert "AU18" in experimental(real())  # the teacher's student
    assert experimental(real(), independent=True) == {}
    reasons = experimental(real(test=noise(faces(seed=2), "AU18")), independent=True)
    assert reasons["AU18"].startswith("no emotion's, and agrees badly with another model")


def test_what_words_taught_must_follow_the_movement_too() -> None:
    """A score that knows the emotion alone is good by words; rendered faces, or the teacher within a word, tell."""
    blind = []
    for seed in (1, 2):
        own = faces(900, seed)
        guess = (own.activities == "sadness") * 0.5 + np.random.default_rng(seed).random(len(own)) * 0.4
        truth = own.true_aus.copy()
        truth[:, 0] = np.random.default_rng(seed + 5).random(len(own)) < 0.4  # the teacher sees something else
        blind.append(replace(changed(own, "AU04", guess.astype(np.float32)), true_aus=truth))
    assert "AU04" not in experimental(real(*blind))
    reasons = experimental(real(*blind), taught=True)
    assert "knows little beside them" in reasons["AU04"]
    unlabelled = [replace(own, true_aus=np.full_like(own.true_aus, np.nan)) for own in blind]
    assert "nothing else tests it" in experimental(real(*unlabelled), taught=True)["AU04"]
    good = Evidence("rendered", faces(seed=3), faces(seed=4))
    assert "AU04" not in experimental([*real(*blind), good], taught=True)
    bad = Evidence("rendered", faces(seed=3), noise(faces(seed=4), "AU04"))
    assert "follows rendered faces badly" in experimental([*real(*blind), bad], taught=True)["AU04"]


def test_agreement_within_a_word_is_not_the_words() -> None:
    own = faces()
    by_word = (own.activities == "happiness").astype(np.float32)
    assert agreement_within(own.activities, by_word, own.true_aus[:, 1]) is None  # within a word all show it, or none
    labels = own.true_aus[:, 4]  # AU18, in every word alike
    value, shown = agreement_within(own.activities, by_word, labels) or (None, 0)
    assert (value, shown) == (pytest.approx(0.5), labels.sum())
    areas, weights = [], []
    for word in WORDS:
        rows = own.activities == word
        areas.append(roc_auc_score(labels[rows], own.aus[rows, 4]))
        weights.append(labels[rows].sum() * (1 - labels[rows]).sum())
    value, _ = agreement_within(own.activities, own.aus[:, 4], labels) or (None, 0)
    assert value == pytest.approx(np.average(areas, weights=weights))


def test_coders_decide_where_there_are_any() -> None:
    coded = Evidence("coded", faces(seed=1), noise(faces(seed=2), "AU04"))
    reasons = experimental([*real(), coded])
    assert reasons["AU04"].startswith("follows the coders badly")
    assert set(reasons) == {"AU04"}  # coders tell of AU18, too, which no emotion's word does


def test_expressions_need_half_of_their_faces_on_both_splits() -> None:
    good, blind = faces(seed=1), faces(seed=2)
    wrong = blind.expressions.copy()
    wrong[blind.activities == "sadness"] = [0.6, 0.2, 0.2]
    reasons = experimental(real(good, replace(blind, expressions=wrong)))
    assert reasons["sadness"] == "found in 0% of its test faces"
    assert "happiness" not in reasons
    sheet = experimental_sheet({"AU01": "a", "AU02": "b", "AU04": "a"})
    assert sheet.rows == (("AU01, AU04", "a"), ("AU02", "b"))
