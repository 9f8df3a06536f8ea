"""Wrinkles and folds: a height map in the face's texture, a sum of masks by what moves and by how lined the skin is.

Each mask is drawn for the subject's left side and mirrored. A crease is a valley with a low ridge on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.intensity import strength

__all__ = ["FOLDS", "Fold", "FoldMaps", "Skin"]

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """One group of creases of one side.

    Attributes:
        by: the Action Units that make it, and how deep each does at E.
        lines: of the subject's left side, in texture coordinates (u > 0.5; v upwards).
        width: of a crease, in the texture.
        aged: how deep it is at rest in the most lined face.
    """

    by: dict[str, float]
    lines: tuple[Line, ...]
    width: float = 0.0045
    aged: float = 0.0


FOLDS: Final[dict[str, Fold]] = {
    "glabella": Fold(
        {"AU04": 1.1, "AU09": 0.5},
        (((0.516, 0.778), (0.514, 0.805), (0.519, 0.838)), ((0.536, 0.800), (0.540, 0.815), (0.539, 0.832))),
        0.0055,
        0.3,
    ),
    "inner_forehead": Fold(
        {"AU01": 1.0},
        tuple(((0.49, v), (0.53, v - 0.002), (0.575, v - 0.007)) for v in (0.845, 0.862, 0.880)),
        0.0045,
        0.35,
    ),
    "outer_forehead": Fold(
        {"AU02": 1.0},
        tuple(
            ((0.575, v - 0.004), (0.62, v + 0.003), (0.665, v), (0.705, v - 0.012)) for v in (0.848, 0.866, 0.884)
        ),
        0.0045,
        0.35,
    ),
    "crows_feet": Fold(
        {"AU06": 1.0, "AU12": 0.25, "AU07": 0.2},
        (
            ((0.700, 0.722), (0.722, 0.734), (0.742, 0.745)),
            ((0.702, 0.716), (0.726, 0.720), (0.750, 0.724)),
            ((0.700, 0.710), (0.722, 0.703), (0.742, 0.694)),
            ((0.694, 0.704), (0.712, 0.690), (0.726, 0.676)),
        ),
        0.0035,
        0.4,
    ),
    "under_eye": Fold(
        {"AU06": 0.9, "AU07": 0.7, "AU09": 0.3},
        (
            ((0.600, 0.704), (0.628, 0.698), (0.660, 0.699), (0.685, 0.706)),
            ((0.605, 0.692), (0.640, 0.681), (0.680, 0.685)),
        ),
        0.0045,
        0.35,
    ),
    "nose_root": Fold(
        {"AU09": 1.3},
        (
            ((0.49, 0.742), (0.505, 0.744), (0.522, 0.738)),
            ((0.49, 0.728), (0.505, 0.730), (0.524, 0.724)),
            ((0.524, 0.716), (0.536, 0.706), (0.547, 0.690)),
            ((0.530, 0.703), (0.542, 0.692), (0.551, 0.676)),
        ),
        0.0055,
    ),
    "upper_nasolabial": Fold(
        {"AU09": 1.0, "AU10": 1.0, "AU12": 0.4},
        (((0.562, 0.610), (0.580, 0.588), (0.598, 0.560), (0.616, 0.530)),),
        0.0095,
        0.5,
    ),
    "nasolabial": Fold(
        {"AU12": 1.0, "AU10": 0.55, "AU14": 0.25, "AU20": 0.2},
        (((0.588, 0.572), (0.620, 0.545), (0.652, 0.505), (0.673, 0.460), (0.677, 0.425)),),
        0.012,
        0.55,
    ),
    "dimple": Fold(
        {"AU14": 1.3, "AU12": 0.25},
        (((0.629, 0.472), (0.636, 0.448), (0.631, 0.420)), ((0.634, 0.455), (0.636, 0.448), (0.635, 0.440))),
        0.0075,
    ),
    "below_corner": Fold(
        {"AU15": 1.1, "AU17": 0.25},
        (((0.622, 0.428), (0.640, 0.408), (0.652, 0.380), (0.652, 0.352)),),
        0.009,
        0.4,
    ),
    "beside_corner": Fold(
        {"AU20": 0.9, "AU16": 0.3},
        (((0.650, 0.480), (0.662, 0.445), (0.658, 0.400)), ((0.680, 0.475), (0.692, 0.440), (0.686, 0.390))),
        0.006,
    ),
    "chin": Fold(
        {"AU17": 1.0, "AU15": 0.2},
        (((0.49, 0.347), (0.53, 0.346), (0.565, 0.354)),),
        0.007,
        0.25,
    ),
    "around_lips": Fold(
        {"AU18": 0.8, "AU23": 0.7, "AU24": 0.4, "AU28": 0.3},
        (
            *(((u, 0.514 - (u - 0.5) * 0.3), (u + 0.004, 0.532 - (u - 0.5) * 0.25)) for u in (0.515, 0.540, 0.565)),
            *(((u, 0.356 + (u - 0.5) * 0.2), (u + 0.003, 0.340 + (u - 0.5) * 0.2)) for u in (0.515, 0.545, 0.570)),
        ),
        0.0035,
        0.2,
    ),
}  # fmt: skip
_DIMPLES: Final = "chin"  # its skin is pitted, too
_FINE, _COARSE = 512, 256  # px of the maps; pictures of up to _SMALL px don't show more than the coarse
_SMALL: Final = 128


class FoldMaps:
    """The masks, and their sum.

    Args:
        size: side of the pictures that they are for, px.
    """

    def __init__(self, size: int) -> None:
        self.side = _COARSE if size <= _SMALL else _FINE
        self._masks = {
            (name, side): _cut(_draw(name, fold, self.side, side == "L"))
            for name, fold in FOLDS.items()
            for side in "LR"
        }

    def heights(self, depths: Mapping[tuple[str, str], float]) -> NDArray[np.float32]:
        """(side, side) float32, row 0 at v = 0: 0 where the skin is smooth, −1 in a crease, up to 0.4 beside it.

        Args:
            depths: of a fold's name and side ("L" or "R"), 0–1 and a little over.
        """
        total = np.zeros((self.side, self.side), np.float32)
        for key, depth in depths.items():
            if depth > 0.02:
                rows, columns, mask = self._masks[key]
                total[rows, columns] += depth * mask
        return total


@dataclass(frozen=True, slots=True)
class Skin:
    """How a person's skin folds.

    Attributes:
        lined: 0–1, how deep the folds are at rest.
        loose: how deep they get when moved; 1 is usual.
        own: each fold's share of both.
    """

    lined: float
    loose: float
    own: dict[str, float]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """At random: most are smooth at rest."""
        lined = float(rng.beta(1.0, 1.8))
        return cls(
            lined=lined,
            loose=float(rng.uniform(0.35, 0.8) + 0.5 * lined),
            own={name: float(rng.uniform(0.4, 1.2)) for name in FOLDS},
        )

    def depths(self, intensities: Mapping[str, tuple[float, float]]) -> dict[tuple[str, str], float]:
        """How deep each fold of each side is.

        Args:
            intensities: 0–5 of the left and right side, by Action Unit.
        """
        moved = {name: strength(np.array(sides, np.float32)) for name, sides in intensities.items()}
        depths = {}
        for name, fold in FOLDS.items():
            for index, side in enumerate("LR"):
                pull = sum(share * float(moved[au][index]) for au, share in fold.by.items() if au in moved)
                depths[name, side] = self.own[name] * (fold.aged * self.lined + self.loose * min(pull, 1.3))
        return depths


def _draw(name: str, fold: Fold, side: int, left: bool) -> NDArray[np.float32]:
    """One fold's height map (side, side)."""
    lines = np.zeros((side, side), np.float32)
    for line in fold.lines:
        points = np.array(line, np.float32)
        if not left:
            points[:, 0] = 1 - points[:, 0]
        smooth = np.stack(
            [np.interp(np.linspace(0, 1, 24), np.linspace(0, 1, len(points)), p) for p in points.T], axis=1
        )
        ends = np.round((cv2.GaussianBlur(smooth.astype(np.float32), (1, 7), 2) * side - 0.5) * 16).astype(np.int32)
        cv2.polylines(lines, [ends], False, 1.0, 1, cv2.LINE_AA, 4)
    sigma = max(fold.width * side * 0.6, 0.6)
    valley, ridge = (cv2.GaussianBlur(lines, (0, 0), sigma * wider) for wider in (1.0, 2.4))
    height = 1.3 * ridge - valley
    height /= -height.min() + 1e-6
    if name == _DIMPLES:
        height += _pits(side, left)
    return np.asarray(height, np.float32)


def _pits(side: int, left: bool) -> NDArray[np.float32]:
    """The chin's orange peel, of one side."""
    grain = np.random.default_rng(17).normal(0, 1, (side, side)).astype(np.float32)
    fine, broad = (cv2.GaussianBlur(grain, (0, 0), size * side) for size in (0.005, 0.010))
    pits = (fine - broad) / np.abs(fine - broad).max()
    rows, columns = np.mgrid[:side, :side] / np.float32(side)
    within = np.exp(-(((columns - 0.5) / 0.055) ** 2) - ((rows - 0.318) / 0.020) ** 2)
    share = 1 / (1 + np.exp((columns - 0.5) * (-200 if left else 200)))
    return np.asarray(1.1 * pits * within * share, np.float32)


def _cut(height: NDArray[np.float32]) -> tuple[slice, slice, NDArray[np.float32]]:
    """The part of a map that isn't flat."""
    rows, columns = (np.flatnonzero((np.abs(height) > 0.004).any(axis=axis)) for axis in (1, 0))
    place = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return *place, height[place].copy()
