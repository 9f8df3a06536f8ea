"""One person in front of the camera: from weights of shapes to pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from training.synthetic.geometry import FaceKit, rotation
from training.synthetic.mesh import Mesh
from training.synthetic.renderer import Renderer
from training.synthetic.scene import Camera, Light, develop
from training.synthetic.skin import face_uvs, paint
from training.synthetic.subjects import Subject

__all__ = ["Setting", "Studio", "lip_gap"]

_CENTRE: Final = (36, 45, 48, 54)  # the landmarks whose mean, a little raised, is a picture's centre
_RAISED: Final = 0.9
_WELL_OPEN: Final = 0.7  # kit units between the lips, from which on light falls into the mouth


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Where a recording takes place.

    Attributes:
        camera: where it stands.
        light: what shines.
        background: (size, size, 3) float32 sRGB 0–1.
    """

    camera: Camera
    light: Light
    background: NDArray[np.float32]


class Studio:
    """Renders people; one after the other.

    Args:
        kit: the shapes.
        renderer: of a mesh of the kit.
        mesh: that mesh.
        size: side of the pictures, px.
    """

    def __init__(self, kit: FaceKit, renderer: Renderer, mesh: Mesh, size: int) -> None:
        self.kit = kit
        self.size = size
        self._renderer = renderer
        self._mesh = mesh
        self._uvs = face_uvs(kit)
        self._head = kit.neutral

    @classmethod
    @contextlib.contextmanager
    def open(cls, facekit: Path, size: int) -> Iterator[Self]:
        """A studio with the kit's file; closed at the end of the block.

        Raises:
            ConfigError: the file isn't the kit, or OpenGL can't be used.
        """
        kit = FaceKit.load(facekit)
        mesh = Mesh.of(kit)
        with Renderer.open(mesh, size) as renderer:
            yield cls(kit, renderer, mesh, size)

    def seat(self, subject: Subject) -> None:
        """Set who is rendered next."""
        self._head = self.kit.head(subject.identity)
        self._renderer.dress(subject.look, paint(subject.look, self._uvs))

    def film(
        self,
        weights: NDArray[np.float32],
        gaze: NDArray[np.float32],
        turns: NDArray[np.float32],
        setting: Setting,
        rng: np.random.Generator,
    ) -> Iterator[NDArray[np.uint8]]:
        """Pictures of the person seated.

        Args:
            weights: (n, 57) float32 of the expression shapes.
            gaze: (n, 2) float32 yaw and pitch of the eyes relative to the head, radians.
            turns: (n, 3) float32 yaw, pitch and roll of the head, radians.
            setting: where.
            rng: for the camera's noise.

        Yields:
            (size, size, 3) uint8 RGB.
        """
        kit, head = self.kit, self._head
        self._renderer.light(setting.light)
        centre = head[kit.landmarks[list(_CENTRE)]].mean(axis=0) + np.array([0, _RAISED, 0], np.float32)
        eyes = np.stack([kit.eye_centre(head, side) for side in "LR"])
        for face, turn in zip(kit.pose(head, weights, gaze), turns, strict=True):
            gap = lip_gap(kit, face) - lip_gap(kit, head)
            picture = self._renderer.render(
                self._mesh.shade(face[self._mesh.vertices]),
                rotation(*turn.tolist()),
                setting.camera,
                centre,
                eyes,
                parted=float(np.clip(gap / _WELL_OPEN, 0, 1)),
            )
            yield develop(picture, setting.background, setting.camera, rng)


def lip_gap(kit: FaceKit, face: NDArray[np.float32]) -> float:
    """How far the lips' inner edges are apart in the middle, in kit units.

    Args:
        kit: for its landmarks.
        face: (v, 3) float32.
    """
    upper, lower = face[kit.landmarks[[62, 66]], 1]
    return float(upper - lower)
