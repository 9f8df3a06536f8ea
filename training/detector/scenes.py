"""Pictures to train on: photographs of faces put into other surroundings, at all sizes and angles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks
from training.detector.data import Faces, Gray
from training.detector.light import photograph, relight
from training.detector.paste import Patch, body, cut_out, jigsaw, mirrored, warp
from training.detector.textures import draw_texture

__all__ = ["SIZE", "Scene", "SceneMaker"]

SIZE: Final = 256
"""Side of the pictures, pixels."""
_TEXTURES: Final = 240
_SMALLEST: Final = 6.5  # √area of the box, pixels: what is smaller is nothing …
_SMALL: Final = 9.0  # … and what is smaller than this neither a face nor none
_VISIBLE: Final = 0.6  # part of the box within the picture: from here on it is a face …
_HINTED: Final = 0.2  # … and below this it is none
_COVERED: Final = 0.3  # part of an earlier face's box that a later patch may hide


@dataclass(slots=True)
class Scene:
    """A picture and its faces.

    Attributes:
        image: (SIZE, SIZE) uint8.
        landmarks: (5, 2) of each face, pixels.
        boxes: (4,) of each: x, y, width, height.
        unsure: whether each counts neither as a face nor as none.
    """

    image: Gray
    landmarks: list[NDArray[np.float32]] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    unsure: list[bool] = field(default_factory=list)


class SceneMaker:
    """Makes scenes, each from random numbers of its own; `state` lets a broken-off training go on with others.

    Args:
        faces: photographs of one face each.
        backgrounds: photographs without faces.
        seed: of all randomness.
    """

    def __init__(self, faces: Faces, backgrounds: list[Gray], seed: int = 0) -> None:
        self.faces = faces
        self.rng = np.random.default_rng(seed)
        self._photos = backgrounds
        self._textures = [draw_texture(self.rng, SIZE + 64) for _ in range(_TEXTURES)]

    def scene(self) -> Scene:
        """One more."""
        kind = self.rng.random()
        if kind < 0.56:
            scene = self._composite()
        elif kind < 0.74:
            scene = self._close_up()
        elif kind < 0.92:
            scene = self._mosaic()
        else:
            scene = Scene(self.background(SIZE, SIZE))
            self._distract(scene, int(self.rng.integers(2, 10)))
        scene.image = photograph(self._cover(self._frame(scene.image), scene), self.rng)
        return scene

    def background(self, height: int, width: int) -> Gray:
        """A piece of a photograph without faces, of a texture, or of both laid over each other."""
        rng = self.rng
        piece = self._piece(height, width)
        if rng.random() < 0.15:
            part = rng.uniform(0.3, 0.7)
            piece = np.asarray(cv2.addWeighted(piece, part, self._piece(height, width), 1 - part, 0), np.uint8)
        return relight(piece, rng, 0.6)

    def _piece(self, height: int, width: int) -> Gray:
        rng = self.rng
        pool = self._photos if rng.random() < 0.6 else self._textures
        photo = pool[rng.integers(len(pool))]
        longest = min(photo.shape[0] / height, photo.shape[1] / width)
        scale = math.exp(rng.uniform(math.log(min(0.25, longest)), math.log(longest)))
        rows, columns = max(int(height * scale), 2), max(int(width * scale), 2)
        top, left = rng.integers(0, photo.shape[0] - rows + 1), rng.integers(0, photo.shape[1] - columns + 1)
        mode = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
        piece = cv2.resize(photo[top : top + rows, left : left + columns], (width, height), interpolation=mode)
        if rng.random() < 0.5:
            piece = piece[:, ::-1]
        if rng.random() < 0.15:
            piece = piece[::-1]
        return np.ascontiguousarray(piece, np.uint8)

    def _composite(self) -> Scene:
        """Some faces before a background, most of them small."""
        rng = self.rng
        scene = Scene(self.background(SIZE, SIZE))
        self._distract(scene, int(rng.integers(0, 4)))
        largest = math.exp(rng.uniform(math.log(14), math.log(200)))
        count = 1 + int(rng.integers(0, np.clip(int(0.3 * (SIZE / largest) ** 2), 2, 14)))
        alike = rng.random() < 0.5  # a group at one distance, or people all over a room
        for _ in range(count):
            size = largest * rng.uniform(0.75, 1) if alike else math.exp(rng.uniform(math.log(8), math.log(largest)))
            centre = rng.uniform(-0.1 * size, SIZE + 0.1 * size, 2)
            self._add_face(scene, size, centre)
        return scene

    def _close_up(self) -> Scene:
        """One photograph that fills the picture or most of it, whatever is beyond its edges."""
        rng = self.rng
        image, points = self._face()
        size = math.exp(rng.uniform(math.log(60), math.log(215)))
        matrix, moved = self._placed(points, size, rng.uniform(0.35, 0.65, 2) * SIZE)
        kind = rng.random()
        if kind < 0.55:
            border = cv2.BORDER_REPLICATE if kind < 0.4 else cv2.BORDER_CONSTANT
            scene = Scene(warp(image, matrix, (SIZE, SIZE), border, float(rng.choice([0, rng.integers(256)]))))
        else:
            scene = Scene(self.background(SIZE, SIZE))
            canvas = warp(image, matrix, (SIZE, SIZE), cv2.BORDER_CONSTANT, 0)
            mask = warp(np.full_like(image, 255), matrix, (SIZE, SIZE), cv2.BORDER_CONSTANT, 0)
            scene.image = np.where(mask > 127, canvas, scene.image)
        self._note(scene, moved)
        return scene

    def _mosaic(self) -> Scene:
        """Photographs side by side, some with faces."""
        rng = self.rng
        tiles = int(rng.integers(2, 6))
        side = SIZE // tiles
        scene = Scene(self.background(SIZE, SIZE))
        for row in range(tiles):
            for column in range(tiles):
                corner = np.array([column, row]) * side
                tile = scene.image[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
                kind = rng.random()
                if kind < 0.55:
                    image, points = self._face()
                    size = side * rng.uniform(0.5, 0.85)
                    matrix, moved = self._placed(points, size, rng.uniform(0.42, 0.58, 2) * side)
                    tile[:] = relight(warp(image, matrix, (side, side), cv2.BORDER_REPLICATE), rng, 0.5)
                    self._note(scene, moved + corner.astype(np.float32))
                elif kind < 0.7:
                    tile[:] = cv2.resize(jigsaw(self._face()[0], rng), (side, side), interpolation=cv2.INTER_AREA)
                else:
                    tile[:] = self.background(side, side)
        return scene

    def _add_face(self, scene: Scene, size: float, centre: NDArray[Any]) -> None:
        """Put one face into a scene, if it doesn't hide others."""
        rng = self.rng
        image, points = self._face()
        matrix, moved = self._placed(points, size, centre)
        patch = cut_out(relight(image, rng, 0.5), points, matrix, rng, SIZE)
        if patch is None or self._hides(scene, patch):
            return
        if patch.headlike and rng.random() < 0.7:
            body(scene.image, moved, self.background(64, 64), rng)
            self._doubt_covered(scene, moved)
        patch.onto(scene.image)
        self._note(scene, moved)

    def _distract(self, scene: Scene, count: int) -> None:
        """Put things into a scene that are like a face's photograph but show none: edges alone must not tell."""
        rng = self.rng
        for _ in range(count):
            side = int(math.exp(rng.uniform(math.log(12), math.log(150))))
            kind = rng.random()
            if kind < 0.4:
                piece = jigsaw(self._face()[0], rng)
            elif kind < 0.6:
                piece = self._beside()
            else:
                piece = self.background(side, side)
            corners = np.array([[0, 0], [1, 0], [0.5, 0.5], [0.2, 0.8], [0.8, 0.8]], np.float32) * piece.shape[1]
            angle, scale = rng.normal(0, 0.3), side / max(piece.shape)
            turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * scale
            centre = rng.uniform(0, SIZE, 2)
            matrix = np.column_stack([turn, centre - turn @ (np.array(piece.shape[::-1]) / 2)])
            if (patch := cut_out(relight(piece, rng, 0.5), corners, matrix, rng, SIZE)) is not None:
                patch.onto(scene.image)

    def _beside(self) -> Gray:
        """A piece of a face's photograph that shows no more than a part of the face: an eye, an ear, hair, a collar."""
        rng = self.rng
        image, points = self._face()
        x, y, width, height = box_from_landmarks(points[None])[0]
        side = max(int(rng.uniform(0.18, 0.34) * max(width, height)), 4)
        left = int(np.clip(x + width / 2 + rng.uniform(-0.7, 0.7) * width - side / 2, 0, max(image.shape[1] - side, 0)))
        top = int(
            np.clip(y + height / 2 + rng.uniform(-0.6, 0.7) * height - side / 2, 0, max(image.shape[0] - side, 0))
        )
        return np.ascontiguousarray(image[top : top + side, left : left + side])

    def _face(self) -> tuple[Gray, NDArray[np.float32]]:
        index = self.rng.integers(len(self.faces.images))
        image, points = self.faces.images[index], self.faces.landmarks[index]
        return mirrored(image, points) if self.rng.random() < 0.5 else (image, points)

    def _placed(
        self, points: NDArray[np.float32], size: float, centre: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """The matrix that brings a face to a size and place, turned somehow, and where its landmarks then lie."""
        rng = self.rng
        angle = rng.normal(0, 0.16) if rng.random() < 0.65 else rng.uniform(-0.85, 0.85)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turn[:, 0] *= rng.uniform(0.86, 1.06)  # narrower or wider faces
        x, y, width, height = box_from_landmarks((points @ turn.T).astype(np.float32)[None])[0].astype(float)
        scale = size / math.sqrt(width * height)
        matrix = np.column_stack([turn * scale, centre - scale * np.array([x + width / 2, y + height / 2])])
        return matrix, (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)

    def _hides(self, scene: Scene, patch: Patch) -> bool:
        """Whether a patch would hide too much of a face that is there."""
        left, top, width, height = patch.extent
        for x, y, w, h in scene.boxes:
            wide = max(min(left + width, x + w) - max(left, x), 0)
            high = max(min(top + height, y + h) - max(top, y), 0)
            if wide * high > _COVERED * w * h:
                return True
        return False

    def _doubt_covered(self, scene: Scene, points: NDArray[np.float32]) -> None:
        """Faces that a body may hide are no longer sure."""
        x, y, width, height = box_from_landmarks(points[None])[0]
        for index, (left, top, w, h) in enumerate(scene.boxes):
            if top + h > y + height * 0.9 and abs(left + w / 2 - x - width / 2) < 1.6 * width + w / 2:
                scene.unsure[index] = True

    def _note(self, scene: Scene, points: NDArray[np.float32]) -> None:
        box = box_from_landmarks(points[None])[0]
        size = math.sqrt(box[2] * box[3])
        low, high = np.maximum(box[:2], 0), np.minimum(box[:2] + box[2:], SIZE - 1)
        visible = float(np.clip(high - low, 0, None).prod() / (box[2] * box[3]))
        if visible < _HINTED or size < _SMALLEST:
            return
        scene.boxes.append(box)
        scene.landmarks.append(points)
        scene.unsure.append(visible < _VISIBLE or size < _SMALL)

    def _cover(self, image: Gray, scene: Scene) -> Gray:
        """Hands, microphones, other heads: something before a part of some faces."""
        rng = self.rng
        for x, y, width, height in scene.boxes:
            if rng.random() < 0.12 and min(width, height) > 12:
                wide, high = (max(int(length * rng.uniform(0.2, 0.55)), 2) for length in (width, height))
                left, top = (
                    int(x + rng.uniform(-0.1, 0.9) * (width - wide)),
                    int(y + rng.uniform(-0.1, 1) * (height - high)),
                )
                part = image[max(top, 0) : top + high, max(left, 0) : left + wide]
                if part.size:
                    part[:] = self.background(*part.shape) if rng.random() < 0.7 else rng.integers(256)
        return image

    def _frame(self, image: Gray) -> Gray:
        """Black bars to the right and below, as the runtime fills a picture up."""
        rng = self.rng
        if rng.random() < 0.25:
            image[SIZE - int(rng.integers(1, 32)) :] = 0
        if rng.random() < 0.15:
            image[:, SIZE - int(rng.integers(1, 32)) :] = 0
        return image
