"""From a picture of one face to the crop that the encoder sees, by the runtime's own landmarks and alignment."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.align import Template, align_crops
from clef_rt.detect.landmarks import LandmarkNet

__all__ = ["MIN_PRESENCE", "cut_face", "widen"]

MIN_PRESENCE: Final = 0.3
"""Below it, the landmarks mean nothing; the crop is cut by the picture's own frame."""
_SMALL: Final = 96  # smaller pictures are enlarged: the landmark network looks at 64 px
# Where the landmarks of a tight picture lie, in its sides; for pictures without a face that the network sees.
_TYPICAL: Final = np.array([[0.30, 0.40], [0.70, 0.40], [0.50, 0.60], [0.34, 0.78], [0.66, 0.78]])


def widen(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Draw a tight picture's edges outwards by half of its sides, so that a crop has no black rim.

    Mirrored instead, the picture would get a second mouth or pair of eyes, which the landmark network then finds.

    Args:
        picture: (H, W) uint8.

    Returns:
        The larger picture, and the box (4,) float32 of the old one in it.
    """
    if min(picture.shape) < _SMALL:
        scale = _SMALL / min(picture.shape)
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = picture.shape
    wide = cv2.copyMakeBorder(picture, height // 2, height // 2, width // 2, width // 2, cv2.BORDER_REPLICATE)
    return np.asarray(wide, np.uint8), np.array([width // 2, height // 2, width, height], np.float32)


def cut_face(
    picture: NDArray[np.uint8], net: LandmarkNet, template: Template, out: NDArray[np.uint8]
) -> tuple[float, NDArray[np.float32]]:
    """Align the one face of a tight picture.

    Args:
        picture: (H, W) uint8.
        net: the landmark network.
        template: where the landmarks go.
        out: (1, S, S, 1) uint8, filled in place.

    Returns:
        The probability that there is a face, and its landmarks (5, 2) float32 in pixels of the widened picture.
    """
    wide, box = widen(picture)
    side = float(min(box[2:])) * 0.8  # faces fill most of a tight picture
    centre = box[:2] + box[2:] / 2
    rough = np.array([[*(centre - side / 2), side, side]], np.float32)
    ((landmarks,), (presence,)) = net.refine([wide], [rough], passes=3)[0]
    if presence < MIN_PRESENCE:
        landmarks = (box[:2] + _TYPICAL * box[2:]).astype(np.float32)
    align_crops(wide, landmarks[None], template, out)
    return float(presence), landmarks
