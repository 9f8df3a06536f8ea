"""Which faces go into which batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.faces import Faces
from training.sampling import activity_batches, balanced_batches, numbered, shuffled_batches


def test_balanced_batches_favour_the_rare() -> None:
    groups = np.array([0] * 900 + [1] * 90 + [2] * 10)
    drawn = np.concatenate(balanced_batches(groups, 50, 0)(0))
    counts = np.bincount(groups[drawn], minlength=3)
    assert len(drawn) == 1000
    assert 380 < counts[0] < 500
    assert 380 < counts[1] < 500
    assert 40 < counts[2] < 140  # eight times what there is, and no more


def test_shuffled_batches_take_each_row_once() -> None:
    drawn = np.concatenate(shuffled_batches(103, 10, 0)(0))
    assert len(drawn) == 100
    assert len(set(drawn.tolist())) == 100


@pytest.mark.parametrize("kind", ["shuffled", "balanced", "activity"])
def test_an_epochs_batches_follow_from_seed_and_number_alone(kind: str) -> None:
    groups, subjects = np.arange(200) % 4, np.arange(200) % 10
    make = {
        "shuffled": lambda seed: shuffled_batches(200, 16, seed),
        "balanced": lambda seed: balanced_batches(groups, 16, seed),
        "activity": lambda seed: activity_batches(groups, subjects, 16, seed),
    }[kind]
    again, other = make(7), make(8)
    first = make(7)
    first(0)  # an epoch drawn before changes nothing
    np.testing.assert_array_equal(np.stack(first(3)), np.stack(again(3)))
    assert not np.array_equal(np.stack(again(3)), np.stack(again(4)))
    assert not np.array_equal(np.stack(again(3)), np.stack(other(3)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(2, 20), st.integers(1, 6), st.integers(4, 80), st.integers(0, 99))
def test_every_face_has_a_positive_by_another_subject(
    kinds: int, people: int, frames: int, batch: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = np.array([(a, s) for a in range(kinds) for s in range(people) for _ in range(frames)])
    rows = rng.permutation(rows)
    activities, subjects = rows[:, 0], rows[:, 1]
    for drawn in activity_batches(activities, subjects, batch, seed)(0):
        assert len(drawn) == batch
        for row in drawn:
            partners = drawn[(activities[drawn] == activities[row]) & (subjects[drawn] != subjects[row])]
            assert len(partners)


def test_the_same_subjects_show_several_activities_of_a_batch() -> None:
    rows = np.array([(a, s) for a in range(8) for s in range(60) for _ in range(5)])
    for drawn in activity_batches(rows[:, 0], rows[:, 1], 64, 0)(0):
        shown = {s: len(set(rows[drawn][rows[drawn][:, 1] == s][:, 0])) for s in set(rows[drawn][:, 1])}
        assert len(shown) <= 16  # of 60: one pool
        assert np.mean(list(shown.values())) > 3  # so a subject's faces are each other's negatives


def test_a_rare_activity_of_one_subject_is_no_obstacle() -> None:
    activities = np.array([0] * 50 + [1])
    subjects = np.arange(51)
    drawn = np.concatenate(activity_batches(activities, subjects, 10, 0)(0))
    assert {0, 1} == set(activities[drawn])


def test_unknown_subjects_are_each_their_own() -> None:
    found = numbered(np.array(["b", None, "a", None, "b"], object))
    assert found[0] == found[4]
    assert len(set(found.tolist())) == 4


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_view_of_several_arrays_is_their_rows(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    arrays = [
        np.full((size, 2, 2, 1), 10 * i, np.uint8) + np.arange(size, dtype=np.uint8)[:, None, None, None]
        for i, size in enumerate(sizes)
    ]
    parts = [(a, np.array(data.draw(st.lists(st.integers(0, len(a) - 1), max_size=5)), np.int64)) for a in arrays]
    view, whole = Faces(parts), np.concatenate([a[rows] for a, rows in parts])
    assert view.shape == whole.shape
    rows = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)) if len(whole) else [], np.int64)
    np.testing.assert_array_equal(view[rows], whole[rows])
    np.testing.assert_array_equal(view.subset(rows)[:], whole[rows])
    np.testing.assert_array_equal(view[1:3], whole[1:3])
    with pytest.raises(IndexError):
        view[np.array([len(whole)])]
