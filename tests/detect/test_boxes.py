from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.align import face_template
from clef_rt.detect.boxes import box_from_landmarks, iou, suppress

box = st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 100), st.floats(0, 100))


def _boxes(rows: list[tuple[float, float, float, float]]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_overlap_of_known_boxes() -> None:
    overlaps = iou(_boxes([(0, 0, 10, 10)]), _boxes([(0, 0, 10, 10), (5, 0, 10, 10), (10, 0, 10, 10), (2, 2, 5, 5)]))
    assert np.allclose(overlaps, [[1, 1 / 3, 0, 0.25]])
    assert iou(_boxes([]), _boxes([(0, 0, 1, 1)])).shape == (0, 1)
    assert iou(_boxes([(3, 3, 0, 0)]), _boxes([(3, 3, 0, 0)])).tolist() == [[0]]


@given(st.lists(box, max_size=6), st.lists(box, max_size=6))
def test_overlap_is_symmetric_and_within_0_and_1(some: list, others: list) -> None:
    overlaps = iou(_boxes(some), _boxes(others))
    assert np.allclose(overlaps, iou(_boxes(others), _boxes(some)).T)
    assert ((overlaps >= 0) & (overlaps <= 1 + 1e-6)).all()


@given(st.lists(box, max_size=12))
def test_suppression_keeps_no_two_that_overlap_and_drops_none_without_a_better_one(rows: list) -> None:
    boxes = _boxes(rows)
    scores = np.random.default_rng(len(rows)).permutation(len(rows)).astype(np.float32)
    kept = suppress(boxes, scores, 0.4)
    overlaps = iou(boxes, boxes)
    assert (np.diff(scores[kept]) < 0).all()
    for index in range(len(boxes)):
        better = [other for other in kept if scores[other] > scores[index] and overlaps[index, other] > 0.4]
        assert (index in kept) == (not better)


def test_the_box_of_upright_landmarks_is_where_yunet_puts_it() -> None:
    x, y, width, height = box_from_landmarks(face_template(100).points[None])[0]
    assert (x + width / 2, y + height / 2) == pytest.approx((49.5, 51.5), abs=0.1)
    assert (width, height) == pytest.approx((71.3, 88.8), abs=0.1)


@given(st.floats(0.1, 30), st.floats(-3000, 3000), st.floats(-3000, 3000))
def test_the_box_moves_and_grows_with_the_landmarks(scale: float, x: float, y: float) -> None:
    points = face_template(100).points
    moved = box_from_landmarks((points * scale + (x, y)).astype(np.float32)[None])[0]
    still = box_from_landmarks(points[None])[0]
    assert np.allclose(moved[2:], still[2:] * scale, rtol=1e-2)
    assert np.allclose(moved[:2], still[:2] * scale + (x, y), atol=0.02 * scale * 100 + 0.1)


def test_no_landmarks_no_boxes() -> None:
    assert box_from_landmarks(np.zeros((0, 5, 2), np.float32)).shape == (0, 4)
