"""Batch sizes: which there are, which is taken, and that every crop is run once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clef_rt.encode.batches import Profile, encode_in_runs


def test_sizes_are_powers_of_two_and_the_largest() -> None:
    assert Profile().sizes == (1, 2, 4, 8, 16, 32)
    assert Profile.up_to(1).sizes == (1,)
    assert Profile.up_to(7).sizes == (1, 2, 4, 7)
    assert Profile.up_to(9).sizes == (1, 2, 4, 8, 9)


def test_shapes_and_name() -> None:
    assert Profile().shapes((80, 80, 1)) == ((1, 80, 80, 1), (8, 80, 80, 1), (32, 80, 80, 1))
    assert str(Profile()) == "1-8-32"
    assert str(Profile.up_to(4)) == "1-4-4"


@pytest.mark.parametrize(("best", "most"), [(0, 1), (9, 8)])
def test_profiles_out_of_order_are_refused(best: int, most: int) -> None:
    with pytest.raises(ValueError, match="best"):
        Profile(best, most)


@given(most=st.integers(1, 70), count=st.integers(0, 200))
def test_runs_cover_all_crops_once_and_pad_the_least(most: int, count: int) -> None:
    profile = Profile.up_to(most)
    runs = list(profile.runs(count))
    assert [index for run in runs for index in range(run.start, run.stop)] == list(range(count))
    for run in runs:
        fitting = [size for size in profile.sizes if size >= run.stop - run.start]
        assert run.size == min(fitting)


@given(most=st.integers(1, 9), count=st.integers(0, 30))
def test_embeddings_stand_in_the_order_of_the_crops(most: int, count: int) -> None:
    crops = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    reused = np.empty((most, 2), np.float32)

    def run(batch: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
        assert len(batch) <= size <= most
        reused[:] = -1  # what is left in the memory of an engine isn't anybody's
        reused[: len(batch)] = batch.reshape(-1, 1)
        return reused[:size]

    result = encode_in_runs(crops, Profile.up_to(most), 2, run)
    assert result.dtype == np.float32
    assert np.array_equal(result, np.repeat(crops.reshape(-1, 1), 2, axis=1))
