"""Figures of agreement, against SciPy's and scikit-learn's; and the limits that they are held to."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, f1_score

from clef_rt.errors import BundleError, ConfigError
from export.agreement import mean_f1, right, spearman
from export.parity import Parity
from export.tolerances import FIGURES, TOLERANCES, check, exceeded, parse_tolerances


def parity(**figures: float | None) -> Parity:
    """One in which nothing differs, but for what is given."""
    same = {
        "embedding_max_abs": 0.0, "cosine_min": 1.0, "score_max_abs": 0.0, "score_mean_abs": 0.0, "rank": 1.0,
        "top_same": 1.0, "decisions": 10, "flips": 0, "f1_change": 0.0, "accuracy_change": 0.0,
    }  # fmt: skip
    return Parity(**{**same, **figures})  # type: ignore[arg-type]


def test_rank_agreement_is_the_mean_of_spearmans() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 6, (50, 3)).astype(float)  # with ties
    b = a + rng.normal(0, 2, a.shape)
    expected = np.mean([spearmanr(a[:, i], b[:, i]).statistic for i in range(3)])
    assert spearman(a, b) == pytest.approx(expected)


def test_rank_agreement_leaves_out_what_does_not_vary() -> None:
    a = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    assert spearman(a, a) == pytest.approx(1)
    assert spearman(a, -a) == pytest.approx(-1)
    assert spearman(a[:, 1:], a[:, 1:]) is None


def test_f1_is_the_mean_of_the_labelled_units() -> None:
    rng = np.random.default_rng(1)
    scores, truth = rng.random((60, 3), np.float32), (rng.random((60, 3)) < 0.4).astype(np.float32)
    truth[::4, 0] = np.nan
    truth[:, 2] = np.nan
    levels = np.array([0.5, 0.3, 0.5], np.float32)
    known = np.isfinite(truth[:, 0])
    expected = [
        f1_score(truth[known, 0], scores[known, 0] >= levels[0]),
        f1_score(truth[:, 1], scores[:, 1] >= levels[1]),
    ]
    assert mean_f1(scores, truth, levels) == pytest.approx(np.mean(expected))
    assert mean_f1(scores[:, 2:], truth[:, 2:], levels[2:]) is None


def test_accuracy_is_of_the_faces_with_votes() -> None:
    rng = np.random.default_rng(2)
    scores, votes = rng.random((40, 4)), rng.random((40, 4)).astype(np.float32)
    votes[::3] = np.nan
    known = np.isfinite(votes[:, 0])
    assert right(scores, votes) == pytest.approx(accuracy_score(votes[known].argmax(1), scores[known].argmax(1)))
    assert right(scores, np.full_like(votes, np.nan)) is None
    assert right(scores[:, :0], votes[:, :0]) is None


def test_what_exceeds_a_limit_is_named_with_its_graph() -> None:
    found = {"float32": parity(), "int8": parity(score_mean_abs=0.2, f1_change=-0.05, accuracy_change=0.3)}
    with pytest.raises(BundleError) as error:
        check(found, TOLERANCES)
    assert "int8: score mean abs 0.2, more than 0.01; int8: f1 drop 0.05, more than 0.01." in str(error.value)
    assert "float32" not in str(error.value)
    assert "accuracy" not in str(error.value)
    check(found, parse_tolerances(["int8.score_mean_abs=0.3", "int8.f1_drop=0.06"]))


@pytest.mark.parametrize(("kind", "figure"), [(kind, figure) for kind, own in TOLERANCES.items() for figure in own])
def test_every_limit_can_be_exceeded_and_nan_exceeds_it(kind: str, figure: str) -> None:
    change = {"f1_drop": "f1_change", "accuracy_drop": "accuracy_change"}
    for value in (-1.0 if figure in change else 1.0, math.nan):
        assert len(exceeded(kind, parity(**{change.get(figure, figure): value}), TOLERANCES[kind])) == 1


def test_what_no_crop_is_labelled_for_is_not_judged() -> None:
    assert exceeded("int8", parity(f1_change=None, accuracy_change=None), TOLERANCES["int8"]) == []


def test_a_share_of_flips_can_be_limited() -> None:
    limits = parse_tolerances(["fp16.flipped=0.1"])["fp16"]
    assert exceeded("fp16", parity(flips=1), limits) == []
    assert exceeded("fp16", parity(flips=2), limits) == ["fp16: flipped 0.2, more than 0.1"]


@given(st.sampled_from(sorted(TOLERANCES)), st.sampled_from(FIGURES), st.floats(0, 1e300))
def test_a_tolerance_replaces_its_own_limit_only(kind: str, figure: str, limit: float) -> None:
    limits = parse_tolerances([f"{kind}.{figure}={limit!r}"])
    assert limits[kind][figure] == limit
    assert {k: {f: v for f, v in own.items() if (k, f) != (kind, figure)} for k, own in limits.items()} == {
        k: {f: v for f, v in own.items() if (k, f) != (kind, figure)} for k, own in TOLERANCES.items()
    }


@given(st.text())
def test_any_text_is_a_tolerance_or_an_error_of_ours(text: str) -> None:
    for given_text in (text, f"int8.f1_drop={text}", f"{text}=1"):
        with contextlib.suppress(ConfigError):
            limits = parse_tolerances([given_text])
            assert all(0 <= limit < math.inf for own in limits.values() for limit in own.values())


def test_a_tolerance_of_another_form_says_the_right_one() -> None:
    with pytest.raises(ConfigError, match=r"'int8=3' is no tolerance. Write one as int8\.score_mean_abs=0\.03\."):
        parse_tolerances(["int8=3"])
    with pytest.raises(ConfigError, match="no number from 0 up"):
        parse_tolerances(["int8.f1_drop=-1"])


def test_the_guide_states_the_limits_that_are_held() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    for kind, limits in TOLERANCES.items():
        stated = ", ".join(f"`{figure}` {limit:g}" for figure, limit in limits.items())
        assert f"| `{kind}` | {stated} |" in guide
