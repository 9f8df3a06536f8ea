"""What hides a part of the face: hands, cups, masks, scarves, boards, strands of hair; drawn over the picture.

They are placed by the face's landmarks in the picture, so that they move with it. Labels stay what the face does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Hidden", "Occlusion", "draw_occlusion"]

_SHARE: Final = 0.11  # of recordings
_SHIFT: Final = 4  # cv2's fractional bits


class Hidden(Enum):
    """What is before the face."""

    HAND = "hand"
    CUP = "cup"
    MASK = "mask"
    SCARF = "scarf"
    BOARD = "board"
    STRANDS = "strands"


@dataclass(frozen=True, slots=True, eq=False)
class Occlusion:
    """Something before the face.

    Attributes:
        what: it is.
        colour: sRGB 0–1.
        landmark: near which it is.
        offset: from it, in interocular distances, right and down.
        size: 1 is usual.
        angle: radians.
        seed: of its details.
        coming: the probability that a picture of the recording shows it.
    """

    what: Hidden
    colour: tuple[float, float, float]
    landmark: int
    offset: tuple[float, float]
    size: float
    angle: float
    seed: int
    coming: float

    def over(
        self, picture: NDArray[np.uint8], landmarks: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """The picture with it, or without it in some.

        Args:
            picture: (S, S, 4) uint8 premultiplied RGBA.
            landmarks: (68, 2) float32 in picture sides.
            rng: for how it moves between pictures.
        """
        moved = rng.normal(0, 0.03, 2)
        if rng.random() >= self.coming:
            return picture
        side = len(picture)
        points = landmarks * side
        scale = float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))
        at = points[self.landmark] + scale * (np.array(self.offset) + moved)
        mask, shade = np.zeros((side, side), np.uint8), np.ones((side, side), np.float32)
        _DRAWN[self.what](self, mask, shade, points, at, scale)
        light = _brightness(picture)
        colour = np.clip(np.array(self.colour, np.float32) * (0.45 + 0.75 * light), 0, 1) * 255
        share = (mask.astype(np.float32) / 255)[..., None]
        laid = np.empty_like(picture, np.float32)
        laid[..., :3] = np.clip(colour * shade[..., None], 0, 255)
        laid[..., 3] = 255
        return np.asarray(picture * (1 - share) + laid * share, np.uint8)


def draw_occlusion(
    rng: np.random.Generator, skin: tuple[float, float, float], hair: tuple[float, float, float]
) -> Occlusion | None:
    """Something before the face in about a tenth of the recordings; mostly nothing.

    Args:
        rng: its randomness.
        skin: the colour of hands, sRGB 0–1.
        hair: of strands.
    """
    chosen = rng.random() < _SHARE
    what = list(Hidden)[int(rng.integers(len(Hidden)))]
    grey = rng.uniform(0.1, 0.95)
    any_colour = tuple(np.clip(grey + rng.normal(0, 0.1, 3), 0.02, 1).tolist())
    colour = {Hidden.HAND: skin, Hidden.STRANDS: hair}.get(what, any_colour)
    places = {Hidden.HAND: [48, 54, 57, 8, 2, 14, 30], Hidden.CUP: [57, 51]}
    landmark = int(rng.choice(places.get(what, [2, 14, 8, 19, 24])))
    one = Occlusion(
        what=what,
        colour=(colour[0], colour[1], colour[2]),
        landmark=landmark,
        offset=(float(rng.normal(0, 0.15)), float(rng.normal(0.1, 0.15))),
        size=float(rng.uniform(0.8, 1.25)),
        angle=float(rng.uniform(-0.7, 0.7)),
        seed=int(rng.integers(1 << 31)),
        coming=1.0 if what in (Hidden.MASK, Hidden.SCARF, Hidden.STRANDS) else float(rng.uniform(0.4, 1.0)),
    )
    return one if chosen else None


def _brightness(picture: NDArray[np.uint8]) -> float:
    """How bright the face is, 0–1."""
    seen = picture[..., 3] > 0
    return float(picture[..., 1][seen].mean() / 255) if seen.any() else 0.5


def _polygon(mask: NDArray[np.uint8], points: NDArray[np.float64]) -> None:
    cv2.fillPoly(mask, [np.round(points * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)


def _rounded(mask: NDArray[np.uint8], shade: NDArray[np.float32], deep: float, depth: float) -> None:
    """Darkens towards the edge over `deep` px, as a round thing does."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    shade *= 1 - depth * (1 - np.clip(inside / max(deep, 1), 0, 1)) ** 2


def _hand(
    one: Occlusion, mask: NDArray[np.uint8], shade: NDArray[np.float32], points: NDArray[np.float32],
    at: NDArray[np.float64], scale: float,
) -> None:  # fmt: skip
    """Four fingers and a palm that comes from below."""
    del points
    rng = np.random.default_rng(one.seed)
    up = np.array([np.sin(one.angle), -np.cos(one.angle)])
    across = np.array([-up[1], up[0]])
    wide = 0.26 * scale * one.size
    palm = at - up * 1.1 * scale * one.size
    for finger in (-1.5, -0.5, 0.5, 1.5):
        part = np.zeros_like(mask)
        root = palm + across * finger * wide * 1.05
        length = (1.25 - 0.1 * abs(finger + 0.3) + 0.1 * rng.uniform(-1, 1)) * scale * one.size
        bent = up + across * 0.08 * finger
        ends = [np.round(p * 16).astype(int).tolist() for p in (root, root + bent * length)]
        cv2.line(part, ends[0], ends[1], 255, max(int(wide), 1), cv2.LINE_AA, _SHIFT)
        one_shade = np.ones_like(shade)
        _rounded(part, one_shade, wide * 0.5, 0.5)
        shade[part > 0] = one_shade[part > 0]
        np.maximum(mask, part, out=mask)
    part = np.zeros_like(mask)
    wrist = palm - up * 4 * scale
    half, narrower = across * 2.1 * wide, across * 1.9 * wide
    _polygon(part, np.stack([palm + half, palm - half, wrist - narrower, wrist + narrower]))
    shade[part > 0] = 1
    np.maximum(mask, part, out=mask)


def _cup(
    one: Occlusion, mask: NDArray[np.uint8], shade: NDArray[np.float32], points: NDArray[np.float32],
    at: NDArray[np.float64], scale: float,
) -> None:  # fmt: skip
    """A beaker at the mouth: a trapezium, shaded as a cylinder."""
    del points
    wide, high = 0.65 * scale * one.size, 1.5 * scale * one.size
    corners = np.array([[-wide, -0.15 * scale], [wide, -0.15 * scale], [0.8 * wide, high], [-0.8 * wide, high]])
    _polygon(mask, corners + at)
    across = (np.arange(mask.shape[1]) - at[0]) / wide
    shade *= np.clip(1.1 - 0.5 * (across + 0.3 * np.sign(one.angle)) ** 2, 0.3, 1.15).astype(np.float32)[None]


def _mask(
    one: Occlusion, mask: NDArray[np.uint8], shade: NDArray[np.float32], points: NDArray[np.float32],
    at: NDArray[np.float64], scale: float,
) -> None:  # fmt: skip
    """A surgical mask over nose and chin, with pleats; worn under the nose by some."""
    del at
    low = np.random.default_rng(one.seed).random() < 0.2
    top = points[33] + [0, 0.06 * scale] if low else points[28]
    outline = np.stack([points[2], points[1] * 0.4 + points[31] * 0.6, top, points[15] * 0.4 + points[35] * 0.6,
                        points[14], points[11], points[8] + [0, 0.08 * scale], points[5]])  # fmt: skip
    _polygon(mask, outline.astype(np.float64))
    rows = np.arange(mask.shape[0], dtype=np.float32)
    pleats = 0.07 * np.sin((rows - top[1]) / scale * 11)
    shade *= (0.95 + pleats)[:, None]
    _rounded(mask, shade, 0.5 * scale, 0.3)


def _scarf(
    one: Occlusion, mask: NDArray[np.uint8], shade: NDArray[np.float32], points: NDArray[np.float32],
    at: NDArray[np.float64], scale: float,
) -> None:  # fmt: skip
    """A scarf from mouth or chin down, in folds."""
    del at
    rng = np.random.default_rng(one.seed)
    height = points[8] if rng.random() < 0.5 else points[57] + [0, 0.1 * scale]
    side = mask.shape[0]
    left, right = points[3] - [0.3 * scale, 0.2 * scale], points[13] + [0.3 * scale, -0.2 * scale]
    foot = np.array([[right[0] + 0.6 * scale, 1.2 * side], [left[0] - 0.6 * scale, 1.2 * side]])
    _polygon(mask, np.concatenate([np.stack([left, height, right]), foot]).astype(np.float64))
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / scale
    bow = rows - 0.25 * (columns - height[0] / scale) ** 2
    shade *= 0.9 + 0.15 * np.sin(bow * rng.uniform(7, 14) + np.sin(columns * 2))


def _board(
    one: Occlusion, mask: NDArray[np.uint8], shade: NDArray[np.float32], points: NDArray[np.float32],
    at: NDArray[np.float64], scale: float,
) -> None:  # fmt: skip
    """A flat thing: a phone, a book, a microphone's box, somebody's shoulder."""
    del points
    wide, high = 0.75 * scale * one.size, 1.1 * scale * one.size
    turn = np.array([[np.cos(one.angle), -np.sin(one.angle)], [np.sin(one.angle), np.cos(one.angle)]])
    outwards = np.sign(at[0] - mask.shape[1] / 2) * 0.6 * scale
    corners = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) @ turn.T
    _polygon(mask, corners + at + [outwards, 0.3 * scale])
    shade *= np.linspace(1.1, 0.85, mask.shape[0], dtype=np.float32)[:, None]


def _strands(
    one: Occlusion, mask: NDArray[np.uint8], shade: NDArray[np.float32], points: NDArray[np.float32],
    at: NDArray[np.float64], scale: float,
) -> None:  # fmt: skip
    """Hair that falls over an eye or a cheek."""
    del at
    rng = np.random.default_rng(one.seed)
    side = -1 if rng.random() < 0.5 else 1
    start = points[27] + np.array([side * rng.uniform(-0.2, 0.6), -1.6]) * scale
    end = points[1 if side < 0 else 15] + np.array([-side * rng.uniform(0.1, 0.7), 0.9]) * scale
    for _ in range(int(rng.integers(8, 30))):
        t = np.linspace(0, 1, 16)[:, None]
        spread = rng.normal(0, 0.12, 2) * scale
        bow = side * scale * rng.normal(0.25, 0.1) * np.sin(np.pi * t)
        path = start + (end - start) * t + spread * t + np.concatenate([bow, 0 * bow], axis=1)
        width = max(int(scale * rng.uniform(0.015, 0.05)), 1)
        cv2.polylines(mask, [np.round(path * 16).astype(np.int32)], False, 255, width, cv2.LINE_AA, _SHIFT)
    columns = np.arange(mask.shape[1], dtype=np.float32) / scale
    shade *= (1 + 0.2 * np.sin(columns * 40))[None]


_DRAWN: Final = {
    Hidden.HAND: _hand,
    Hidden.CUP: _cup,
    Hidden.MASK: _mask,
    Hidden.SCARF: _scarf,
    Hidden.BOARD: _board,
    Hidden.STRANDS: _strands,
}
