"""How well a detector's faces agree with the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.detect import Detections
from clef_rt.detect.boxes import iou

__all__ = ["OVERLAP", "Judged", "judge", "recall_at", "threshold_at"]

OVERLAP: Final = 0.4
"""The IoU with a true box from which on a face counts as found."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture's faces held against the true ones.

    Attributes:
        found: (t,) float32: the score with which each true face was found; −1 where it wasn't.
        which: (t,) int64: the detection that found it; −1 where none did.
        false: (k,) float32: the scores of detections that are no face, or a face found twice.
    """

    found: NDArray[np.float32]
    which: NDArray[np.int64]
    false: NDArray[np.float32]


def judge(detections: Detections, boxes: NDArray[np.float32]) -> Judged:
    """Each detection, best first, takes the true box that it overlaps most and that is still free.

    Args:
        detections: best first.
        boxes: (t, 4) true ones.
    """
    found = np.full(len(boxes), -1, np.float32)
    which = np.full(len(boxes), -1, np.int64)
    false: list[float] = []
    overlaps = iou(detections.boxes, boxes)
    for index, score in enumerate(detections.scores):
        free = np.where(which < 0, overlaps[index], 0)
        if len(boxes) and free.max() >= OVERLAP:
            match = int(free.argmax())
            found[match], which[match] = score, index
        else:
            false.append(float(score))
    return Judged(found, which, np.array(false, np.float32))


def threshold_at(judged: list[Judged], false_per_image: float) -> float:
    """The lowest score at which no more than so many false faces a picture are reported."""
    allowed = int(false_per_image * len(judged))
    false = np.sort(np.concatenate([one.false for one in judged]))[::-1]
    return float(np.nextafter(false[allowed], np.float32(2))) if len(false) > allowed else 0.0


def recall_at(judged: list[Judged], threshold: float) -> float:
    """The part of the true faces that are found with at least that score; NaN without any."""
    found = np.concatenate([one.found for one in judged])
    return float((found >= threshold).mean()) if len(found) else float("nan")
