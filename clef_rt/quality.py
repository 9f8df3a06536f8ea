"""How far a face's crop suits scoring, as one number from geometry and pixels alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["face_quality", "frontality", "sharpness"]

_SMALL: Final = 8.0  # pixels between the eyes: the mouth is 7 px wide, its corners can't be read
_LARGE: Final = 32.0  # a crop of 112 px isn't magnified from about here on
_EYES_PER_WIDTH: Final = 0.42  # distance of the eyes in widths of the box, frontal
_EYES_PER_HEIGHT: Final = 0.866  # distance of the eyes in distances from eyes to mouth, frontal
# `sharpness` of 112 px crops of 150 press photographs, medians: as they are 0.32; at half size 0.26, at a quarter 0.20;
# blurred with a deviation of 2 px 0.17, 3 px 0.12, 4 px 0.09 (68 px between the eyes).
_BLURRED: Final = 0.06
_SHARP: Final = 0.16
_FREE_TURN: Final = 0.25  # asymmetry that costs nothing; the median of press photographs is 0.17


def face_quality(landmarks: NDArray[np.float32], box: NDArray[np.float32], crop: NDArray[np.uint8]) -> float:
    """Size · sharpness · frontality · visible part; each 0–1, so one that is bad spoils it all.

    - size: 0 at 8 px between the eyes, 1 from 32 px on, linear between. The distance is taken from the eyes, or from
      eyes to mouth where the head is turned; and from the box, where that is smaller.
    - sharpness: 0 at 0.06, 1 from 0.16 on (`sharpness`).
    - frontality: see there.
    - visible part: the share of the crop's pixels that aren't black, squared. What lies outside of the frame is black.

    Args:
        landmarks: (5, 2) float32, pixels of the image.
        box: (4,) float32 x, y, width, height; pixels of the image.
        crop: (S, S) or (S, S, C) uint8, aligned by `clef_rt.align`.

    Returns:
        0–1; 0 where a coordinate isn't finite.
    """
    if not (np.isfinite(landmarks).all() and np.isfinite(box).all()):
        return 0.0
    points = landmarks.astype(np.float64)
    eyes = float(np.linalg.norm(points[1] - points[0]))
    height = float(np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0)))
    pixels = min(max(eyes, height * _EYES_PER_HEIGHT), float(box[2]) * _EYES_PER_WIDTH)
    plane = crop.reshape(*crop.shape[:2], -1).max(axis=2)
    visible = np.count_nonzero(plane) / plane.size
    return float(
        _ramp(pixels, _SMALL, _LARGE) * _ramp(sharpness(crop), _BLURRED, _SHARP) * frontality(landmarks) * visible**2
    )


def frontality(landmarks: NDArray[np.float32]) -> float:
    """1 for a face seen from the front, 0 where the nose's tip lies over an eye or beyond.

    With a and b the distances of the nose from either eye along the line of the eyes, the asymmetry is
    |a − b| / (a + b). Up to 0.25 this is 1, at 1 it is 0, linear between. Tilting the head doesn't change it.

    Args:
        landmarks: (5, 2) float32, pixels.
    """
    right, left, nose = landmarks[:3].astype(np.float64)
    line = left - right
    square = float(line @ line)
    if square < 1e-9:
        return 0.0
    along = float((nose - right) @ line) / square  # 0 at the right eye, 1 at the left one
    return 1 - _ramp(abs(2 * along - 1), _FREE_TURN, 1.0)


def sharpness(crop: NDArray[np.uint8]) -> float:
    """Fine detail in the middle of a crop: deviation of the Laplacian over that of the pixels.

    Light and contrast don't change it; noise raises it.

    Args:
        crop: (S, S) or (S, S, C) uint8.

    Returns:
        0 or more; 0 for a uniform crop.
    """
    plane = crop.reshape(*crop.shape[:2], -1).mean(axis=2, dtype=np.float32)
    edge = len(plane) // 5
    middle = plane[edge : len(plane) - edge, edge : len(plane) - edge]
    if min(middle.shape) < 3:
        return 0.0
    centre = middle[1:-1, 1:-1]
    around = middle[:-2, 1:-1] + middle[2:, 1:-1] + middle[1:-1, :-2] + middle[1:-1, 2:]
    spread = float(middle.std())
    return float((around - 4 * centre).std()) / spread if spread > 1 else 0.0


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)
