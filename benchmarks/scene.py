"""Where the faces of a made-up clip are at each instant. Pure geometry: each moves in a cell of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MAX_FACES", "Cell", "Pose", "cells", "pose"]

MAX_FACES = 9
_SWAY = (0.20, 0.07)  # of the cell's width and height, to each side
_TURN = math.radians(6)
_GROWTH = 0.10
_PERIODS_S = (5.0, 7.0, 11.0, 4.0)  # of x, y, turn and growth: a face moves by up to about its own width in a second


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of the picture, pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Pose:
    """A face at an instant.

    Attributes:
        x: of its centre, pixels.
        y: of its centre, pixels.
        scale: 1 where the portrait just fits its cell, at rest.
        angle: clockwise as seen, radians.
    """

    x: float
    y: float
    scale: float
    angle: float


def cells(faces: int, width: int, height: int) -> list[Cell]:
    """Share a picture among faces, in rows and columns.

    Raises:
        ValueError: fewer than 1 or more than `MAX_FACES` faces.
    """
    if not 1 <= faces <= MAX_FACES:
        raise ValueError(f"a clip shows 1 to {MAX_FACES} faces; got {faces}")
    columns = math.ceil(math.sqrt(faces))
    rows = math.ceil(faces / columns)
    wide, high = width / columns, height / rows
    return [Cell(i % columns * wide, i // columns * high, wide, high) for i in range(faces)]


def pose(cell: Cell, face: int, t_s: float, length_s: float) -> Pose:
    """Where a face is. Its way repeats itself exactly after `length_s`, so that a looped clip has no seam.

    Args:
        cell: its own part of the picture.
        face: its number: each has a way of its own.
        t_s: the instant.
        length_s: the clip's length.
    """

    def wave(which: int) -> float:
        cycles = max(1, round(length_s / _PERIODS_S[which] * (1 + 0.13 * face)))
        return math.sin(2 * math.pi * cycles * t_s / length_s + 1.7 * face + which)

    return Pose(
        x=cell.left + cell.width * (0.5 + _SWAY[0] * wave(0)),
        y=cell.top + cell.height * (0.5 + _SWAY[1] * wave(1)),
        scale=1 + _GROWTH * wave(2),
        angle=_TURN * wave(3),
    )
