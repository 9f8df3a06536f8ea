"""A person's face texture: skin, lips, brows, lash lines, stubble, painted in the kit's face tile."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.geometry import FaceKit
from training.synthetic.subjects import Look

__all__ = ["TEXTURE", "beard_area", "face_uvs", "moustache_area", "paint"]

TEXTURE: Final = 512  # px of the square texture
_BROWS: Final = (range(17, 22), range(26, 21, -1))  # Multi-PIE landmarks, temple to nose
_UPPER_LIDS: Final = (range(36, 40), range(45, 41, -1))
_LOWER_LIDS: Final = ((36, 41, 40, 39), (45, 46, 47, 42))
_LIPS: Final = range(48, 60)


def face_uvs(kit: FaceKit) -> NDArray[np.float32]:
    """The 68 landmarks in the face's texture, (68, 2) float32, 0–1."""
    flat, rows = kit.polygons[kit.polygons >= 0], kit.polygon_uvs[kit.polygons >= 0]
    first = {int(vertex): int(row) for vertex, row in zip(flat[::-1], rows[::-1], strict=True)}
    return kit.uv[[first[int(vertex)] for vertex in kit.landmarks]]


def paint(look: Look, landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A face's texture.

    Args:
        look: the person's colours.
        landmarks: (68, 2) from `face_uvs`.

    Returns:
        (TEXTURE, TEXTURE, 3) uint8 sRGB; row 0 is v = 0.
    """
    rng = np.random.default_rng(look.seed)
    image = np.tile(np.array(look.skin, np.float32), (TEXTURE, TEXTURE, 1))
    blotches = cv2.resize(
        rng.normal(0, 1, (24, 24)).astype(np.float32), (TEXTURE, TEXTURE), interpolation=cv2.INTER_CUBIC
    )
    image *= 1 + 0.025 * blotches[..., None] + rng.normal(0, 0.02, (TEXTURE, TEXTURE, 1)).astype(np.float32)
    red = np.clip(np.array(look.skin) * [1.05, 0.72, 0.70], 0, 1)
    for u, v, size in ((0.29, 0.56, 0.075), (0.71, 0.56, 0.075), (0.5, 0.60, 0.05)):
        _mix(image, _spot(u, v, size), red, 0.45 * look.redness)
    if look.freckles:
        dots = (rng.random((TEXTURE, TEXTURE)) < 0.012 * look.freckles).astype(np.float32)
        where = np.maximum(_spot(0.3, 0.6, 0.1), _spot(0.7, 0.6, 0.1))
        _mix(image, where * np.clip(cv2.GaussianBlur(dots, (0, 0), 0.8) * 3, 0, 1), np.array(look.skin) * 0.65, 0.8)
    if look.stubble:
        hairs = beard_area(landmarks) * rng.uniform(0.6, 1, (TEXTURE, TEXTURE))
        _mix(image, hairs, np.array(look.brows), 0.6 * look.stubble)
    _mix(image, _lips(landmarks), np.array(look.lips), 0.9)
    for lids, width, amount in ((_UPPER_LIDS, 5, 0.85), (_LOWER_LIDS, 3, 0.35)):
        for lid in lids:
            line = np.zeros((TEXTURE, TEXTURE), np.float32)
            cv2.polylines(line, [_pixels(landmarks[list(lid)])], False, 1.0, width, cv2.LINE_AA, 4)
            _mix(image, cv2.GaussianBlur(line, (0, 0), 1.0), np.array(look.brows) * 0.5, amount)
    for brow in _BROWS:
        _mix(image, _brow(landmarks[list(brow)], look, rng), np.array(look.brows) * 0.75, look.brow_density)
    return np.asarray(np.clip(image * 255 + 0.5, 0, 255), np.uint8)


def _pixels(uv: NDArray[np.float32]) -> NDArray[np.int32]:
    """Texture coordinates in sixteenths of a pixel, as cv2's drawing takes them with shift 4."""
    return np.asarray(np.round((uv * TEXTURE - 0.5) * 16), np.int32)


def _mix(image: NDArray[np.float32], mask: NDArray[Any], colour: NDArray[np.float64], amount: float) -> None:
    share = (np.asarray(mask, np.float32) * np.float32(amount))[..., None]
    image += share * (colour.astype(np.float32) - image)


def _spot(u: float, v: float, size: float) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:TEXTURE, :TEXTURE] / np.float32(TEXTURE)
    return np.asarray(np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * size**2)), np.float32)


def _lips(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    mask = np.zeros((TEXTURE, TEXTURE), np.float32)
    cv2.fillPoly(mask, [_pixels(landmarks[list(_LIPS)])], 1.0, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.0), np.float32)


def beard_area(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where a beard grows: jaw and chin, not the lips, (TEXTURE, TEXTURE) float32 0–1."""
    jaw, nose = landmarks[[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]], landmarks[33]
    cheek = np.array([[0.70, 0.44], [0.60, 0.50], [0.5, nose[1] - 0.01], [0.40, 0.50], [0.30, 0.44]], np.float32)
    below = np.array([[0.8, 0.12], [0.2, 0.12]], np.float32)
    outline = np.concatenate([jaw[:1], cheek[::-1], jaw[-1:], below])
    mask = np.zeros((TEXTURE, TEXTURE), np.float32)
    cv2.fillPoly(mask, [_pixels(outline)], 1.0, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 9.0) * (1 - _lips(landmarks)), np.float32)


def moustache_area(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where a moustache grows: from nose to upper lip, (TEXTURE, TEXTURE) float32 0–1."""
    lip = landmarks[[49, 49, 50, 51, 52, 53, 53]] * [[0.6], [1], [1], [1], [1], [1], [0.6]]
    lip[[0, -1]] += 0.4 * landmarks[[48, 54]]
    lip = lip + np.array([0, 0.004], np.float32)
    right, left = lip[0] + np.array([-0.006, 0.012]), lip[-1] + np.array([0.006, 0.012])
    above = np.array([[0.585, 0.522], [0.545, 0.540], [0.5, 0.538], [0.455, 0.540], [0.415, 0.522]], np.float32)
    outline = np.concatenate([right[None], lip, left[None], above]).astype(np.float32)
    mask = np.zeros((TEXTURE, TEXTURE), np.float32)
    cv2.fillPoly(mask, [_pixels(outline)], 1.0, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 3.0) * (1 - _lips(landmarks)), np.float32)


def _brow(line: NDArray[np.float32], look: Look, rng: np.random.Generator) -> NDArray[np.float32]:
    """A brow of single hairs along five landmarks, temple to nose, thin at the temple."""
    mask = np.zeros((TEXTURE, TEXTURE), np.float32)
    steps = np.linspace(0, 4, 70)
    x, y = (np.interp(steps, np.arange(5), line[:, axis]) for axis in (0, 1))
    towards_temple = np.sign(line[0, 0] - line[-1, 0])
    for at, u, v in zip(steps / 4, x, y, strict=True):
        half = look.brow_thickness * min(1.0, 0.3 + 1.3 * at)
        for _ in range(5):
            root = np.array([u, v + look.brow_height + half * rng.uniform(-1, 0.7)])
            sideways, upwards = towards_temple * rng.uniform(0.008, 0.017), 0.008 * (2 * at - 0.7)
            tip = root + np.array([sideways, upwards + rng.normal(0, 0.002)])
            ends = _pixels(np.asarray([root, tip], np.float32))
            cv2.line(mask, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(np.clip(cv2.GaussianBlur(mask, (0, 0), 1.2) * 1.5, 0, 1), np.float32)
