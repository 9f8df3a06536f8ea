"""One person in front of the camera: from weights of shapes to pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from training.synthetic.folds import FOLDS, FoldMaps, Skin
from training.synthetic.geometry import FaceKit, rotation
from training.synthetic.mesh import Mesh
from training.synthetic.occlusion import Occlusion
from training.synthetic.renderer import Renderer
from training.synthetic.scene import Camera, Light, develop, project
from training.synthetic.shapes import shape_weights
from training.synthetic.skin import face_uvs, paint
from training.synthetic.subjects import Subject
from training.synthetic.worn import Worn, glasses, long_hair

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
        hidden: what hides a part of the face, if anything does.
    """

    camera: Camera
    light: Light
    background: NDArray[np.float32]
    hidden: Occlusion | None = None


class Studio:
    """Renders people; one after the other.

    Args:
        kit: the shapes.
        renderer: of a mesh of the kit.
        mesh: that mesh.
        folds: of the skin.
        size: side of the pictures, px.
    """

    def __init__(self, kit: FaceKit, renderer: Renderer, mesh: Mesh, folds: FoldMaps, size: int) -> None:
        self.kit = kit
        self.size = size
        self._renderer = renderer
        self._mesh = mesh
        self._uvs = face_uvs(kit)
        self._head = kit.neutral
        self._rest = np.zeros(len(kit.names), np.float32)
        self._folds = folds
        self._skin = Skin(0.0, 1.0, dict.fromkeys(FOLDS, 1.0))

    @classmethod
    @contextlib.contextmanager
    def open(cls, facekit: Path, size: int) -> Iterator[Self]:
        """A studio with the kit's file; closed at the end of the block.

        Raises:
            ConfigError: the file isn't the kit, or OpenGL can't be used.
        """
        kit = FaceKit.load(facekit)
        mesh = Mesh.of(kit)
        folds = FoldMaps(size)
        with Renderer.open(mesh, size, folds.side) as renderer:
            yield cls(kit, renderer, mesh, folds, size)

    def seat(self, subject: Subject) -> None:
        """Set who is rendered next."""
        self._head = self.kit.head(subject.identity)
        self._rest = self._closed(self.kit.weights(subject.rest))
        self._skin = subject.skin
        resting = self.kit.pose(self._head, self._rest[None], np.zeros((1, 2), np.float32))[0]
        worn = Worn()
        if subject.long_hair is not None:
            long_hair(worn, subject.long_hair, self._head, subject.look.volume, subject.look.hair)
        if subject.glasses is not None:
            glasses(worn, subject.glasses, self.kit, resting)
        self._renderer.dress(subject.look, paint(subject.look, self._uvs), worn)

    def _closed(self, rest: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resting weights with which the lips just meet: identities' mouths are a little open, or overlap."""
        kit, forward = self.kit, np.zeros((2, 2), np.float32)
        trial = np.stack([rest, rest + kit.weights({"mouthLowerDown_L": 0.5, "mouthLowerDown_R": 0.5})])
        gap, wider = (lip_gap(kit, face) for face in kit.pose(self._head, trial, forward))
        lower = 0.5 * (lip_gap(kit, kit.neutral) - gap) / max(wider - gap, 0.05)
        lower = float(np.clip(lower, -0.6, 0.4))
        return rest + kit.weights({"mouthLowerDown_L": lower, "mouthLowerDown_R": lower})

    def film(
        self,
        intensities: Mapping[str, NDArray[np.float32]],
        gaze: NDArray[np.float32],
        turns: NDArray[np.float32],
        setting: Setting,
        rng: np.random.Generator,
    ) -> Iterator[NDArray[np.uint8]]:
        """Pictures of the person seated.

        Args:
            intensities: (n,) float32 0–5 by Action Unit, or (n, 2) of the left and right side; at least one.
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
        resting = lip_gap(kit, kit.pose(head, self._rest[None], gaze[:1])[0])
        weights = shape_weights(intensities, kit.names, self._rest)
        lids = weights[:, [kit.names["eyeBlink_L"], kit.names["eyeBlink_R"]]]
        faces = kit.pose(head, weights, gaze)
        for number, (face, turn) in enumerate(zip(faces, turns, strict=True)):
            sides = {name: tuple(np.broadcast_to(value[number], 2).tolist()) for name, value in intensities.items()}
            gap = lip_gap(kit, face) - resting
            picture = self._renderer.render(
                self._mesh.shade(face[self._mesh.vertices]),
                rotation(*turn.tolist()),
                setting.camera,
                centre,
                eyes,
                parted=float(np.clip(gap / _WELL_OPEN, 0, 1)),
                shut=(float(lids[number, 0]), float(lids[number, 1])),
                folds=self._folds.heights(self._skin.depths(sides)),
            )
            hidden = setting.hidden
            if hidden is not None:
                seen = (face[kit.landmarks] - centre) @ rotation(*turn.tolist()).T
                picture = hidden.over(picture, project(seen, setting.camera), rng)
            yield develop(picture, setting.background, setting.camera, rng)


def lip_gap(kit: FaceKit, face: NDArray[np.float32]) -> float:
    """How far the lips' inner edges are apart in the middle, in kit units.

    Args:
        kit: for its landmarks.
        face: (v, 3) float32.
    """
    upper, lower = face[kit.landmarks[[62, 66]], 1]
    return float(upper - lower)
