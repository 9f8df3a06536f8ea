"""ICT FaceKit's shapes: a neutral head, plus identity modes, plus expression shapes, plus turned eyeballs.

Units are the kit's (centimetres, nearly), +y up, +z forward, `_L` and +x the subject's left.

Source: Li et al., *Learning Formation of Physically-Based Face Attributes*, CVPR 2020; the kit is MIT-licensed,
<https://github.com/ICT-VGL/ICT-FaceKit>.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import ConfigError

__all__ = ["EYEBALLS", "EYE_CENTRES", "FaceKit", "rotation"]

EYEBALLS: Final = {"L": slice(21451, 23021), "R": slice(23021, 24591)}
EYE_CENTRES: Final = {"L": (3.116, 3.602, 7.982), "R": (-3.116, 3.602, 7.982)}
_FULL_GAZE: Final = np.deg2rad(30.0)  # turned so far, the lids follow by the whole eyeLook shape
_KEYS: Final = (
    "neutral", "identity", "expression", "expression_names", "faces_quad", "faces_quad_uv", "uv", "landmarks68",
    "part_names", "part_vert_range", "teeth_vert_range",
)  # fmt: skip


def rotation(yaw: float, pitch: float, roll: float = 0.0) -> NDArray[np.float32]:
    """A rotation (3, 3) float32: roll, then pitch, then yaw; radians.

    Positive yaw turns +z towards +x (the subject's left), positive pitch towards +y (up), positive roll turns +x
    towards +y.
    """
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FaceKit:
    """The kit's shapes.

    Attributes:
        neutral: (v, 3) float32.
        identity: (100, v, 3) float32; a face's weights of them are N(0, 1).
        shapes: (57, v, 3) float32 expression shapes; weights 0–1.
        names: a shape's row by its name.
        polygons: (p, 4) int32 vertices; −1 as the fourth of a triangle.
        polygon_uvs: (p, 4) int32 rows of `uv`, likewise.
        uv: (u, 2) float32, in tiles (0–1 the face's).
        landmarks: (68,) int32 vertices, in Multi-PIE's order: 36–41 right eye, 48–59 outer lips.
        parts: the vertices of each part by its name, such as "Face".
        teeth: the vertices of each of 32 teeth: upper left to right, then lower left to right.
    """

    neutral: NDArray[np.float32]
    identity: NDArray[np.float32]
    shapes: NDArray[np.float32]
    names: dict[str, int]
    polygons: NDArray[np.int32]
    polygon_uvs: NDArray[np.int32]
    uv: NDArray[np.float32]
    landmarks: NDArray[np.int32]
    parts: dict[str, slice]
    teeth: tuple[slice, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `ict_facekit.npz`.

        Raises:
            ConfigError: it is missing, or isn't the kit.
        """
        try:
            with np.load(path) as file:
                data = {key: file[key] for key in _KEYS}
        except FileNotFoundError:
            raise ConfigError(f"{path}: no such file.", "Give ict_facekit.npz, the kit's geometry.") from None
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{path} isn't the ICT FaceKit's geometry: {str(error).strip(chr(39))}.") from None
        return cls(
            neutral=data["neutral"].astype(np.float32),
            identity=data["identity"].astype(np.float32),
            shapes=data["expression"].astype(np.float32),
            names={str(name): row for row, name in enumerate(data["expression_names"])},
            polygons=data["faces_quad"].astype(np.int32),
            polygon_uvs=data["faces_quad_uv"].astype(np.int32),
            uv=data["uv"].astype(np.float32),
            landmarks=data["landmarks68"].astype(np.int32),
            parts={
                str(n): slice(*r) for n, r in zip(data["part_names"], data["part_vert_range"].tolist(), strict=True)
            },
            teeth=tuple(slice(*r) for r in data["teeth_vert_range"].tolist()),
        )

    def head(self, identity: NDArray[np.float32]) -> NDArray[np.float32]:
        """A person's neutral head, (v, 3) float32, from identity weights (up to 100,)."""
        return np.asarray(self.neutral + np.tensordot(identity, self.identity[: len(identity)], axes=1), np.float32)

    def weights(self, named: Mapping[str, float]) -> NDArray[np.float32]:
        """(57,) float32 weights of the expression shapes from some by name; the rest are 0."""
        row = np.zeros(len(self.names), np.float32)
        for name, value in named.items():
            row[self.names[name]] = value
        return row

    def pose(
        self, head: NDArray[np.float32], weights: NDArray[np.float32], gaze: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """A person's face in several frames.

        Args:
            head: (v, 3) float32 from `head`.
            weights: (n, 57) float32 of the expression shapes.
            gaze: (n, 2) float32 yaw and pitch of the eyes in radians; the lids follow.

        Returns:
            (n, v, 3) float32.
        """
        weights = weights + self.lids(gaze)
        used = np.flatnonzero(weights.any(axis=0))
        faces = head + np.tensordot(weights[:, used], self.shapes[used], axes=1)
        for side, vertices in EYEBALLS.items():
            centre = self.eye_centre(head, side)
            for face, (yaw, pitch) in zip(faces, gaze, strict=True):
                face[vertices] = (head[vertices] - centre) @ rotation(yaw, pitch).T + centre
        return np.asarray(faces, np.float32)

    def lids(self, gaze: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weights (n, 57) float32 by which the lids follow a gaze (n, 2) of yaw and pitch in radians."""
        weights = np.zeros((len(gaze), len(self.names)), np.float32)
        left, up = (np.clip(gaze / _FULL_GAZE, -1, 1)).T
        for name, amount in {
            "eyeLookOut_L": left, "eyeLookIn_R": left, "eyeLookOut_R": -left, "eyeLookIn_L": -left,
            "eyeLookUp_L": up, "eyeLookUp_R": up, "eyeLookDown_L": -up, "eyeLookDown_R": -up,
        }.items():  # fmt: skip
            weights[:, self.names[name]] = np.maximum(amount, 0)
        return weights

    def eye_centre(self, head: NDArray[np.float32], side: str) -> NDArray[np.float32]:
        """Where a person's eyeball ("L" or "R") turns about, (3,) float32."""
        shift = (head[EYEBALLS[side]] - self.neutral[EYEBALLS[side]]).mean(axis=0)
        return np.asarray(EYE_CENTRES[side] + shift, np.float32)
