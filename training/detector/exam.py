"""Pictures with many faces at known places: photographs of people not trained on, in photographs not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks
from training.detector.data import HELD_OUT, Faces, Gray, read_photo

__all__ = ["HEIGHT", "WIDTH", "Sheet", "make_sheets", "turned"]

WIDTH: Final = 1280
"""Of the pictures, pixels."""
HEIGHT: Final = 720
"""The same."""
_SIZES: Final = (20.0, 420.0)  # √area of the box, pixels
_TILTED: Final = 0.4  # of the faces, turned by up to 50°


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One picture.

    Attributes:
        image: (720, 1280) uint8.
        landmarks: (n, 5, 2) float32 of its faces.
        boxes: (n, 4) float32.
    """

    image: Gray
    landmarks: NDArray[np.float32]
    boxes: NDArray[np.float32]


def make_sheets(faces: Faces, count: int, seed: int = 3) -> list[Sheet]:
    """Pictures of 1 to 6 faces of all sizes; each photograph is put down whole, its edge softened, none over another.

    Args:
        faces: not trained on.
        count: of pictures.
        seed: the same seed gives the same pictures.

    Raises:
        FileNotFoundError: scikit-image and scikit-learn, whose photographs are behind the faces, aren't installed.
    """
    rng = np.random.default_rng(seed)
    behind = [photo for name in HELD_OUT if (photo := read_photo(name)) is not None]
    if not behind:
        raise FileNotFoundError("photographs without faces: pip install scikit-image scikit-learn")
    order = iter(rng.permutation(np.tile(np.arange(len(faces.images)), 6 * count // len(faces.images) + 1)))
    return [_sheet(faces, [int(next(order)) for _ in range(rng.integers(1, 7))], behind, rng) for _ in range(count)]


def turned(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far heads are turned to a side: the nose's distance from the eyes' middle, over the eyes' distance.

    Args:
        landmarks: (n, 5, 2).

    Returns:
        (n,) float32: about 0 from the front.
    """
    eyes = landmarks[:, 1] - landmarks[:, 0]
    nose = landmarks[:, 2] - landmarks[:, :2].mean(axis=1)
    square = np.maximum((eyes**2).sum(axis=1), 1e-6)
    return np.asarray(np.abs((nose * eyes).sum(axis=1)) / square, np.float32)


def _sheet(faces: Faces, picks: list[int], behind: list[Gray], rng: np.random.Generator) -> Sheet:
    photo = behind[rng.integers(len(behind))]
    scale = max(WIDTH / photo.shape[1], HEIGHT / photo.shape[0]) * rng.uniform(1, 1.6)
    photo = np.asarray(
        cv2.resize(photo, None, fx=scale + 1e-3, fy=scale + 1e-3, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    top, left = (int(rng.integers(0, have - need + 1)) for have, need in zip(photo.shape, (HEIGHT, WIDTH), strict=True))
    canvas = photo[top : top + HEIGHT, left : left + WIDTH].copy()
    taken: list[tuple[float, float, float, float]] = []
    landmarks = []
    for index in picks:
        image, points = faces.images[index], faces.landmarks[index]
        size = math.exp(rng.uniform(*np.log(_SIZES)))
        angle = math.radians(rng.uniform(-50, 50)) if rng.random() < _TILTED else 0.0
        zoom = size / math.sqrt(box_from_landmarks(points[None])[0, 2:].prod())
        half = np.array(image.shape[::-1]) * zoom / 2
        reach = float(np.hypot(*half)) if angle else float(half.max())
        if 2 * reach > HEIGHT:
            continue
        for _ in range(20):
            centre = rng.uniform((reach, reach), (WIDTH - reach, HEIGHT - reach))
            area = (*(centre - reach), *(centre + reach))
            if not any(area[0] < b[2] and area[2] > b[0] and area[1] < b[3] and area[3] > b[1] for b in taken):
                taken.append(area)
                landmarks.append(_put(canvas, image, points, zoom, angle, centre, rng))
                break
    grain = rng.normal(0, rng.uniform(0, 5), canvas.shape)
    points = np.array(landmarks, np.float32).reshape(-1, 5, 2)
    return Sheet(np.clip(canvas + grain, 0, 255).astype(np.uint8), points, box_from_landmarks(points))


def _put(
    canvas: Gray, image: Gray, points: NDArray[np.float32], zoom: float, angle: float, centre: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    """Put one photograph down about `centre`; where its landmarks then are."""
    height, width = image.shape
    if zoom < 1:
        small = max(round(width * zoom), 2), max(round(height * zoom), 2)
        shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        points = ((points + 0.5) * (np.array(small) / (width, height)) - 0.5).astype(np.float32)
        image, zoom, (height, width) = np.asarray(shrunk, np.uint8), 1.0, shrunk.shape
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * zoom
    matrix = np.column_stack([turn, centre - turn @ ((np.array([width, height]) - 1) / 2)])
    edge = max(min(height, width) // int(rng.integers(8, 30)), 1)
    mask = np.zeros((height, width), np.float32)
    mask[edge:-edge, edge:-edge] = 1
    mask = np.asarray(cv2.blur(mask, (edge, edge)), np.float32)
    size = (WIDTH, HEIGHT)
    cut = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    canvas[:] = cv2.blendLinear(cut, canvas, (cover := cv2.warpAffine(mask, matrix, size)), 1 - cover)
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)
