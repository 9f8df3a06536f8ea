"""From a picture to the crop of its face that the encoder sees, by the runtime's own landmarks and alignment."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.align import Template, align_crops
from clef_rt.detect import Detector
from clef_rt.detect.boxes import box_from_landmarks
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.picture import Picture
from training.pictures import luminance

__all__ = ["MIN_PRESENCE", "FaceFinder", "around", "cut_boxed", "cut_tight", "widen"]

MIN_PRESENCE: Final = 0.3
"""Below it, the landmarks mean nothing; the crop is cut by the picture's own frame, or by the box."""
_SMALL: Final = 96  # smaller pictures are enlarged: the landmark network looks at 64 px
# Where the landmarks of a tight picture lie, in its sides; for pictures without a face that the network sees.
_TYPICAL: Final = np.array([[0.30, 0.40], [0.70, 0.40], [0.50, 0.60], [0.34, 0.78], [0.66, 0.78]])
_AROUND: Final = 1.2
_SURE: Final = 0.9  # a face is followed only while the landmark network is that sure of it
_FOLLOWED: Final = 25  # frames, then it is detected anew


def widen(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Draw a tight picture's edges outwards by half of its sides, so that a crop has no black rim.

    Mirrored instead, the picture would get a second mouth or pair of eyes, which the landmark network then finds.

    Args:
        picture: (H, W) or (H, W, 3) uint8.

    Returns:
        The larger picture, and the box (4,) float32 of the old one in it.
    """
    if min(picture.shape[:2]) < _SMALL:
        scale = _SMALL / min(picture.shape[:2])
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = picture.shape[:2]
    wide = cv2.copyMakeBorder(picture, height // 2, height // 2, width // 2, width // 2, cv2.BORDER_REPLICATE)
    return np.asarray(wide, np.uint8), np.array([width // 2, height // 2, width, height], np.float32)


def cut_tight(picture: NDArray[np.uint8], net: LandmarkNet, template: Template, out: NDArray[np.uint8]) -> float:
    """Align the one face of a tight picture.

    Args:
        picture: (H, W) luminance or (H, W, 3) RGB, uint8.
        net: the landmark network.
        template: where the landmarks go.
        out: (1, S, S, C) uint8, filled in place; C as the picture's.

    Returns:
        The probability that there is a face.
    """
    wide, box = widen(picture)
    side = float(min(box[2:])) * 0.8  # faces fill most of a tight picture
    centre = box[:2] + box[2:] / 2
    rough = np.array([*(centre - side / 2), side, side], np.float32)
    return _cut(wide, rough, box, 3, net, template, out)


def cut_boxed(
    picture: NDArray[np.uint8],
    box: NDArray[np.float32],
    net: LandmarkNet,
    template: Template,
    out: NDArray[np.uint8],
) -> float:
    """Align the face in a box of a picture; what the crop shows outside of the picture is black, as in the runtime.

    Args:
        picture: (H, W) luminance or (H, W, 3) RGB, uint8.
        box: (4,) x, y, width, height in pixels.
        net: the landmark network.
        template: where the landmarks go.
        out: (1, S, S, C) uint8, filled in place; C as the picture's.

    Returns:
        The probability that there is a face.
    """
    return _cut(picture, box, box, 2, net, template, out)


def _cut(
    picture: NDArray[np.uint8],
    rough: NDArray[np.float32],
    typical: NDArray[np.float32],
    passes: int,
    net: LandmarkNet,
    template: Template,
    out: NDArray[np.uint8],
) -> float:
    ((landmarks,), (presence,)) = net.refine([luminance(picture)], [rough[None]], passes=passes)[0]
    if presence < MIN_PRESENCE:
        landmarks = (typical[:2] + _TYPICAL * typical[2:]).astype(np.float32)
    align_crops(picture, landmarks[None], template, out)
    return float(presence)


class FaceFinder:
    """Finds the one face of whole frames: the largest first, and then the one that was there before.

    As in the runtime, a face that the landmark network surely sees where it just was needs no detector; now and then
    it is looked for anyway.

    Args:
        detector: the runtime's (`clef_rt.detect.load_detector`).
        net: the landmark network.
    """

    def __init__(self, detector: Detector, net: LandmarkNet) -> None:
        self._detector = detector
        self._net = net
        self.forget()

    def forget(self) -> None:
        """Another recording begins."""
        self._recording: object = None
        self._box: NDArray[np.float32] | None = None
        self._followed = 0

    def find(self, picture: NDArray[np.uint8], recording: object) -> NDArray[np.float32] | None:
        """The face's box.

        Args:
            picture: (H, W) luminance, uint8.
            recording: which one; another than the last time's starts with the largest face.

        Returns:
            (4,) float32 x, y, width, height in pixels; None where no face is found.
        """
        if recording != self._recording:
            self.forget()
            self._recording = recording
        box = self._follow(picture)
        if box is None:
            box = self._detect(picture)
        if box is not None:
            self._box = box
        return box

    def _follow(self, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        if self._box is None or self._followed >= _FOLLOWED:
            return None
        self._followed += 1
        landmarks, (presence,) = self._net.refine([picture], [self._box[None]])[0]
        return box_from_landmarks(landmarks)[0] if presence >= _SURE else None

    def _detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        self._followed = 0
        boxes = self._detector.detect(Picture.from_array(picture)).boxes
        if not len(boxes):
            return None
        if self._box is None:
            return np.asarray(boxes[boxes[:, 2:].prod(axis=1).argmax()], np.float32)
        centre = self._box[:2] + self._box[2:] / 2
        away = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] / 2 - centre, axis=1)
        return np.asarray(boxes[away.argmin()], np.float32)


def around(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The part of a picture that shows a box and a little around it: a tight picture of that face.

    Args:
        picture: (H, W) uint8.
        box: (4,) x, y, width, height in pixels.

    Returns:
        (h, w) uint8; empty where the box lies outside.
    """
    centre, half = box[:2] + box[2:] / 2, box[2:] * (_AROUND / 2)
    left, top = np.maximum(np.floor(centre - half), 0).astype(int)
    right, bottom = np.ceil(centre + half).astype(int)
    return picture[top : max(bottom, top), left : max(right, left)]
