"""Face detectors: a picture in; boxes, five landmarks and scores out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import DetectorError
from clef_rt.picture import Picture

__all__ = ["DETECTORS", "Detections", "Detector", "load_detector"]

DETECTORS: Final = ("clef", "yunet", "scrfd")
"""The detectors' names, as `load_detector` takes them."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The faces found in one picture, best score first.

    Attributes:
        boxes: (n, 4) float32: x, y, width, height; pixels of the picture.
        landmarks: (n, 5, 2) float32: x, y in pixels, in the order of `clef_rt.frame.LANDMARKS`.
        scores: (n,) float32, 0–1.
    """

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Detections:
        """No face."""
        return cls(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))

    @classmethod
    def joined(cls, *parts: Detections) -> Detections:
        """All faces of several searches of one picture, in their order; the same face may be among them twice."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )


class Detector(Protocol):
    """Finds faces. Used by one thread."""

    name: str

    def detect(self, picture: Picture) -> Detections:
        """Find the faces of one picture."""
        ...


class _Options(TypedDict, total=False):
    max_side: int
    threshold: float


def load_detector(name: str = "auto", *, max_side: int | None = None, threshold: float | None = None) -> Detector:
    """Build a detector by its name.

    Args:
        name: `clef`, `yunet` or `scrfd`; `clef:PATH`, `yunet:PATH` and `scrfd:PATH` take a given model file, and so
            does the bare path of an `.onnx` file, which is taken for YuNet's. `auto` is `clef`: it needs nothing that
            isn't installed.
        max_side: pictures are shrunk to this longer side, pixels; the detector's own default if None.
        threshold: the lowest score reported, 0–1; the detector's own default if None.

    Raises:
        DetectorError: no such detector, or its model can't be used.
        MissingExtra: the detector's library isn't installed.
    """
    kind, _, path = name.partition(":")
    if name.lower().endswith(".onnx") and kind not in DETECTORS:
        kind, path = "yunet", name
    model = Path(path).expanduser() if path else None
    options: _Options = {}
    if max_side is not None:
        options["max_side"] = max_side
    if threshold is not None:
        options["threshold"] = threshold
    if kind == "yunet":
        from clef_rt.detect.yunet import YuNetDetector

        return YuNetDetector(model, **options)
    if kind == "scrfd":
        from clef_rt.detect.scrfd import ScrfdDetector

        return ScrfdDetector(model, **options)
    if kind == "clef" or name == "auto":
        from clef_rt.detect.clef import ClefDetector

        return ClefDetector(model, **options)
    raise DetectorError(f"There is no detector {name!r}.", f"Choose auto, {', '.join(DETECTORS)}, or an .onnx file.")
