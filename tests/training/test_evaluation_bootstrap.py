"""Intervals against the slow, obvious way: copy the faces of the drawn subjects, and compute each figure anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from clef_rt.errors import ConfigError
from training.evaluation import action_units, expressions, folds, roc
from training.evaluation.bootstrap import (
    FEWEST_SUBJECTS,
    Floats,
    Resamples,
    Statistic,
    by_subject,
    difference,
    estimate,
    resample,
    subject_codes,
)
from training.evaluation.compare import compare
from training.evaluation.scored import Scored

FEW_EXAMPLES = settings(max_examples=8, deadline=None)


def faces_of(n: int, subjects: int, seed: int) -> tuple[NDArray[np.object_], NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    who = rng.integers(0, subjects, n)
    truth = (rng.random(n) < 0.2 + 0.6 * rng.random(subjects)[who]).astype(np.float32)
    scores = np.round(0.4 * truth + 0.6 * rng.random(n), 2).astype(np.float32)
    return who.astype(str).astype(object), scores, truth


def drawn_rows(resamples: Resamples) -> list[NDArray[np.intp]]:
    """For each draw the rows that it copies."""
    kept: list[Floats] = []

    def keep(weights: Floats) -> Floats:
        kept.append(weights)
        return np.zeros((len(weights), 1))

    resamples.apply(keep)
    times = np.concatenate(kept)[:, resamples.codes].astype(int)
    return [np.repeat(np.arange(times.shape[1]), own) for own in times]


def slow(resamples: Resamples, figure: Callable[[NDArray[np.intp]], float]) -> tuple[float, float]:
    values = [figure(rows) for rows in drawn_rows(resamples)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


@FEW_EXAMPLES
@given(st.integers(0, 10**6), st.integers(FEWEST_SUBJECTS, 12))
def test_intervals_are_those_of_copied_faces(seed: int, subjects: int) -> None:
    who, scores, truth = faces_of(200, subjects, seed)
    resamples = resample(who, 60, seed)
    own = action_units.figures(scores[:, None], truth[:, None], ["AU12"], {"AU12": 0.3}, resamples)["labels"]["AU12"]

    def f1(level: float) -> Callable[[NDArray[np.intp]], float]:
        return lambda rows: f1_score(truth[rows], scores[rows] >= np.float32(level), zero_division=0)

    for key, figure in {
        "f1": f1(0.5),
        "f1_tuned": f1(0.3),
        "auc": lambda rows: roc_auc_score(truth[rows], scores[rows]),
    }.items():
        assert own[f"{key}_interval"] == pytest.approx(slow(resamples, figure))


@FEW_EXAMPLES
@given(st.integers(0, 10**6))
def test_intervals_of_expressions_are_those_of_copied_faces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    who = np.where(rng.random(120) < 0.2, None, rng.integers(0, 8, 120).astype(object))  # some without a subject
    truth = rng.integers(0, 3, 120)
    scores = rng.random((120, 3)).astype(np.float32) + 0.5 * np.eye(3, dtype=np.float32)[truth]
    resamples = resample(who, 40, seed)
    own = expressions.figures(scores, np.eye(3, dtype=np.float32)[truth], ["a", "b", "c"], resamples)
    found = scores.argmax(axis=1)
    accuracy = slow(resamples, lambda rows: accuracy_score(truth[rows], found[rows]))
    macro = slow(
        resamples, lambda rows: f1_score(truth[rows], found[rows], labels=np.unique(truth[rows]), average="macro")
    )
    assert own["accuracy_interval"] == pytest.approx(accuracy)
    assert own["macro_f1_interval"] == pytest.approx(macro)


@pytest.mark.parametrize("subjects", [7, 30])
def test_both_forms_of_the_area_agree(subjects: int, monkeypatch: pytest.MonkeyPatch) -> None:
    who, scores, truth = faces_of(400, subjects, 3)
    codes, weights = subject_codes(who), np.random.default_rng(0).integers(0, 4, (50, subjects)).astype(float)
    weights[0], weights[1] = 0, 1
    by_pairs = roc.area_statistic(scores, truth > 0, codes)(weights)
    monkeypatch.setattr(roc, "_FEW", 0)
    monkeypatch.setattr(roc, "_BLOCK", 1000)  # several blocks
    by_order = roc.area_statistic(scores, truth > 0, codes)(weights)
    np.testing.assert_allclose(by_pairs, by_order)
    assert np.isnan(by_pairs[0])
    assert by_pairs[1] == pytest.approx(roc_auc_score(truth, scores))


def test_faces_without_a_subject_are_their_own() -> None:
    codes = subject_codes(np.array(["a", None, "b", "", "a", float("nan")], object))
    assert codes[0] == codes[4]
    assert len(set(codes.tolist())) == 5
    assert set(codes.tolist()) == set(range(5))
    assert len(subject_codes(np.array([], object))) == 0
    np.testing.assert_array_equal(by_subject(np.eye(6), codes).sum(axis=1), [2, 1, 1, 1, 1])


def test_as_many_subjects_are_drawn_as_there_are() -> None:
    drawn = drawn_rows(resample(np.arange(12).astype(str).astype(object), 500))
    assert {len(rows) for rows in drawn} == {12}
    counts = np.bincount(np.concatenate(drawn), minlength=12)  # each is drawn about equally often
    assert counts.min() > 400
    assert len({tuple(rows) for rows in drawn}) > 490


def test_the_seed_decides() -> None:
    who, scores, truth = faces_of(100, 10, 0)

    def interval(seed: int) -> object:
        return action_units.figures(scores[:, None], truth[:, None], ["AU12"], {}, resample(who, 50, seed))["mean"]

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)


def test_chunks_of_draws_are_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    who, scores, truth = faces_of(100, 10, 0)
    own = resample(who, 50, 0)
    statistic = action_units.f1_statistic(scores[:, None], truth[:, None], np.array([0.5]), own.codes)
    whole = own.apply(statistic)
    monkeypatch.setattr("training.evaluation.bootstrap._CHUNK", 25)
    np.testing.assert_array_equal(whole, own.apply(statistic))


def test_an_interval_needs_subjects_and_a_label_that_most_draws_have() -> None:
    who, scores, truth = faces_of(100, FEWEST_SUBJECTS - 1, 0)
    few = action_units.figures(scores[:, None], truth[:, None], ["AU12"], {}, resample(who))
    assert few["mean"]["f1"] is not None
    assert few["mean"]["f1_interval"] is None
    who = np.repeat(np.arange(10), 10).astype(str).astype(object)
    rare = ((who == "3") * 1.0).astype(np.float32)[:, None]  # a third of the draws lack this subject
    own = action_units.figures(np.linspace(0, 1, 100, dtype=np.float32)[:, None], rare, ["AU12"], {}, resample(who))
    assert own["labels"]["AU12"]["f1"] is not None
    assert own["labels"]["AU12"]["f1_interval"] is None


def test_faces_of_one_subject_are_no_independent_evidence() -> None:
    """Copies of each face make an interval no narrower, unless each is taken for a subject of its own."""
    who, scores, truth = faces_of(20, 20, 1)
    who = np.arange(20).astype(str).astype(object)

    def width(subjects: NDArray[np.object_], copies: int) -> float:
        s, t = (np.repeat(values, copies)[:, None] for values in (scores, truth))
        low, high = action_units.figures(s, t, ["AU12"], {}, resample(np.repeat(subjects, copies)))["mean"][
            "auc_interval"
        ]
        return float(high - low)

    assert width(who, 30) == pytest.approx(width(who, 1))
    assert width(np.full(20, None, object), 30) < 0.5 * width(who, 1)


def test_a_difference_is_paired() -> None:
    who, scores, truth = faces_of(600, 12, 0)
    worse = np.clip(scores + np.random.default_rng(1).normal(0, 0.15, 600), 0, 1).astype(np.float32)
    resamples = resample(who, 200, 0)
    ours, theirs = (
        action_units.auc_statistic(each[:, None], truth[:, None], resamples.codes) for each in (scores, worse)
    )
    gap = difference(ours, theirs, resamples)[0]
    a, b = estimate(ours, resamples)[0], estimate(theirs, resamples)[0]
    assert gap.value is not None and a.value is not None and b.value is not None  # noqa: PT018
    assert gap.value == pytest.approx(a.value - b.value)
    pairs = slow(
        resamples,
        lambda rows: roc_auc_score(truth[rows], scores[rows]) - roc_auc_score(truth[rows], worse[rows]),
    )
    assert gap.interval == pytest.approx(list(pairs))
    assert gap.low is not None and gap.low > 0  # noqa: PT018
    same = difference(ours, ours, resamples)[0]
    assert (same.value, same.interval) == (0.0, [0.0, 0.0])


def scored(
    seed: int = 0, subjects: str = "s", n: int = 80, noise: float = 0.2, names: tuple[str, ...] = ("AU01", "AU12")
) -> Scored:
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, len(names))) < 0.4).astype(np.float32)
    truth[rng.random(truth.shape) < 0.1] = np.nan
    votes = np.eye(3, dtype=np.float32)[rng.integers(0, 3, n)]
    draw = np.random.default_rng([seed, int(100 * noise)])
    return Scored(
        dataset="mine",
        au_names=names,
        expression_names=("neutral", "happiness", "sadness"),
        aus=np.clip(np.nan_to_num(truth) * 0.5 + 0.25 + draw.normal(0, noise, truth.shape), 0, 1).astype(np.float32),
        expressions=votes * 0.5 + draw.dirichlet(np.ones(3), n).astype(np.float32) * 0.5,
        intensities=np.full_like(truth, np.nan),
        true_aus=truth,
        votes=votes,
        true_intensities=np.full_like(truth, np.nan),
        subjects=np.array([f"{subjects}{i % 6}" for i in range(n)]),
        activities=np.full(n, ""),
        paths=np.array([f"{subjects}{i}.png" for i in range(n)]),
    )


def test_folds_are_averaged_and_pooled() -> None:
    parts = [scored(0, "a"), scored(1, "b", noise=0.4), scored(2, "c", n=40)]
    levels = [{"AU01": 0.4, "AU12": 0.6}, {"AU01": 0.5}, {}]
    own = folds.figures(parts, levels, draws=100)
    each = [
        action_units.figures(part.aus, part.true_aus, part.au_names, level, resample(part.subjects.astype(object), 0))
        for part, level in zip(parts, levels, strict=True)
    ]
    for name in ("AU01", "AU12"):
        found = own["labels"][name]
        for key in ("f1", "f1_tuned", "auc"):
            values = [one["labels"][name][key] for one in each]
            assert found[f"{key}_folds"] == pytest.approx(values)
            assert found[key] == pytest.approx(np.mean(values))
            assert found[f"{key}_spread"] == pytest.approx(np.std(values, ddof=1))
            low, high = found[f"{key}_interval"]
            assert low < found[key] < high
        column = parts[0].au_names.index(name)
        truth = np.concatenate([part.true_aus[:, column] for part in parts])
        scores = np.concatenate([part.aus[:, column] for part in parts])
        known = np.isfinite(truth)
        assert found["f1_pooled"] == pytest.approx(f1_score(truth[known], scores[known] >= 0.5))
        assert found["frames"] == known.sum()
    assert own["mean"]["f1"] == pytest.approx(np.mean([one["mean"]["f1"] for one in each]))
    assert own["folds"] == 3


def test_folds_must_not_share_subjects() -> None:
    with pytest.raises(ConfigError, match="Subject s0 is tested on in runs 1 and 3"):
        folds.figures([scored(0, "s"), scored(1, "b"), scored(2, "s")], [{}, {}, {}])
    with pytest.raises(ConfigError, match="labels differ"):
        folds.figures([scored(0, "a"), scored(1, "b", names=("AU02", "AU12"))], [{}, {}])


def test_two_models_are_compared_on_the_same_faces() -> None:
    good, bad = scored(noise=0.1), scored(noise=0.6)
    found = compare((good, {}), (bad, {}), draws=200)
    assert set(found) == {"mean F1 at 0.5", "mean F1, tuned", "mean AUC", "accuracy", "macro F1", "mean recall"}
    assert found["mean AUC"]["difference"] == pytest.approx(found["mean AUC"]["ours"] - found["mean AUC"]["theirs"])
    assert found["mean AUC"]["difference_interval"][0] > 0
    with pytest.raises(ConfigError, match="same faces"):
        compare((good, {}), (scored(subjects="t"), {}))
    with pytest.raises(ConfigError, match="other labels"):
        compare((good, {}), (scored(seed=5), {}))


def constant(value: float) -> Statistic:
    return lambda weights: np.full((len(weights), 1), value)


def test_an_undefined_figure_is_none() -> None:
    own = estimate(constant(np.nan), resample(np.arange(9).astype(str).astype(object), 20))[0]
    assert (own.value, own.interval) == (None, None)
