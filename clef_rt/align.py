"""Alignment: each face turned, scaled and moved onto one 5-point template, so that a crop's pixels mean the same.

Coordinates are OpenCV's: (0, 0) is the centre of the top left pixel, so a picture reaches from −0.5 to width − 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Template", "align_crops", "face_template", "similarity_transform"]

# ArcFace's five points for a 112 px crop (Deng et al. 2019, arXiv 1801.07698; InsightFace `arcface_dst`).
_ARCFACE_112 = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
_MIRRORED = (1, 0, 2, 4, 3)
_EYE_DISTANCE = 0.30  # of the crop; ArcFace's 0.315 with eyes at y 0.46 cuts the chin of an open mouth off
_EYE_HEIGHT = 0.40
_MINIFY_LIMIT = 0.5  # bilinear warping reads 2×2 pixels, so below half size it skips some
_LONGEST_SIDE = 32_766  # OpenCV refuses to warp out of longer pictures


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Where the five landmarks lie in an aligned crop.

    Attributes:
        size: side of the square crop, pixels.
        points: (5, 2) float32, x and y in pixels, in the order of `clef_rt.frame.LANDMARKS`.
    """

    size: int
    points: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.size < 1 or self.points.shape != (5, 2):
            raise ValueError(f"a template has a size ≥ 1 and 5 points; got {self.size} and {self.points.shape}")
        self.points.setflags(write=False)


def face_template(size: int) -> Template:
    """The template that all our encoders are trained on.

    ArcFace's proportions, made symmetric, in a wider frame that holds the forehead, the brows and a dropped jaw:
    eyes 0.30 of the crop apart, centred, at 0.40 of its height. Mirroring such a crop gives exactly the crop of the
    mirrored face.

    Args:
        size: side of the square crop, pixels.
    """
    points = np.asarray(_ARCFACE_112, dtype=np.float64)
    points -= points[:2].mean(axis=0)
    points = (points + points[_MIRRORED,] * (-1, 1)) / 2
    points *= _EYE_DISTANCE / (points[1, 0] - points[0, 0])
    centre = np.array([0.5, _EYE_HEIGHT])
    return Template(size, ((points + centre) * size - 0.5).astype(np.float32))


def similarity_transform(landmarks: ArrayLike, template: Template) -> NDArray[np.float32]:
    """The rotation, uniform scale and shift that bring landmarks closest to the template; never a mirroring.

    Least squares after Umeyama (1991, "Least-squares estimation of transformation parameters between two point
    patterns"), which in the plane has a closed form: with points as complex numbers about their means, the factor
    is Σ conj(p)·q / Σ |p|².

    Args:
        landmarks: (5, 2) or (n, 5, 2), pixels of the image.
        template: the target.

    Returns:
        (n, 2, 3) float32 matrices from image to crop, as `cv2.warpAffine` takes them (n = 1 for one face).

    Raises:
        ValueError: another shape, a coordinate that isn't finite, or five points in one place.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim == 2:
        points = points[None]
    if points.ndim != 3 or points.shape[1:] != (5, 2):
        raise ValueError(f"landmarks are (5, 2) or (n, 5, 2); got {np.shape(landmarks)}")
    if not np.isfinite(points).all():
        raise ValueError("landmarks must be finite")
    source = points[..., 0] + 1j * points[..., 1]
    target = template.points[:, 0] + 1j * template.points[:, 1].astype(np.float64)
    source_mean = source.mean(axis=1, keepdims=True)
    source = source - source_mean
    spread = (np.abs(source) ** 2).sum(axis=1)
    if (spread < 1e-6).any():
        raise ValueError("the five landmarks of a face lie in one place")
    factor = (source.conj() * (target - target.mean())).sum(axis=1) / spread
    shift = target.mean() - factor * source_mean[:, 0]
    matrices = np.empty((len(points), 2, 3), np.float32)
    matrices[:, 0, 0] = matrices[:, 1, 1] = factor.real
    matrices[:, 1, 0] = factor.imag
    matrices[:, 0, 1] = -factor.imag
    matrices[:, 0, 2] = shift.real
    matrices[:, 1, 2] = shift.imag
    return matrices


def align_crops(
    image: NDArray[np.uint8], landmarks: ArrayLike, template: Template, out: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Warp every face of an image onto the template.

    Bilinear; faces more than twice as large as the crop are shrunk first, so that fine texture doesn't alias. What
    lies outside of the image is 0.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        landmarks: (n, 5, 2), pixels of the image.
        template: where they shall lie.
        out: (n, S, S, C) uint8, C-contiguous; filled in place. C is 1 or 3 as the image; channels keep their order.

    Returns:
        `out`.

    Raises:
        ValueError: `out` doesn't fit, or the landmarks are degenerate (`similarity_transform`).
    """
    import cv2

    matrices = similarity_transform(np.reshape(landmarks, (-1, 5, 2)), template)
    channels = 1 if image.ndim == 2 else image.shape[2]
    size = template.size
    if out.shape != (len(matrices), size, size, channels) or out.dtype != np.uint8 or not out.flags.c_contiguous:
        expected = (len(matrices), size, size, channels)
        raise ValueError(f"out must be {expected} uint8, contiguous; got {out.shape} {out.dtype}")
    for matrix, crop in zip(matrices, out, strict=True):
        source = image
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if scale < _MINIFY_LIMIT or max(image.shape[:2]) > _LONGEST_SIDE:
            source, matrix = _shrink_region(image, matrix, size)
        if source.size == 0:
            crop[:] = 0
            continue
        target = crop[..., 0] if channels == 1 else crop
        cv2.warpAffine(source, matrix, (size, size), dst=target, flags=cv2.INTER_LINEAR, borderValue=0)
    return out


def _shrink_region(
    image: NDArray[np.uint8], matrix: NDArray[np.float32], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The part of the image that the crop shows, averaged down by a whole factor, and the matrix from there."""
    import cv2

    linear = matrix[:, :2].astype(np.float64)
    scale = float(np.hypot(*linear[:, 0]))
    if scale < 1e-6:
        raise ValueError("the landmarks have no likeness to a face: the best transform shrinks it to a point")
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]]) - 0.5
    corners = (corners - matrix[:, 2]) @ np.linalg.inv(linear).T
    factor = max(int(1 / scale), 1)
    low = np.floor(corners.min(axis=0)).astype(int) - factor
    high = np.ceil(corners.max(axis=0)).astype(int) + factor + 1
    left, top = np.maximum(low, 0)
    right, bottom = np.minimum(high, (image.shape[1], image.shape[0]))
    region = image[top : max(bottom, top), left : max(right, left)]
    if region.size == 0:
        return region, matrix
    width, height = max(region.shape[1] // factor, 1), max(region.shape[0] // factor, 1)
    small = np.asarray(cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    step = np.array([region.shape[1] / width, region.shape[0] / height])
    shifted = matrix.copy()
    shifted[:, :2] = linear * step
    # A pixel centre x of the small picture lies at (x + 0.5)·step − 0.5 + left of the image.
    shifted[:, 2] += linear @ (np.array([left, top]) + step / 2 - 0.5)
    return small, shifted
