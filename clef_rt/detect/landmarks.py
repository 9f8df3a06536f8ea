"""Five landmarks and the probability of a face, from a box: our own small network.

It turns a detector's rough box into landmarks, throws false alarms out, and follows a face from frame to frame
without any detection. Trained by `training/landmarks.py`; what it saw and how well it does: `LANDMARKS_CARD.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks, roll_from_landmarks
from clef_rt.errors import DetectorError

__all__ = ["CROP_ENLARGED", "CROP_SIZE", "MODEL", "LandmarkNet", "cut_crop", "square_around"]

MODEL: Final = Path(__file__).with_name("landmarks.onnx")
CROP_SIZE: Final = 64
CROP_ENLARGED: Final = 1.3
"""The crop's side, in longer sides of the box."""
_BATCH = 64  # faces a run, so that memory stays bounded however many there are


class LandmarkNet:
    """Finds the landmarks of any number of faces in one batch. Used by one thread.

    Args:
        path: ONNX file with the input `crops` (n, 64, 64) uint8 and the outputs `landmarks` (n, 5, 2), in sides of
            the crop from its centre, and `presence` (n,).
        threads: for onnxruntime. One face takes 0.3 ms, so a second thread costs more than it brings.

    Raises:
        DetectorError: the file is missing or isn't such a model.
    """

    def __init__(self, path: Path = MODEL, *, threads: int = 1) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not path.is_file():
            raise DetectorError(f"The landmark model {path} is missing.", "Reinstall clef-rt.")
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise DetectorError(f"The landmark model {path} can't be loaded: {error}.", "Reinstall clef-rt.") from error
        inputs = [(value.name, value.type, value.shape[1:]) for value in self._session.get_inputs()]
        outputs = [value.name for value in self._session.get_outputs()]
        if inputs != [("crops", "tensor(uint8)", [CROP_SIZE, CROP_SIZE])] or outputs != ["landmarks", "presence"]:
            raise DetectorError(
                f"{path} isn't a landmark model: inputs {inputs}, outputs {outputs}.",
                "Export one with: python -m training.landmarks",
            )
        self._crops = np.zeros((_BATCH, CROP_SIZE, CROP_SIZE), np.uint8)

    def refine(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        boxes: Sequence[NDArray[np.float32]],
        *,
        passes: int = 1,
        least: float = 0.0,
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Find the landmarks of the faces in rough boxes of several pictures.

        A box may be off by 15 % of its size and 0.8–1.3 times as large as it should be. `box_from_landmarks` gives
        the box to look into in the next frame.

        Args:
            pictures: luminance, (H, W) uint8 each.
            boxes: (n_i, 4) float32 of each picture; n_i ≥ 0; may reach past the picture's edge.
            passes: 2 looks again, into the box of the landmarks found and turned upright: better from a detector's
                rough boxes, and for heads tilted by more than 25°; at twice the time.
            least: boxes that are a face with a lower probability, 0–1, aren't looked into again.

        Returns:
            For each picture (n_i, 5, 2) float32 landmarks in pixels and (n_i,) float32 probabilities, 0–1, that
            there is a face. Without a face, the landmarks mean nothing, but are finite and apart from each other.

        Raises:
            ValueError: not as many boxes as pictures.
        """
        owners = [index for index, (_, own) in enumerate(zip(pictures, boxes, strict=True)) for _ in range(len(own))]
        flat = np.concatenate([np.zeros((0, 4), np.float32), *(np.reshape(own, (-1, 4)) for own in boxes)])
        landmarks = np.zeros((len(flat), 5, 2), np.float32)
        presence = np.zeros(len(flat), np.float32)
        rolls = np.zeros(len(flat), np.float32)
        for turn in range(passes):
            if turn:
                flat, rolls = box_from_landmarks(landmarks), roll_from_landmarks(landmarks)
            due = np.flatnonzero(presence >= least) if turn else np.arange(len(flat))
            for start in range(0, len(due), _BATCH):
                part = due[start : start + _BATCH]
                owned = [pictures[owners[index]] for index in part]
                landmarks[part], presence[part] = self._run(owned, flat[part], rolls[part])
        ends = np.cumsum([len(own) for own in boxes])[:-1].astype(int)
        return list(zip(np.split(landmarks, ends), np.split(presence, ends), strict=True)) if len(boxes) else []

    def _run(
        self, pictures: list[NDArray[np.uint8]], boxes: NDArray[np.float32], rolls: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        squares = square_around(boxes)
        for picture, square, roll, crop in zip(pictures, squares, rolls, self._crops, strict=False):
            cut_crop(picture, square, crop, float(roll))
        points, presence = self._session.run(None, {"crops": self._crops[: len(boxes)]})
        side = squares[:, 2].astype(np.float32)[:, None, None]
        centre = squares[:, None, :2] + (side - 1) / 2
        cos, sin = np.cos(rolls), np.sin(rolls)
        turned = np.einsum("ijn,nkj->nki", np.array([[cos, -sin], [sin, cos]]), points)
        return (turned * side + centre).astype(np.float32), presence


def square_around(boxes: NDArray[np.float32]) -> NDArray[np.intp]:
    """The square of whole pixels that the network sees for each box.

    Args:
        boxes: (n, 4).

    Returns:
        (n, 3): left, top and side; the side is at least 4.
    """
    boxes = np.clip(np.nan_to_num(boxes.astype(np.float64)), -1e6, 1e6)
    side = np.clip(np.rint(boxes[:, 2:].max(axis=1, initial=0) * CROP_ENLARGED), 4, 20_000)
    corner = np.rint(boxes[:, :2] + (boxes[:, 2:] - side[:, None]) / 2)
    return np.concatenate([corner, side[:, None]], axis=1).astype(np.intp)


def cut_crop(picture: NDArray[np.uint8], square: NDArray[np.intp], out: NDArray[np.uint8], roll: float = 0.0) -> None:
    """Scale one square of a picture into `out`; what lies outside of the picture repeats its edge.

    Args:
        picture: (H, W) uint8.
        square: (3,) left, top, side.
        out: (64, 64) uint8, filled in place.
        roll: the square is turned about its centre by this angle, clockwise as seen; radians.
    """
    import cv2

    size = CROP_SIZE
    left, top, side = (int(value) for value in square)
    height, width = picture.shape
    cos, sin = math.cos(roll), math.sin(roll)
    margin = math.ceil(side * (abs(cos) + abs(sin) - 1) / 2)
    x0, y0 = max(left - margin, 0), max(top - margin, 0)
    x1, y1 = min(left + side + margin, width), min(top + side + margin, height)
    if x0 >= x1 or y0 >= y1:
        out[:] = 0
        return
    mode = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    if roll == 0 and x1 - x0 == side and y1 - y0 == side:
        cv2.resize(picture[y0:y1, x0:x1], (size, size), dst=out, interpolation=mode)
        return
    # Shrink the visible part, then turn it and put it where it belongs: the cost doesn't grow with what lies outside.
    wide, high = (max(round(length * size / side), 1) for length in (x1 - x0, y1 - y0))
    small = cv2.resize(picture[y0:y1, x0:x1], (wide, high), interpolation=mode)
    to_picture = np.array([[(x1 - x0) / wide, 0], [0, (y1 - y0) / high]])
    turn = np.array([[cos, sin], [-sin, cos]]) * size / side
    # A pixel centre q of the small part lies at (q + 0.5)·step − 0.5 + corner of the picture.
    corner = np.array([x0, y0]) + to_picture.diagonal() / 2 - 0.5
    centre = np.array([left, top]) + (side - 1) / 2
    matrix = np.column_stack([turn @ to_picture, turn @ (corner - centre) + (size - 1) / 2])
    cv2.warpAffine(small, matrix, (size, size), dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
