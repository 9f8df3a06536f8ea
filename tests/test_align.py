from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.align import Template, align_crops, face_template, similarity_transform

coordinates = st.floats(-2000, 2000, allow_nan=False)


def _apply(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.einsum("nij,nkj->nki", matrices[:, :, :2], points) + matrices[:, None, :, 2]


def _turned(points: np.ndarray, scale: float, angle: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]]) + shift


@given(size=st.integers(16, 512))
def test_the_template_has_the_documented_layout_at_any_size(size: int) -> None:
    points = face_template(size).points
    right, left, nose, right_mouth, left_mouth = (points + 0.5) / size
    assert np.allclose(right, (0.35, 0.40), atol=1e-5)
    assert np.allclose(left, (0.65, 0.40), atol=1e-5)
    assert nose[0] == pytest.approx(0.5, abs=1e-5)
    assert 0.40 < nose[1] < right_mouth[1] < 0.80
    assert right_mouth[0] + left_mouth[0] == pytest.approx(1, abs=1e-5)


def test_a_template_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        face_template(112).points[0, 0] = 3
    with pytest.raises(ValueError, match="5 points"):
        Template(112, np.zeros((4, 2), np.float32))


@given(scale=st.floats(0.05, 20), angle=st.floats(-np.pi, np.pi), shift=st.tuples(coordinates, coordinates))
def test_a_known_similarity_is_recovered(scale: float, angle: float, shift: tuple[float, float]) -> None:
    template = face_template(112)
    landmarks = _turned(template.points, scale, angle, shift)
    mapped = _apply(similarity_transform(landmarks, template), landmarks[None])
    assert np.abs(mapped - template.points).max() < 0.05


@given(
    noise=st.lists(st.floats(-9, 9), min_size=10, max_size=10),
    change=st.lists(st.floats(-0.1, 0.1), min_size=4, max_size=4),
)
def test_no_other_similarity_fits_better(noise: list[float], change: list[float]) -> None:
    template = face_template(112)
    landmarks = template.points * 3 + np.reshape(noise, (5, 2))
    best = similarity_transform(landmarks, template).astype(np.float64)
    a, b, x, y = change
    other = best + np.array([[a, -b, x], [b, a, y]])
    error = [np.square(_apply(matrix, landmarks[None]) - template.points).sum() for matrix in (best, other)]
    assert error[0] <= error[1] + 1e-3


@given(st.lists(st.tuples(coordinates, coordinates), min_size=5, max_size=5, unique_by=lambda at: round(at[0])))
def test_any_distinct_landmarks_give_a_finite_transform_that_never_mirrors(points: list[tuple[float, float]]) -> None:
    matrix = similarity_transform(points, face_template(112))[0]
    assert np.isfinite(matrix).all()
    assert np.linalg.det(matrix[:, :2].astype(np.float64)) >= 0


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    template = face_template(112)
    mirrored = template.points * (-1, 1) + (300, 0)
    matrix = similarity_transform(mirrored, template)[0]
    assert np.linalg.det(matrix[:, :2]) > 0
    assert np.abs(_apply(matrix[None], mirrored[None]) - template.points).max() > 10


@pytest.mark.parametrize(
    ("landmarks", "message"),
    [
        (np.full((5, 2), 7.0), "one place"),
        (np.full((5, 2), np.nan), "finite"),
        (np.zeros((4, 2)), r"\(5, 2\)"),
        (np.zeros(10), r"\(5, 2\)"),
    ],
)
def test_degenerate_landmarks_are_refused(landmarks: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        similarity_transform(landmarks, face_template(112))


def test_many_faces_are_solved_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    template = face_template(96)
    landmarks = template.points * rng.uniform(0.5, 4, (7, 1, 1)) + rng.normal(0, 5, (7, 5, 2))
    together = similarity_transform(landmarks, template)
    assert together.dtype == np.float32
    assert np.allclose(together, np.concatenate([similarity_transform(one, template) for one in landmarks]), atol=1e-4)
    assert similarity_transform(np.zeros((0, 5, 2)), template).shape == (0, 2, 3)


def _smooth_picture(height: int, width: int) -> np.ndarray:
    """Both gradients, so that a pixel's value tells where it came from."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, (x + y) * 127 / width], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("magnification", [0.4, 1.0, 1.7, 2.3, 3.0, 6.5])
@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_a_crop_shows_what_lies_under_the_template(magnification: float, angle: float) -> None:
    template = face_template(64)
    image = _smooth_picture(700, 800)
    landmarks = _turned(template.points, magnification, angle, (250, 120))
    out = np.full((1, 64, 64, 3), 99, np.uint8)
    assert align_crops(image, landmarks[None], template, out) is out
    y, x = np.mgrid[:64, :64]
    grid = np.stack([x, y], axis=-1).reshape(-1, 2).astype(float)
    matrix = similarity_transform(template.points, Template(64, landmarks.astype(np.float32)))
    at = _apply(matrix, grid[None])[0]
    expected = np.stack([at[:, 0] * 255 / 800, at[:, 1] * 255 / 700, at.sum(axis=1) * 127 / 800], axis=-1)
    assert np.abs(out[0].reshape(-1, 3) - expected).max() < 2.5


def test_fine_texture_does_not_alias_in_a_shrunk_face() -> None:
    image = (np.indices((1200, 1200)).sum(axis=0) // 2 % 2 * 255).astype(np.uint8)  # stripes 2 px wide
    template = face_template(64)
    out = np.zeros((1, 64, 64, 1), np.uint8)
    align_crops(image, template.points[None] * 11.3 + 200, template, out)
    assert out.std() < 20  # of 127 for stripes kept, or invented


def test_gray_and_colour_agree() -> None:
    gray = _smooth_picture(300, 300)[..., 0]
    template = face_template(48)
    landmarks = np.stack([template.points * 2 + 40, template.points * 5 - 20])
    one = align_crops(gray, landmarks, template, np.zeros((2, 48, 48, 1), np.uint8))
    three = align_crops(np.repeat(gray[..., None], 3, axis=2), landmarks, template, np.zeros((2, 48, 48, 3), np.uint8))
    assert one.any()
    assert np.array_equal(one[..., 0], three[..., 1])


def test_mirroring_the_image_mirrors_the_crop() -> None:
    image = np.random.default_rng(1).integers(0, 255, (200, 180), np.uint8)
    template = face_template(64)
    landmarks = template.points * 1.5 + (20, 30)
    mirrored = (landmarks * (-1, 1) + (179, 0))[[1, 0, 2, 4, 3]]
    crops = [
        align_crops(picture, points[None], template, np.zeros((1, 64, 64, 1), np.uint8))[0, ..., 0].astype(int)
        for picture, points in ((image, landmarks), (image[:, ::-1].copy(), mirrored))
    ]
    assert np.abs(crops[0] - crops[1][:, ::-1]).max() <= 3


@pytest.mark.parametrize("scale", [1, 8])
def test_outside_of_the_image_is_black(scale: int) -> None:
    image = np.full((400, 400), 200, np.uint8)
    template = face_template(64)
    out = np.full((2, 64, 64, 1), 99, np.uint8)
    landmarks = template.points * scale
    align_crops(image, np.stack([landmarks - (32 * scale, 0), landmarks + 5000]), template, out)
    assert (out[0, 1:40, 34:] == 200).all()
    assert (out[0, :, :30] == 0).all()
    assert (out[1] == 0).all()


@pytest.mark.parametrize("scale", [1.0, 0.4, 3.0])
def test_faces_of_pictures_longer_than_opencv_warps_are_aligned_too(scale: float) -> None:
    image = np.zeros((200, 33_000), np.uint8)
    image[:, 32_000:32_200] = _smooth_picture(200, 200)[..., 0]
    template = face_template(64)
    points = template.points * scale
    crops = [
        align_crops(picture, points[None], template, np.zeros((1, 64, 64, 1), np.uint8)).astype(int)
        for picture, points in ((image, points + np.array((32_000, 0))), (image[:, 32_000:32_200].copy(), points))
    ]
    assert crops[1].any()
    assert np.abs(crops[0] - crops[1])[:, 4:, 4:].max() <= 3


def test_no_face_leaves_an_empty_batch_and_a_wrong_buffer_is_refused() -> None:
    image = np.zeros((50, 50), np.uint8)
    template = face_template(32)
    assert align_crops(image, np.zeros((0, 5, 2)), template, np.zeros((0, 32, 32, 1), np.uint8)).shape == (0, 32, 32, 1)
    for out in (
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((1, 32, 32, 1), np.float32),
        np.zeros((1, 32, 64, 1), np.uint8)[:, :, ::2],
    ):
        with pytest.raises(ValueError, match="out must be"):
            align_crops(image, template.points[None], template, out)
