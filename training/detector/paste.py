"""Cutting faces out of their photographs and putting them into other pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks
from training.detector.data import Gray

__all__ = ["Patch", "body", "cut_out", "jigsaw", "mirrored", "warp"]

MIRRORED: Final = [1, 0, 2, 4, 3]
"""Which landmark each becomes in a mirror."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Something to be put into a picture.

    Attributes:
        image: (h, w) uint8.
        mask: (h, w) float32 0–1, where it covers what was there.
        left: of its corner in the picture, pixels.
        top: the same.
        headlike: whether it was cut out along the head rather than along the photograph's edge.
    """

    image: Gray
    mask: NDArray[np.float32]
    left: int
    top: int
    headlike: bool

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """x, y, width, height."""
        return self.left, self.top, self.image.shape[1], self.image.shape[0]

    def onto(self, picture: Gray) -> None:
        """Draw it."""
        height, width = self.image.shape
        part = picture[self.top : self.top + height, self.left : self.left + width]
        part[:] = cv2.blendLinear(self.image, part, self.mask, 1 - self.mask)


def cut_out(
    image: Gray, points: NDArray[np.float32], matrix: NDArray[np.float64], rng: np.random.Generator, size: int
) -> Patch | None:
    """What a photograph looks like in a picture: as a hard rectangle, a soft one, or the head alone.

    Args:
        image: (H, W) uint8.
        points: (5, 2) its face's landmarks.
        matrix: (2, 3) from the photograph to the picture.
        rng: what decides.
        size: side of the picture.

    Returns:
        The part that lies within the picture; None where none does.
    """
    height, width = image.shape
    mask = np.zeros((height, width), np.float32)
    kind = rng.random()
    headlike = kind < 0.45
    if headlike:
        x, y, wide, high = box_from_landmarks(points[None])[0].astype(float)
        axes = (wide * rng.uniform(0.52, 0.85), high * rng.uniform(0.54, 0.85))
        centre = (x + wide / 2, y + high * rng.uniform(0.4, 0.52))
        edge = max(rng.uniform(0.01, 0.08) * wide, 0.5)
        cv2.ellipse(mask, (centre, (2 * axes[0], 2 * axes[1]), 0.0), 1.0, -1, cv2.LINE_AA)  # type: ignore[call-overload]
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), edge), np.float32)
    elif kind < 0.75:
        edge = max(int(min(height, width) * rng.uniform(0.02, 0.12)), 1)
        mask[edge:-edge, edge:-edge] = 1
        mask = np.asarray(cv2.blur(mask, (2 * edge - 1, 2 * edge - 1)), np.float32)
    else:
        mask[:] = 1
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T + matrix[:, 2]
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)), size).astype(int)
    if right - left < 2 or bottom - top < 2:
        return None
    shifted = matrix - np.array([[0, 0, left], [0, 0, top]])
    target = (int(right - left), int(bottom - top))
    cut = warp(image, shifted, target, cv2.BORDER_REPLICATE)
    return Patch(cut, warp(mask, shifted, target, cv2.BORDER_CONSTANT), int(left), int(top), headlike)


def warp(image: NDArray[Any], matrix: NDArray[np.float64], size: tuple[int, int], border: int, fill: float = 0) -> Any:
    """As `cv2.warpAffine`, but what shrinks is averaged first, so that it doesn't alias."""
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.7:
        height, width = image.shape
        wide, high = max(round(width * scale), 2), max(round(height * scale), 2)
        image = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
        step = np.array([width / wide, height / high])
        # A pixel's centre x of the small picture lies at (x + 0.5)·step − 0.5.
        shift = matrix[:, :2] @ (step / 2 - 0.5) + matrix[:, 2]
        matrix = np.column_stack([matrix[:, :2] * step, shift])
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill)


def mirrored(image: Gray, points: NDArray[np.float32]) -> tuple[Gray, NDArray[np.float32]]:
    """A face in a mirror; its right eye becomes its left one."""
    turned = (points * (-1, 1) + (image.shape[1] - 1, 0))[MIRRORED]
    return np.ascontiguousarray(image[:, ::-1]), turned.astype(np.float32)


def jigsaw(image: Gray, rng: np.random.Generator) -> Gray:
    """A face's photograph in pieces, each in a wrong place: skin, hair and eyes, but no face."""
    pieces = int(rng.integers(3, 6))
    side = max(min(image.shape) // pieces, 1)
    flat = [image[y * side : (y + 1) * side, x * side : (x + 1) * side] for y in range(pieces) for x in range(pieces)]
    flat = [flat[index][:: rng.choice([-1, 1]), :: rng.choice([-1, 1])] for index in rng.permutation(len(flat))]
    return np.vstack([np.hstack(flat[y * pieces : (y + 1) * pieces]) for y in range(pieces)])


def body(picture: Gray, points: NDArray[np.float32], cloth: Gray, rng: np.random.Generator) -> None:
    """Draw hair, neck and shoulders around where a head will be.

    Args:
        picture: (H, W) uint8, drawn into.
        points: (5, 2) the head's landmarks.
        cloth: what the clothes are made of.
        rng: what decides.
    """
    x, y, width, height = box_from_landmarks(points[None])[0].astype(float)
    skin, hair = float(rng.integers(40, 230)), float(rng.choice([rng.integers(10, 70), rng.integers(10, 240)]))
    centre, chin = x + width / 2 + rng.normal(0, 0.08) * width, y + height
    if rng.random() < 0.6:
        long = rng.uniform(0.6, 1.2)
        outline = (
            (centre, y + height * (0.1 + 0.4 * long)),
            (width * rng.uniform(1.2, 1.6), height * (0.7 + long)),
            0.0,
        )
        cv2.ellipse(picture, outline, hair, -1, cv2.LINE_AA)  # type: ignore[call-overload]
    wide, neck = width * rng.uniform(0.9, 1.7), width * rng.uniform(0.28, 0.42)
    shoulder = chin + height * rng.uniform(0.05, 0.35)
    low = shoulder + height * rng.uniform(1.5, 3.5)
    outline_neck = [
        (centre - neck, y + height / 2),
        (centre + neck, y + height / 2),
        (centre + neck, shoulder + 0.2 * height),
    ]
    outline_neck.append((centre - neck, shoulder + 0.2 * height))
    cv2.fillPoly(picture, [np.rint(outline_neck).astype(np.int32)], skin, cv2.LINE_AA)
    slope = height * rng.uniform(0.1, 0.4)
    torso = [(centre - neck, shoulder), (centre + neck, shoulder), (centre + 0.9 * wide, shoulder + slope)]
    torso += [(centre + wide, low), (centre - wide, low), (centre - 0.9 * wide, shoulder + slope)]
    left, top = max(int(centre - wide), 0), max(int(shoulder), 0)
    part = picture[top : int(low) + 1, left : int(centre + wide) + 1]
    if part.size:
        mask = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(np.array(torso) - (left, top)).astype(np.int32)], 255.0, cv2.LINE_AA)
        filling = cv2.resize(cloth, part.shape[::-1]) if rng.random() < 0.7 else np.full_like(part, rng.integers(256))
        part[mask > 127] = filling[mask > 127]
