from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.stats import curve, percentiles, ratio, spread, steady


def test_percentiles_of_a_hundred_numbers() -> None:
    assert percentiles(np.arange(101.0)) == (50, 95, 99)
    assert percentiles(np.array([7.0])) == (7, 7, 7)


def test_percentiles_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentiles(np.zeros(0))


def test_curve_is_the_whole_distribution() -> None:
    points = curve(np.random.default_rng(0).permutation(1001) / 10)
    assert len(points) == 201
    assert points == pytest.approx(np.arange(201) / 2)


def test_spread_is_relative_and_needs_two() -> None:
    assert spread([90, 100, 110]) == pytest.approx(0.2)
    assert spread([5, 5]) == 0
    assert spread([5]) is None
    assert spread([0, 0]) is None


def test_steady_leaves_the_warm_up_and_what_came_too_late_out() -> None:
    received = np.arange(0, 10_000_000_000, 100_000_000) + 123  # ten a second for ten seconds
    kept = received[steady(received, 2, 5)]
    assert (kept[0] - received[0]) / 1e9 == 2
    assert (kept[-1] - received[0]) / 1e9 == pytest.approx(6.9)
    assert len(kept) == 50


def test_steady_of_nothing_and_of_too_little() -> None:
    nothing = np.zeros(0, np.int64)
    assert steady(nothing, 1, 1) == slice(0, 0)
    short = np.array([0, 10])
    assert len(short[steady(short, 1, 1)]) == 0


def test_ratio_is_that_of_the_medians_within_what_the_repeats_allow() -> None:
    found = ratio([10, 11, 9], [20, 24, 21])
    assert found is not None
    assert found.value == pytest.approx(2.1)
    assert found.low == pytest.approx(20 / 11)
    assert found.high == pytest.approx(24 / 9)


@pytest.mark.parametrize(("old", "new"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_ratio_of_what_has_none(old: list[float], new: list[float]) -> None:
    assert ratio(old, new) is None


@pytest.mark.parametrize(
    ("new", "differs"),
    [([20, 21, 19], True), ([5, 5.2, 4.9], True), ([10.5, 9.5, 10], False), ([11, 12, 10.5], False)],
)
def test_differs_only_where_the_repeats_do_not_overlap(new: list[float], differs: bool) -> None:
    found = ratio([10, 11, 9], new)
    assert found is not None
    assert found.differs() is differs


def test_a_drift_of_the_machine_explains_a_difference_of_its_size() -> None:
    found = ratio([10, 10.1, 9.9], [12, 12.1, 11.9])
    assert found is not None
    assert found.differs(1.1)
    assert not found.differs(1.3)
    assert not found.differs(1 / 1.3)


def test_a_single_repeat_says_nothing_of_noise() -> None:
    found = ratio([10], [20, 21])
    assert found is not None
    assert math.isclose(found.value, 2.05)
    assert found.differs() is None
