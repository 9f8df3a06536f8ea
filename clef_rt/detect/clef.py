"""The embedded detector: our own single-shot network proposes, our landmark network decides. It needs no download.

Trained by `python -m training.detector`; what it saw and how well it does: `DETECTOR_CARD.md`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect import Detections
from clef_rt.detect.boxes import box_from_landmarks, suppress
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.errors import DetectorError
from clef_rt.picture import Picture

__all__ = ["MODEL", "ClefDetector"]

MODEL: Final = Path(__file__).with_name("clef.onnx")
_STRIDE: Final = 32
_PROPOSED: Final = 0.12  # of the detector's score: lax, for the landmark network throws false alarms out
_HOPELESS: Final = 0.3  # of the landmark network's first look: below it there is no second
_CERTAIN: Final = 1e-5  # as far as a network's word is taken
_PRIOR: Final = 1 / 16  # odds of a face before either has looked: so, at a score of 0.5, false faces are rare
_COMPARED: Final = 300  # proposals that are compared with each other: time grows with their square
_MOST: Final = 64  # faces a picture, the landmark network's batch


class ClefDetector:
    """Faces of any tilt up to about 50°, on luminance. Used by one thread.

    Boxes are made from the landmarks, so they agree with those of the other detectors.

    Attributes:
        threshold: faces below this score aren't reported.

    Args:
        model: an ONNX file with the input `image` (H, W) uint8, multiples of 32, and the outputs `scores` (n,),
            `boxes` (n, 4) and `landmarks` (n, 5, 2) in its pixels; its own by default.
        landmarks: the landmark network; its own by default.
        max_side: larger pictures are shrunk to this longer side, pixels. Time grows with its square.
        threshold: faces below this score aren't reported.

    Raises:
        DetectorError: a file is missing or isn't such a model.
    """

    name = "clef"

    def __init__(
        self,
        model: Path | None = None,
        landmarks: LandmarkNet | None = None,
        *,
        max_side: int = 384,
        threshold: float = 0.5,
    ) -> None:
        import onnxruntime as ort

        model = model or MODEL
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not model.is_file():
            raise DetectorError(f"The detector's model {model} is missing.", "Reinstall clef-rt.")
        try:
            self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise DetectorError(f"The model {model} can't be loaded: {error}.", "Reinstall clef-rt.") from error
        inputs = [(value.name, value.type, len(value.shape)) for value in self._session.get_inputs()]
        outputs = [value.name for value in self._session.get_outputs()]
        if inputs != [("image", "tensor(uint8)", 2)] or outputs != ["scores", "boxes", "landmarks"]:
            raise DetectorError(
                f"{model} isn't a detector of ours: inputs {inputs}, outputs {outputs}.",
                "Train one with: python -m training.detector",
            )
        self._landmarks = landmarks or LandmarkNet()
        self._max_side = max_side
        self.threshold = threshold

    def detect(self, picture: Picture) -> Detections:
        """Find the faces of one picture; it is converted to luminance only.

        Returns:
            Boxes (n, 4), landmarks (n, 5, 2) and scores (n,), float32, best first.
        """
        gray = picture.gray()
        proposals = self.propose(gray)
        if not len(proposals):
            return Detections.empty()
        [(landmarks, presence)] = self._landmarks.refine([gray], [proposals.boxes], passes=2, least=_HOPELESS)
        boxes = box_from_landmarks(landmarks)
        scores = np.where(presence >= _HOPELESS, _agreed(presence, proposals.scores), 0).astype(np.float32)
        centres = boxes[:, :2] + boxes[:, 2:] / 2
        inside = ((centres >= 0) & (centres <= (picture.width, picture.height))).all(axis=1)
        sure = np.flatnonzero((scores >= self.threshold) & inside)
        kept = sure[suppress(boxes[sure], scores[sure])]
        return Detections(boxes[kept], landmarks[kept], scores[kept])

    def propose(self, gray: NDArray[np.uint8]) -> Detections:
        """What the detector's network sees by itself, before the landmark network has looked.

        Args:
            gray: (H, W) uint8.
        """
        high, wide = gray.shape
        scale = min(1.0, self._max_side / max(high, wide))
        width, height = max(round(wide * scale), 1), max(round(high * scale), 1)
        scores, boxes, landmarks = self._session.run(None, {"image": _filled_up(gray, width, height)})
        found = np.flatnonzero(scores >= _PROPOSED)
        if len(found) > _COMPARED:
            found = found[np.argpartition(scores[found], -_COMPARED)[-_COMPARED:]]
        kept = found[suppress(boxes[found], scores[found])][:_MOST]
        step = np.array([wide / width, high / height], np.float32)
        # A shrunk pixel's centre lies at (x + 0.5)·step − 0.5 of the picture.
        corners = (boxes[kept, :2] + 0.5) * step - 0.5
        placed = np.concatenate([corners, boxes[kept, 2:] * step], axis=1)
        return Detections(placed, (landmarks[kept] + 0.5) * step - 0.5, scores[kept])


def _agreed(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """What two probabilities say together: the geometric mean of their odds times the prior, as a probability."""
    one, other = np.clip(one, _CERTAIN, 1 - _CERTAIN), np.clip(other, _CERTAIN, 1 - _CERTAIN)
    for_it, against = _PRIOR * np.sqrt(one * other), np.sqrt((1 - one) * (1 - other))
    return np.asarray(for_it / (for_it + against), np.float32)


def _filled_up(gray: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture at a size, black to the right and below up to multiples of 32."""
    out = np.zeros((-(-height // _STRIDE) * _STRIDE, -(-width // _STRIDE) * _STRIDE), np.uint8)
    if gray.shape == (height, width):
        out[:height, :width] = gray
    else:
        cv2.resize(gray, (width, height), dst=out[:height, :width], interpolation=cv2.INTER_AREA)
    return out
