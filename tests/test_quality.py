from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.align import align_crops, face_template
from clef_rt.detect.boxes import box_from_landmarks
from clef_rt.quality import face_quality, frontality, sharpness

TEMPLATE = face_template(112)


def _sharp_crop() -> np.ndarray:
    return np.random.default_rng(0).integers(30, 220, (112, 112, 1), np.uint8)


def _quality(landmarks: np.ndarray, crop: np.ndarray) -> float:
    landmarks = landmarks.astype(np.float32)
    return face_quality(landmarks, box_from_landmarks(landmarks[None])[0], crop)


def _turned(yaw: float) -> np.ndarray:
    """The template's face as a solid, the nose in front of it, turned about the vertical; seen from afar."""
    points = TEMPLATE.points - TEMPLATE.points.mean(axis=0)
    depth = np.array([0, 0, 18, 2, 2])
    return np.stack([points[:, 0] * np.cos(yaw) + depth * np.sin(yaw), points[:, 1]], axis=1) + 300


def test_a_large_sharp_frontal_face_in_the_frame_scores_one() -> None:
    assert _quality(TEMPLATE.points * 2, _sharp_crop()) == pytest.approx(1)


@given(st.floats(0.02, 3), st.floats(0.02, 3))
def test_a_larger_face_is_never_worse(scale: float, other: float) -> None:
    small, large = sorted((scale, other))
    assert _quality(TEMPLATE.points * small, _sharp_crop()) <= _quality(TEMPLATE.points * large, _sharp_crop()) + 1e-6


@given(st.floats(0, 1.4), st.floats(0, 1.4), st.sampled_from([-1, 1]))
def test_a_face_turned_further_is_never_better(yaw: float, other: float, side: int) -> None:
    less, more = sorted((yaw, other))
    assert frontality(_turned(side * less)) >= frontality(_turned(side * more)) - 1e-6


@given(st.floats(-3, 3), st.floats(0, 1))
def test_tilting_the_head_does_not_matter_to_frontality(roll: float, yaw: float) -> None:
    points = _turned(yaw)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    assert frontality((points @ turn.T).astype(np.float32)) == pytest.approx(frontality(points), abs=1e-3)


def test_blur_lowers_the_quality_step_by_step() -> None:
    data = pytest.importorskip("skimage.data")
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    landmarks = np.array([[203, 101], [246, 103], [223, 127], [202, 140], [244, 140]], np.float32)
    values = []
    for deviation in (0.01, 1, 2, 3, 4, 6):
        crop = np.zeros((1, 112, 112, 1), np.uint8)
        align_crops(cv2.GaussianBlur(image, (0, 0), deviation), landmarks[None], TEMPLATE, crop)
        values.append(_quality(landmarks, crop[0]))
    assert all(later <= earlier + 0.02 for earlier, later in itertools.pairwise(values))
    assert values[0] > 0.9
    assert values[-1] < 0.2


@given(st.floats(0.4, 1.2), st.floats(0, 60))
def test_light_and_contrast_do_not_matter_to_sharpness(gain: float, offset: float) -> None:
    crop = _sharp_crop() // 2
    other = np.clip(crop * gain + offset, 0, 255).astype(np.uint8)
    assert sharpness(other) == pytest.approx(sharpness(crop), rel=0.05)


def test_a_face_that_reaches_out_of_the_frame_is_worse_the_further_it_does() -> None:
    values = []
    for black in range(0, 112, 8):
        crop = _sharp_crop()
        crop[:black] = 0
        values.append(_quality(TEMPLATE.points * 2, crop))
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.05


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10), st.integers(1, 40))
def test_quality_is_a_number_between_0_and_1_whatever_comes(points: list[float], size: int) -> None:
    crop = np.random.default_rng(size).integers(0, 255, (size, size, 3), np.uint8)
    box = np.array(points[:4], np.float32)
    assert 0 <= face_quality(np.reshape(points, (5, 2)).astype(np.float32), box, crop) <= 1


def test_degenerate_faces_score_zero() -> None:
    crop = _sharp_crop()
    box = np.array([0, 0, 100, 120], np.float32)
    assert face_quality(np.full((5, 2), 7, np.float32), box, crop) == 0
    assert face_quality(np.full((5, 2), np.nan, np.float32), box, crop) == 0
    assert face_quality(TEMPLATE.points * 2, box, np.full((112, 112, 1), 90, np.uint8)) == 0
