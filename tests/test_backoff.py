from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.backoff import Backoff


@given(st.integers(), st.floats(0.01, 5), st.floats(1, 100))
def test_delays_double_up_to_the_cap_less_a_random_half_at_most(seed: int, first: float, factor: float) -> None:
    cap = first * factor
    backoff = Backoff(first, cap, random.Random(seed))
    for attempt in range(12):
        bound = min(cap, first * 2**attempt)
        assert bound / 2 <= backoff.next_s() <= bound * (1 + 1e-9)


def test_reset_starts_from_the_first_delay() -> None:
    backoff = Backoff(0.5, 30)
    for _ in range(20):
        last = backoff.next_s()
    assert last >= 15
    backoff.reset()
    assert backoff.next_s() <= 0.5


def test_two_cameras_do_not_knock_at_the_same_instant() -> None:
    first, second = Backoff(), Backoff()
    assert [first.next_s() for _ in range(5)] != [second.next_s() for _ in range(5)]


@pytest.mark.parametrize(("first", "cap"), [(0, 1), (-1, 1), (2, 1)])
def test_impossible_bounds_are_refused(first: float, cap: float) -> None:
    with pytest.raises(ValueError, match="first_s"):
        Backoff(first, cap)
