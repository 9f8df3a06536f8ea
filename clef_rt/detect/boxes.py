"""Boxes as arrays of x, y, width, height: overlap, suppression, and the box that belongs to five landmarks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.align import face_template, similarity_transform

__all__ = ["box_from_landmarks", "iou", "roll_from_landmarks", "suppress"]

# Where YuNet's boxes lie in the upright crop of `face_template`, in parts of its side: medians over 9,305 photographs.
_BOX_CENTRE: Final = np.array([0.5, 0.52])
_BOX_SIZE: Final = np.array([0.713, 0.888])
_UNIT: Final = 256
_TEMPLATE: Final = face_template(_UNIT)


def iou(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of each pair.

    Args:
        boxes: (n, 4) float32.
        others: (m, 4) float32.

    Returns:
        (n, m) float32, 0–1; 0 where a box has no area.
    """
    boxes, others = boxes.astype(np.float64), others.astype(np.float64)
    top_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    bottom_right = np.minimum((boxes[:, :2] + boxes[:, 2:])[:, None], (others[:, :2] + others[:, 2:])[None])
    shared = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    union = boxes[:, 2:].prod(axis=1)[:, None] + others[:, 2:].prod(axis=1)[None] - shared
    # Rounding gives a flat box up to 1.0002 with itself.
    return np.asarray(np.minimum(shared / np.where(union > 0, union, np.inf), 1), np.float32)


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], overlap: float = 0.4) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        boxes: (n, 4) float32.
        scores: (n,) float32.
        overlap: of two boxes with a greater IoU, the one with the lower score goes.

    Returns:
        The indexes of the boxes kept, best score first.
    """
    order = np.argsort(-scores, kind="stable")
    overlaps = iou(boxes, boxes)
    kept: list[int] = []
    for index in order:
        if not (overlaps[index, kept] > overlap).any():
            kept.append(int(index))
    return np.asarray(kept, dtype=np.intp)


def box_from_landmarks(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The upright box, brows to chin, in which a detector would see a face with these landmarks.

    Args:
        landmarks: (n, 5, 2) float32, pixels; the five points of a face must not lie in one place.

    Returns:
        (n, 4) float32.

    Raises:
        ValueError: degenerate landmarks.
    """
    matrices = similarity_transform(landmarks, _TEMPLATE).astype(np.float64)
    linear = matrices[:, :, :2]
    square = np.maximum((linear[:, :, 0] ** 2).sum(axis=1), 1e-12)  # of the scale; mirrored points can bring it to 0
    # The inverse of scale·rotation is its transpose over scale².
    offset = (_BOX_CENTRE * _UNIT - 0.5) - matrices[:, :, 2]
    centre = np.einsum("nji,nj->ni", linear, offset) / square[:, None]
    size = _BOX_SIZE * _UNIT / np.sqrt(square)[:, None]
    return np.concatenate([centre - size / 2, size], axis=1).astype(np.float32)


def roll_from_landmarks(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much each face is turned in the picture's plane.

    Args:
        landmarks: (n, 5, 2) float32, pixels; the five points of a face must not lie in one place.

    Returns:
        (n,) float32 radians; positive where the head is turned clockwise as seen in the picture.

    Raises:
        ValueError: degenerate landmarks.
    """
    matrices = similarity_transform(landmarks, _TEMPLATE)
    return np.asarray(-np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]), np.float32)
