"""SCRFD through insightface (Guo et al. 2022, arXiv 2105.04714).

InsightFace's code is MIT; its models are for non-commercial research only, unless you have its makers' licence.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

from clef_rt.detect import Detections
from clef_rt.errors import DetectorError, MissingExtra
from clef_rt.picture import Picture

__all__ = ["ScrfdDetector"]

_PACK: Final = "buffalo_s"  # holds det_500m.onnx, the smallest with landmarks
_STRIDE: Final = 32


class ScrfdDetector:
    """Faces of any pose in colour. Needs the extra `scrfd`.

    Args:
        model: an SCRFD file with landmarks. By default that of insightface's pack `buffalo_s`, which insightface
            downloads (122 MB) into `~/.insightface`.
        max_side: larger pictures are shrunk to this longer side, pixels; a multiple of 32.
        threshold: faces below this score aren't reported.

    Raises:
        MissingExtra: insightface isn't installed.
        DetectorError: the model is missing, damaged, without landmarks, or can't be downloaded.
    """

    name = "scrfd"

    def __init__(self, model: Path | None = None, *, max_side: int = 640, threshold: float = 0.5) -> None:
        if max_side % _STRIDE:
            raise ValueError(f"max_side is a multiple of {_STRIDE}; got {max_side}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from insightface import model_zoo
        except ImportError as error:
            raise MissingExtra("insightface", "scrfd") from error
        path = model or _download()
        if not path.is_file():
            raise DetectorError(f"The SCRFD model {path} doesn't exist.", "Leave the path out to have it downloaded.")
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # insightface prints
                self._net: Any = model_zoo.get_model(str(path), providers=["CPUExecutionProvider"])
                self._net.prepare(-1, input_size=(max_side, max_side), det_thresh=threshold)
            usable = bool(self._net.use_kps)
        except Exception as error:  # onnx, onnxruntime and insightface raise a dozen kinds
            raise DetectorError(f"insightface can't use {path}: {error}.", "Give an SCRFD model (ONNX).") from error
        if not usable:
            raise DetectorError(f"{path} gives no landmarks.", "Take an SCRFD model with key points (…_bnkps.onnx).")
        self._max_side = max_side

    def detect(self, picture: Picture) -> Detections:
        """Find the faces of one picture; it is converted to BGR.

        Returns:
            Boxes (n, 4), landmarks (n, 5, 2) and scores (n,), float32, best first.
        """
        side = min(self._max_side, -(-max(picture.width, picture.height) // _STRIDE) * _STRIDE)
        found, points = self._net.detect(picture.bgr(), input_size=(side, side))
        if not len(found) or points is None:
            return Detections.empty()
        order = np.argsort(-found[:, 4], kind="stable")
        boxes = np.asarray(found[order, :4], np.float32)
        boxes[:, 2:] -= boxes[:, :2]
        landmarks = np.asarray(points[order], np.float32).reshape(-1, 5, 2)
        return Detections(boxes, landmarks, np.asarray(found[order, 4], np.float32).clip(0, 1))


def _download() -> Path:
    from insightface.utils import ensure_available

    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            folder = Path(ensure_available("models", _PACK))
    except Exception as error:  # requests' errors, RuntimeError, BadZipFile
        raise DetectorError(
            f"insightface can't download its model pack {_PACK}: {error}.",
            "Get an SCRFD model with landmarks on another machine and pass its path as scrfd:/path/to/model.onnx.",
        ) from error
    # Some packs unzip into a folder of their own name within the folder.
    found = sorted(folder.rglob("det_*.onnx"))
    if not found:
        raise DetectorError(f"{folder} holds no detector.", f"Remove that folder, so that {_PACK} is fetched anew.")
    return found[0]
