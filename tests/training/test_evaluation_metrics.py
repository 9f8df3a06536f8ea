"""The figures against scikit-learn, torchmetrics and textbook formulas, on random and on degenerate labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score, roc_auc_score
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from training.evaluation import action_units, calibration, expressions, intensities
from training.evaluation.bootstrap import resample
from training.evaluation.roc import area

EXAMPLES = settings(max_examples=60, deadline=None)
NAMES = ("AU01", "AU02", "AU12")
WORDS = ("neutral", "happiness", "sadness", "contempt")


def alone(count: int) -> NDArray[np.object_]:
    return np.full(count, None, object)


@st.composite
def labelled_aus(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, 3) scores with many ties, and labels of which some are unknown and some columns of one kind."""
    seed, n = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 60))
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random((n, 3)), draw(st.sampled_from([1, 2, 6]))).astype(np.float32)
    truth = (rng.random((n, 3)) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))).astype(np.float32)
    truth[rng.random((n, 3)) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    return scores, truth


@EXAMPLES
@given(labelled_aus(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_f1_and_auc_are_scikit_learns(data: tuple[NDArray[np.float32], NDArray[np.float32]], threshold: float) -> None:
    scores, truth = data
    own = action_units.figures(scores, truth, NAMES, dict.fromkeys(NAMES, threshold), resample(alone(len(scores)), 0))
    for column, name in enumerate(NAMES):
        known = np.isfinite(truth[:, column])
        if not known.any():
            assert name not in own["labels"]
            continue
        present, score = truth[known, column] >= 0.5, scores[known, column]
        found = own["labels"][name]
        assert found["frames"] == known.sum()
        assert found["present"] == pytest.approx(present.mean())
        if present.any():
            assert found["f1"] == pytest.approx(f1_score(present, score >= 0.5, zero_division=0))
            assert found["f1_tuned"] == pytest.approx(
                f1_score(present, score >= np.float32(threshold), zero_division=0)
            )
        else:
            assert found["f1"] is None
            assert found["f1_tuned"] is None
        if present.any() and not present.all():
            assert found["auc"] == pytest.approx(roc_auc_score(present, score))
        else:
            assert found["auc"] is None
        assert found["f1_interval"] is None  # no draws were asked for
    for key in ("f1", "f1_tuned", "auc"):
        defined = [each[key] for each in own["labels"].values() if each[key] is not None]
        assert own["mean"][key] == (pytest.approx(np.mean(defined)) if defined else None)


def test_the_mean_is_over_the_published_action_units() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.random((50, 3)).astype(np.float32), (rng.random((50, 3)) < 0.5).astype(np.float32)
    own = action_units.figures(scores, truth, NAMES, {}, resample(alone(50), 0), ["AU02", "AU12", "AU99"])
    assert own["mean"]["over"] == ["AU02", "AU12"]
    assert own["mean"]["f1"] == pytest.approx((own["labels"]["AU02"]["f1"] + own["labels"]["AU12"]["f1"]) / 2)


@settings(max_examples=10, deadline=None)
@given(labelled_aus())
def test_the_best_thresholds_are_the_best(data: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    scores, truth = data
    found = action_units.best_thresholds(scores, truth, NAMES)
    for column, name in enumerate(NAMES):
        known = np.isfinite(truth[:, column])
        present, score = truth[known, column] >= 0.5, scores[known, column]
        if not present.any() or score[present].max() < 0.05:
            assert name not in found
            continue
        grid = np.round(np.arange(0.05, 0.96, 0.01), 2).astype(np.float32)
        each = [f1_score(present, score >= level, zero_division=0) for level in grid]
        assert found[name] == pytest.approx(float(grid[int(np.argmax(np.round(each, 12)))]))


@st.composite
def labelled_expressions(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, 4) probabilities and votes; some rows unknown, some expressions absent."""
    rng, n = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(1, 60))
    shown = draw(st.integers(1, 4))
    votes = np.eye(4, dtype=np.float32)[rng.integers(0, shown, n)]
    scores = rng.random((n, 4)).astype(np.float32) + draw(st.sampled_from([0, 1, 9])) * votes
    votes[rng.random(n) < draw(st.sampled_from([0.0, 0.4]))] = np.nan
    votes[0] = np.eye(4)[0]
    return scores / scores.sum(axis=1, keepdims=True), votes


@EXAMPLES
@given(labelled_expressions())
def test_expressions_are_scikit_learns(data: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    scores, votes = data
    known = np.isfinite(votes).all(axis=1)
    truth, found = votes[known].argmax(axis=1), scores[known].argmax(axis=1)
    own = expressions.figures(scores, votes, WORDS, resample(alone(len(scores)), 0))
    there = np.unique(truth)
    assert own["faces"] == known.sum()
    assert own["accuracy"] == pytest.approx(accuracy_score(truth, found))
    macro = f1_score(truth, found, labels=there, average="macro", zero_division=0)
    assert own["macro_f1"] == pytest.approx(macro)
    recalls = recall_score(truth, found, labels=there, average=None)
    assert own["mean_recall"] == pytest.approx(recalls.mean())
    for number, word in enumerate(WORDS):
        expected = recalls[there.tolist().index(number)] if number in there else None
        assert own["recall"][word] == (None if expected is None else pytest.approx(expected))
    matrix = [[own["confusion"][a][b] for b in WORDS] for a in WORDS]
    np.testing.assert_array_equal(matrix, confusion_matrix(truth, found, labels=range(4)))


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.sampled_from([5, 15]))
def test_calibration_is_torchmetrics(seed: int, n: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    scores, right = rng.random(n).astype(np.float32), rng.random(n) < 0.4
    own = calibration.reliability(scores, right, bins)
    assert own is not None
    theirs = binary_calibration_error(torch.from_numpy(scores), torch.from_numpy(right).int(), n_bins=bins)
    assert own["error"] == pytest.approx(float(theirs), abs=1e-5)
    assert sum(each["count"] for each in own["reliability"]) == n
    assert all(each["from"] - 1e-6 <= each["confidence"] <= each["to"] + 1e-6 for each in own["reliability"])


def test_calibration_of_groups() -> None:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(4), 200).astype(np.float32)
    truth = rng.integers(0, 4, 200)
    votes = np.eye(4, dtype=np.float32)[truth]
    own = calibration.expressions(scores, np.r_[votes, np.full((1, 4), np.nan, np.float32)][:200])
    theirs = multiclass_calibration_error(torch.from_numpy(scores), torch.from_numpy(truth), 4, n_bins=calibration.BINS)
    assert own is not None
    assert own["error"] == pytest.approx(float(theirs), abs=1e-5)
    aus = calibration.action_units(np.float32([[0.9, 0.5], [0.9, 0.1]]), np.float32([[1, np.nan], [0, np.nan]]))
    assert aus is not None
    assert (aus["scores"], aus["error"]) == (2, pytest.approx(0.4))
    unknown = np.full((3, 2), np.nan, np.float32)
    assert calibration.action_units(np.zeros_like(unknown), unknown) is None
    assert calibration.expressions(np.zeros_like(unknown), unknown) is None


def anova_icc(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """ICC(3,1) from the mean squares of a two-way table, as Shrout and Fleiss write it."""
    table = np.stack([x, y], axis=1)
    n, k = table.shape
    rows = k * ((table.mean(axis=1) - table.mean()) ** 2).sum() / (n - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    return float((rows - error) / (rows + (k - 1) * error))


@EXAMPLES
@given(st.integers(0, 2**32 - 1), st.integers(3, 80))
def test_intensities_follow_the_textbook(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 6, (n, 3)).astype(np.float32)
    truth[0], truth[1] = 0, 5  # they vary
    scores = np.clip(truth + rng.normal(0, 1, (n, 3)), 0, 5).astype(np.float32)
    truth[rng.random((n, 3)) < 0.2] = np.nan
    truth[:2] = [[0] * 3, [5] * 3]
    truth[:, 2] = np.nan
    own = intensities.figures(scores, truth, NAMES, resample(alone(n), 0))
    assert set(own["labels"]) == {"AU01", "AU02"}
    for column, name in enumerate(NAMES[:2]):
        known = np.isfinite(truth[:, column])
        x, y = scores[known, column].astype(float), truth[known, column].astype(float)
        found = own["labels"][name]
        assert found["icc"] == pytest.approx(anova_icc(x, y), abs=1e-5)
        assert found["mae"] == pytest.approx(np.abs(x - y).mean(), abs=1e-5)
        assert found["r"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
    assert own["mean"]["icc"] == pytest.approx(np.mean([each["icc"] for each in own["labels"].values()]))


def test_what_does_not_vary_has_no_correlation() -> None:
    own = intensities.figures(
        np.full((9, 1), 2.0, np.float32), np.full((9, 1), 3.0, np.float32), ["AU01"], resample(alone(9), 0)
    )
    assert own["labels"]["AU01"] | {"frames": 9} == {
        "frames": 9, "icc": None, "icc_interval": None, "mae": 1.0, "mae_interval": None, "r": None, "r_interval": None,
    }  # fmt: skip


def test_one_kind_of_face_has_no_area() -> None:
    scores = np.linspace(0, 1, 5, dtype=np.float32)
    assert area(scores, np.ones(5, bool)) is None
    assert area(scores, np.zeros(5, bool)) is None
    assert area(scores, scores > 0.5) == 1.0
    assert area(-scores, scores > 0.5) == 0.0
    assert area(np.zeros(5, np.float32), scores > 0.5) == 0.5
