"""Scores are what the paper's inference says, for any labels, and don't depend on which other labels there are."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clef_rt.bundle.spec import ExclusiveGroup, Groups, IndependentGroup, Label
from clef_rt.errors import BundleError
from clef_rt.labels import LabelBank
from clef_rt.names import labels_hash
from tests.rigs.bundles import DIM, make_bundle, make_groups, unit_rows

ROWS = 64
SLOW = settings(max_examples=60, deadline=None)


def label(name: str, *rows: int, bias: float = 0.0) -> Label:
    return Label(name=name, text=name, prompts=("x",) * len(rows), rows=rows, bias=bias)


def groups_of(aus: int, expressions: int, zero_shot: int, *, scale: float = 30.0, seed: int = 0) -> Groups:
    rng = np.random.default_rng(seed)

    def labels(prefix: str, count: int) -> tuple[Label, ...]:
        return tuple(
            label(f"{prefix}{i:02}", *map(int, rng.integers(0, ROWS, rng.integers(1, 4))), bias=float(rng.normal()))
            for i in range(count)
        )

    return Groups(
        au=IndependentGroup(logit_scale=scale, labels=labels("AU", aus)),
        expression=ExclusiveGroup(logit_scale=scale / 2, labels=labels("e", expressions)),
        zero_shot=IndependentGroup(logit_scale=scale / 3, labels=labels("z", zero_shot)) if zero_shot else None,
    )


def slow_scores(groups: Groups, table: NDArray[np.float32], face: NDArray[np.float32]) -> tuple[list[float], ...]:
    """One face, one label, one prompt at a time, in Python's own floats."""

    def logits(group: IndependentGroup | ExclusiveGroup | None) -> list[float]:
        found = []
        for each in group.labels if group else ():
            mean = [math.fsum(float(table[row, i]) for row in each.rows) for i in range(len(face))]
            length = math.sqrt(math.fsum(x * x for x in mean))
            cosine = math.fsum(x / length * float(y) for x, y in zip(mean, face, strict=True))
            found.append(group.logit_scale * cosine + each.bias if group else 0.0)
        return found

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))

    expression = logits(groups.expression)
    powers = [math.exp(x - max(expression)) for x in expression]
    return (
        [sigmoid(x) for x in logits(groups.au)],
        [power / math.fsum(powers) for power in powers],
        [sigmoid(x) for x in logits(groups.zero_shot)],
    )


@given(
    counts=st.tuples(st.integers(0, 12), st.integers(0, 8), st.integers(0, 5)).filter(any),
    faces=st.integers(0, 5),
    dim=st.sampled_from([2, 7, 32, 384]),
    scale=st.sampled_from([0.5, 14.3, 100.0, 1000.0]),
    seed=st.integers(0, 1000),
)
@SLOW
def test_scores_are_those_of_the_obvious_way(
    counts: tuple[int, int, int], faces: int, dim: int, scale: float, seed: int
) -> None:
    groups, table = groups_of(*counts, scale=scale, seed=seed), unit_rows(ROWS, dim, seed)
    embeddings = unit_rows(faces, dim, seed + 1)
    scores = LabelBank(groups, table).score(embeddings)
    for array, count in zip((scores.au, scores.expression, scores.zero_shot), counts, strict=True):
        assert array.shape == (faces, count)
        assert array.dtype == np.float32
        assert np.all((array >= 0) & (array <= 1))
    if counts[1]:
        assert np.allclose(scores.expression.sum(axis=1), 1, atol=1e-5)
    for i in range(faces):
        expected = slow_scores(groups, table, embeddings[i])
        for array, right in zip((scores.au, scores.expression, scores.zero_shot), expected, strict=True):
            # A cosine is off by 1e-7 in float32, times the scale in the logit, a quarter of it in the probability.
            assert np.allclose(array[i], right, atol=1e-6 + scale * 1e-7)


@given(
    aus=st.integers(1, 20), zero_shot=st.integers(0, 8), more=st.integers(1, 8),
    faces=st.integers(1, 9), dim=st.sampled_from([64, 256, 384, 512]), seed=st.integers(0, 99),
)  # fmt: skip
@SLOW
def test_another_label_leaves_the_others_as_they_are_to_the_bit(
    aus: int, zero_shot: int, more: int, faces: int, dim: int, seed: int
) -> None:
    table, embeddings = unit_rows(ROWS, dim, seed), unit_rows(faces, dim, seed + 1)
    before = groups_of(aus, 7, zero_shot, seed=seed)
    new = tuple(label(f"new{i}", i) for i in range(more))
    wider = IndependentGroup(logit_scale=10, labels=(*(before.zero_shot.labels if before.zero_shot else ()), *new))
    taller = before.au.model_copy(update={"labels": (*before.au.labels, label("AU99", 3))})
    one = LabelBank(before, table).score(embeddings)
    other = LabelBank(before.model_copy(update={"zero_shot": wider, "au": taller}), table).score(embeddings)
    assert np.array_equal(one.au, other.au[:, :aus])
    assert np.array_equal(one.expression, other.expression)
    assert np.array_equal(one.zero_shot, other.zero_shot[:, :zero_shot])


def test_no_logit_is_too_large() -> None:
    table = np.array([[1, 0], [-1, 0]], np.float32)
    groups = Groups(
        au=IndependentGroup(logit_scale=1000, labels=(label("AU01", 0, bias=1000), label("AU02", 1, bias=-1000))),
        expression=ExclusiveGroup(logit_scale=1000, labels=(label("a", 0), label("b", 1))),
    )
    scores = LabelBank(groups, table).score(table[:1])
    assert scores.au.tolist() == [[1.0, 0.0]]
    assert scores.expression.tolist() == [[1.0, 0.0]]
    assert scores.zero_shot.shape == (1, 0)


def test_a_label_is_the_mean_of_its_prompts() -> None:
    table = np.array([[1, 0], [0, 1]], np.float32)
    groups = Groups(
        au=IndependentGroup(logit_scale=10, labels=(label("AU01", 0, 1),)),
        expression=ExclusiveGroup(logit_scale=1, labels=()),
    )
    between = np.array([[0.5**0.5, 0.5**0.5]], np.float32)
    assert LabelBank(groups, table).score(between).au[0, 0] == pytest.approx(1 / (1 + math.exp(-10)), abs=1e-6)


def test_prompts_that_cancel_out_are_refused() -> None:
    table = np.array([[1, 0], [-1, 0]], np.float32)
    groups = Groups(
        au=IndependentGroup(logit_scale=10, labels=(label("AU01", 0, 1),)),
        expression=ExclusiveGroup(logit_scale=1, labels=()),
    )
    with pytest.raises(BundleError, match="AU01 cancel out"):
        LabelBank(groups, table)


def test_names_thresholds_and_flags_come_from_the_bundle(tmp_path: Path) -> None:
    bank = LabelBank.from_bundle(make_bundle(tmp_path / "b"))
    assert bank.au.names == ("AU01", "AU12_L")
    assert bank.expression.names == ("neutral", "happiness", "sadness")
    assert bank.zero_shot.names == ("wink",)
    assert bank.au.thresholds.tolist() == [0.5, 0.25]
    assert bank.au.experimental == {"AU12_L"}
    assert bank.labels_hash == labels_hash(bank.au.names, bank.expression.names, bank.zero_shot.names)
    assert bank.labels_hash != LabelBank(make_groups(zero_shot=()), unit_rows(10)).labels_hash


def test_a_face_has_its_scores_by_name_without_a_copy(tmp_path: Path) -> None:
    bank = LabelBank.from_bundle(make_bundle(tmp_path / "b"))
    scores = bank.score(unit_rows(3))
    aus, expressions, zero_shot = bank.face_scores(scores, 1)
    assert aus["AU12_L"] == pytest.approx(float(scores.au[1, 1]))
    assert sum(expressions.values()) == pytest.approx(1, abs=1e-6)
    assert list(zero_shot) == ["wink"]
    assert np.shares_memory(aus.values_array, scores.au)


def test_the_embeddings_given_stay_as_they_are() -> None:
    embeddings = unit_rows(4)
    LabelBank(make_groups(), unit_rows(10)).score(embeddings)
    assert np.array_equal(embeddings, unit_rows(4))


@pytest.mark.parametrize("shape", [(DIM,), (2, DIM + 1), (1, 2, DIM)])
def test_embeddings_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected float32 \(n, 8\)"):
        LabelBank(make_groups(), unit_rows(10)).score(np.zeros(shape, np.float32))


def test_embeddings_of_another_dtype_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        LabelBank(make_groups(), unit_rows(10)).score(np.zeros((1, DIM)))  # type: ignore[arg-type]
