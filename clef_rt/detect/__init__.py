"""Face detectors: a picture in; boxes, five landmarks and scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clef_rt.picture import Picture

__all__ = ["Detections", "Detector"]


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


class Detector(Protocol):
    """Finds faces. Used by one thread."""

    name: str

    def detect(self, picture: Picture) -> Detections:
        """Find the faces of one picture."""
        ...
