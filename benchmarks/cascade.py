"""The detector that the embedded one took the place of: OpenCV's cascade proposes, our landmark network decides."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect import Detections
from clef_rt.detect.boxes import box_from_landmarks, suppress
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.errors import DetectorError
from clef_rt.picture import Picture

__all__ = ["CascadeDetector"]

# Of the four frontal cascades in `cv2.data`, alt2 found most at equal time: on 120 faces 60–300 px high in 720p
# scenes, shrunk to 480 px, 95 % (default 93 %, alt 93 %, alt_tree 54 %).
_CASCADE: Final = "haarcascade_frontalface_alt2.xml"
_SCALE_STEP: Final = 1.15
_NEIGHBOURS: Final = 1  # the network throws false alarms out, so the cascade may be lax: recall 93 % rather than 88 %
_MIN_SIDE: Final = 20  # pixels of the shrunk picture; the cascade was trained at that size


class CascadeDetector:
    """Frontal faces, upright to about 20°, no smaller than a twentieth of the picture's longer side.

    Boxes are made from the landmarks, so they agree with those of the other detectors; the score is the network's
    probability that there is a face.

    Args:
        landmarks: the landmark network; its own by default.
        max_side: the picture is shrunk to this longer side, pixels. Time grows with its square.
        threshold: faces below this score aren't reported.

    Raises:
        DetectorError: OpenCV's cascade file is missing, or a model can't be loaded.
    """

    name = "cascade"

    def __init__(self, landmarks: LandmarkNet | None = None, *, max_side: int = 400, threshold: float = 0.5) -> None:
        path = Path(cv2.data.haarcascades) / _CASCADE
        self._cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
        if self._cascade is None or self._cascade.empty():
            raise DetectorError(
                f"OpenCV's cascade {path} is missing or damaged.",
                "Reinstall opencv-python-headless, or choose the detector yunet.",
            )
        self._landmarks = landmarks or LandmarkNet()
        self._max_side = max_side
        self._threshold = threshold

    def detect(self, picture: Picture) -> Detections:
        """Find the faces of one picture; it is converted to luminance only.

        Returns:
            Boxes (n, 4), landmarks (n, 5, 2) and scores (n,), float32, best first.
        """
        gray = picture.gray()
        candidates = self._propose(gray)
        if not len(candidates):
            return Detections.empty()
        [(landmarks, scores)] = self._landmarks.refine([gray], [candidates], passes=2)
        boxes = box_from_landmarks(landmarks)
        centres = boxes[:, :2] + boxes[:, 2:] / 2
        inside = ((centres >= 0) & (centres <= (picture.width, picture.height))).all(axis=1)
        sure = np.flatnonzero((scores >= self._threshold) & inside)
        kept = sure[suppress(boxes[sure], scores[sure])]
        return Detections(boxes[kept], landmarks[kept], scores[kept])

    def _propose(self, gray: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 4) float32 candidates, pixels of the picture."""
        assert self._cascade is not None
        scale = min(1.0, self._max_side / max(gray.shape))
        if scale < 1:
            gray = np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        if min(gray.shape) < _MIN_SIDE:
            return np.zeros((0, 4), np.float32)
        found = self._cascade.detectMultiScale(gray, _SCALE_STEP, _NEIGHBOURS, minSize=(_MIN_SIDE, _MIN_SIDE))
        boxes: NDArray[np.float32] = np.asarray(found, np.float32).reshape(-1, 4) / np.float32(scale)
        return boxes
