"""YuNet through OpenCV's `FaceDetectorYN` (Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector")."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from clef_rt.detect import Detections
from clef_rt.errors import DetectorError
from clef_rt.files import fetch
from clef_rt.picture import Picture

__all__ = ["YuNetDetector"]

MODEL_NAME: Final = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
MODEL_URLS: Final = (
    f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{MODEL_NAME}",
    # The Zoo's own mirror, at a fixed commit.
    "https://huggingface.co/opencv/face_detection_yunet/resolve/3cc26e7f1014a5ee5d74a42acee58bafc9d0a310/" + MODEL_NAME,
)
# In pictures with a side of 32 px or less, OpenCV 4.14 reads uninitialised memory and "finds" faces of 1e16 px.
_MIN_SIDE: Final = 64
_HINT: Final = "Get the file on another machine and pass its path as yunet:/path/to/" + MODEL_NAME + "."


class YuNetDetector:
    """Faces of about 10 px and more, any pose up to profile, in colour or grey.

    Args:
        model: an ONNX file with a fixed input size (it still takes pictures of any size); OpenCV 4 can't load the
            dynamic ones. By default OpenCV Zoo's 2023mar, 230 kB, downloaded once.
        max_side: larger pictures are shrunk to this longer side, pixels.
        threshold: faces below this score aren't reported.

    Raises:
        DetectorError: the model is missing, damaged, of another kind, or can't be downloaded.
    """

    name = "yunet"

    def __init__(self, model: Path | None = None, *, max_side: int = 640, threshold: float = 0.6) -> None:
        path = model or fetch(MODEL_NAME, MODEL_URLS, MODEL_SHA256, error=DetectorError, hint=_HINT, limit=1 << 24)
        if not path.is_file():
            raise DetectorError(f"The YuNet model {path} doesn't exist.", "Leave the path out to have it downloaded.")
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), threshold, 0.3, 200)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise DetectorError(
                f"OpenCV can't use {path} as a YuNet model.",
                "It may be damaged, or one of the dynamic-size files: take the one with a fixed size, " + MODEL_NAME,
            ) from error
        self._max_side = max_side
        self._size = (320, 320)

    def detect(self, picture: Picture) -> Detections:
        """Find the faces of one picture; it is converted to BGR.

        Returns:
            Boxes (n, 4), landmarks (n, 5, 2) and scores (n,), float32, best first.
        """
        image = picture.bgr()
        scale = min(1.0, self._max_side / max(picture.width, picture.height))
        width, height = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        if scale < 1:
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        if min(width, height) < _MIN_SIDE:
            below, right = max(_MIN_SIDE - height, 0), max(_MIN_SIDE - width, 0)
            image = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
        size = (image.shape[1], image.shape[0])
        if size != self._size:  # rebuilding the network for another size takes milliseconds
            self._net.setInputSize(size)
            self._size = size
        found = self._net.detect(image)[1]
        if found is None:
            return Detections.empty()
        step = np.array([picture.width / width, picture.height / height], np.float32)
        rows = np.asarray(found, np.float32)[np.argsort(-found[:, 14], kind="stable")]
        # A shrunk pixel's centre lies at (x + 0.5)·step − 0.5 of the picture.
        landmarks = (rows[:, 4:14].reshape(-1, 5, 2) + 0.5) * step - 0.5
        return Detections(rows[:, :4] * np.tile(step, 2), landmarks, rows[:, 14].clip(0, 1))
