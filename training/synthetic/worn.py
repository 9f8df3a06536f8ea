"""What isn't part of the kit's head, but moves with it: long hair and glasses, as triangles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from training.synthetic.geometry import FaceKit

__all__ = ["Glasses", "LongHair", "Worn", "glasses", "long_hair"]

FLOATS: Final = 13  # of a vertex: position, normal, colour and opacity, strand, gloss
_EARS: Final = (0, 16)  # landmarks before the right and left ear
_SIDES: Final = 5  # of a wire


@dataclass(frozen=True, slots=True)
class LongHair:
    """Hair that falls behind or beside the face.

    Attributes:
        end: how low it reaches, in kit units.
        open: where it begins at the sides, radians from the front.
        flare: how much wider it gets downwards, as a share.
        waves: how wavy it is, in kit units.
    """

    end: float
    open: float
    flare: float
    waves: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """At random, from a bob to long hair, in front of the ears or behind them."""
        return cls(
            end=float(rng.uniform(-17, -3)),
            open=float(np.deg2rad(rng.uniform(58, 105))),
            flare=float(rng.uniform(-0.05, 0.25)),
            waves=float(rng.uniform(0, 0.35)),
        )


@dataclass(frozen=True, slots=True)
class Glasses:
    """A pair of glasses, in kit units; colours sRGB 0–1.

    Attributes:
        half_width, half_height: of a lens.
        squareness: the exponent of its outline: 2 is an ellipse.
        wire: the rim's radius.
        rim: the rim's colour.
        tint: the lens' colour.
        opacity: of the lens, 0–1: from 0.8 on they are sun glasses.
        mirror: how strongly it reflects, 0–1.
        low: how far down the nose they sit.
    """

    half_width: float
    half_height: float
    squareness: float
    wire: float
    rim: tuple[float, float, float]
    tint: tuple[float, float, float]
    opacity: float
    mirror: float
    low: float

    @classmethod
    def draw(cls, rng: np.random.Generator, dark: bool) -> Self:
        """At random: of wire or horn; with dark lenses or clear ones."""
        shade = rng.uniform(0.03, 0.25) if rng.random() < 0.7 else rng.uniform(0.3, 0.75)
        rim = np.clip(shade + rng.normal(0, 0.04, 3), 0.02, 1).tolist()
        return cls(
            half_width=float(rng.uniform(2.1, 2.75)),
            half_height=float(rng.uniform(1.35, 2.1)),
            squareness=float(rng.uniform(2.0, 4.5)),
            wire=float(rng.uniform(0.05, 0.09) if rng.random() < 0.4 else rng.uniform(0.1, 0.24)),
            rim=(rim[0], rim[1], rim[2]),
            tint=(0.04, 0.04, 0.05) if dark else (0.5, 0.52, 0.55),
            opacity=float(rng.uniform(0.86, 0.98) if dark else rng.uniform(0.02, 0.12)),
            mirror=float(rng.uniform(0, 0.25) if dark else rng.uniform(0.15, 0.55) * (rng.random() < 0.6)),
            low=float(rng.uniform(-0.1, 0.6)),
        )


@dataclass(slots=True)
class Worn:
    """Triangles, those drawn first first.

    Attributes:
        vertices: (n, FLOATS) float32 blocks.
        triangles: (t, 3) int32 blocks, rows of all vertices.
    """

    vertices: list[NDArray[np.float32]] = field(default_factory=list)
    triangles: list[NDArray[np.int32]] = field(default_factory=list)

    def add(
        self,
        position: NDArray[np.float64],
        normal: NDArray[np.float64],
        triangles: NDArray[np.int64],
        paint: tuple[float, float, float, float],
        strand: NDArray[np.float64] | None = None,
        gloss: float = 0.1,
    ) -> None:
        """Append a surface.

        Args:
            position: (n, 3).
            normal: (n, 3) unit vectors.
            triangles: (t, 3) of its own rows.
            paint: colour and opacity.
            strand: (n, 2) across and along its strands, if it has any.
            gloss: 0–1.
        """
        rows = len(position)
        block = np.zeros((rows, FLOATS), np.float32)
        block[:, :3], block[:, 3:6], block[:, 6:10], block[:, 12] = position, normal, paint, gloss
        if strand is not None:
            block[:, 10:12] = strand
        start = sum(len(part) for part in self.vertices)
        self.vertices.append(block)
        self.triangles.append((triangles + start).astype(np.int32))

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """All vertices (n, FLOATS), and all triangles (t, 3)."""
        if not self.vertices:
            return np.zeros((0, FLOATS), np.float32), np.zeros((0, 3), np.int32)
        return np.concatenate(self.vertices), np.concatenate(self.triangles)


def long_hair(
    worn: Worn, style: LongHair, head: NDArray[np.float32], volume: float, colour: tuple[float, float, float]
) -> None:
    """Add hair round the back and the sides of a head.

    Args:
        worn: what it is added to.
        style: what it is like.
        head: (v, 3) float32 the person's head.
        volume: of the hair on top, in kit units.
        colour: sRGB 0–1.
    """
    skull = head[(head[:, 1] > 6.5) & (head[:, 1] < 8.5) & (head[:, 2] < 5)]
    half = float(np.abs(skull[:, 0]).max()) + 0.35 + volume
    top = float(head[:, 1].max()) + 0.15 + 0.9 * volume
    around = np.linspace(style.open, 2 * np.pi - style.open, 49)
    down = np.concatenate([np.linspace(0, 1, 12), 1 + np.linspace(0, 1, 14)[1:]])
    theta, step = np.meshgrid(around, down)
    crown = 4.0  # from here on it hangs
    fall = np.clip(step - 1, 0, 1)
    height = np.where(step < 1, crown + (top - crown) * np.cos(step * np.pi / 2), crown + (style.end - crown) * fall)
    radius = half * np.where(step < 1, np.sin(np.clip(step, 0.02, 1) * np.pi / 2), 1 + style.flare * fall)
    radius = radius + style.waves * fall * np.sin(theta * 11 + height * 0.8)
    position = np.stack([radius * np.sin(theta), height, radius * np.cos(theta) * 1.02 - 0.3], axis=-1).reshape(-1, 3)
    upwards = np.where(step < 1, np.cos(step * np.pi / 2), 0)
    normal = np.stack([np.sin(theta), upwards, np.cos(theta)], axis=-1).reshape(-1, 3)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    strand = np.stack([theta * 6 + 1, height + 0.3 * np.sin(theta * 5)], axis=-1).reshape(-1, 2)
    worn.add(position, normal, _grid(*theta.shape), (*colour, 1.0), strand, 0.12)


def glasses(worn: Worn, style: Glasses, kit: FaceKit, head: NDArray[np.float32]) -> None:
    """Add glasses that fit a head.

    Args:
        worn: what they are added to; the lenses must be drawn last.
        style: what they are like.
        kit: for its landmarks and eyes.
        head: (v, 3) float32 the person's head.
    """
    eyes = {side: kit.eye_centre(head, side) for side in "LR"}
    ears = dict(zip("RL", head[kit.landmarks[list(_EARS)]], strict=True))
    outline = _superellipse(style)
    lenses = []
    inner = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        eye = eyes[side]
        near = head[(np.abs(head[:, 0] - eye[0]) < 2.0) & (np.abs(head[:, 1] - eye[1]) < 1.9)]
        front = float(near[:, 2].max()) + 0.35
        middle = np.array([eye[0] + 0.12 * sign, eye[1] - 0.1 - style.low, front])
        rim = middle + np.concatenate([outline * [sign, 1], _swept(outline[:, :1])], axis=1)
        worn.add(*_wire(np.concatenate([rim, rim[:1]]), style.wire), (*style.rim, 1.0), gloss=0.4)
        lenses.append((middle, rim))
        inner[side] = rim[np.argmin(np.abs(rim[:, 0]) + 0.3 * np.abs(rim[:, 1] - middle[1] - 0.4))]
        outer = rim[np.argmax(np.abs(rim[:, 0]) + 0.3 * rim[:, 1])]
        ear = ears[side]
        hinge = outer + np.array([0.25 * sign, 0.0, -0.5])
        end = np.array([ear[0] + 0.45 * sign, ear[1] + 0.7, ear[2] - 2.0])
        worn.add(*_wire(np.stack([outer, hinge, end]), style.wire * 1.1), (*style.rim, 1.0), gloss=0.3)
    arch = np.stack([inner["L"], (inner["L"] + inner["R"]) / 2 + np.array([0, 0.2, 0.25]), inner["R"]])
    worn.add(*_wire(arch, style.wire), (*style.rim, 1.0), gloss=0.4)
    for middle, rim in lenses:
        count = len(rim)
        fan = np.stack([np.zeros(count), 1 + np.arange(count), 1 + (np.arange(count) + 1) % count], axis=1)
        position = np.concatenate([middle[None], rim])
        tilt = (position - middle) * 0.08 + np.array([0, 0, 1])
        strand = np.stack([np.zeros(count + 1), position[:, 1] + 0.6 * position[:, 0]], axis=1)
        paint = (*style.tint, style.opacity)
        worn.add(position, tilt, fan.astype(np.int64), paint, strand, style.mirror)


def _superellipse(style: Glasses) -> NDArray[np.float64]:
    """A lens' outline (28, 2)."""
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    shape = np.sign(unit) * np.abs(unit) ** (2 / style.squareness)
    return np.asarray(shape * [style.half_width, style.half_height])


def _swept(across: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a rim lies behind its middle, so that it follows the face."""
    return np.asarray(-0.05 * np.maximum(across, 0) ** 2)


def _wire(
    path: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """A tube along a path (n, 3): positions, normals, triangles."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    helper = np.where(np.abs(along[:, 2:]) > 0.8, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    first = np.cross(along, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-9
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, _SIDES + 1)[None, :, None]
    normal = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    position = path[:, None] + radius * normal
    return position.reshape(-1, 3), normal.reshape(-1, 3), _grid(len(path), _SIDES + 1)


def _grid(rows: int, columns: int) -> NDArray[np.int64]:
    """Triangles (t, 3) of a grid of vertices."""
    at = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
    return np.concatenate([np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([a, c, d], axis=-1).reshape(-1, 3)])
