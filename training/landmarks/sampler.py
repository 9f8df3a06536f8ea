"""Batches for the landmark network: faces in boxes that are somewhat wrong, and everything that is no face."""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from clef_rt.align import face_template
from clef_rt.detect.boxes import box_from_landmarks
from clef_rt.detect.landmarks import CROP_ENLARGED, CROP_SIZE
from training.landmarks.data import SOURCE_SIZE, Faces, Gray

MIRRORED: Final = [1, 0, 2, 4, 3]
NEGATIVES: Final = 0.3  # of each batch


class Sampler:
    """Makes batches of crops: faces in boxes that are somewhat wrong, and what isn't a face or isn't in the box."""

    def __init__(self, faces: Faces, patches: list[Gray], seed: int = 0) -> None:
        self.faces = faces
        self.patches = patches
        self.rng = np.random.default_rng(seed)

    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Crops (n, 64, 64) uint8, landmarks (n, 5, 2) and presence (n,), 0 or 1."""
        crops = np.empty((count, CROP_SIZE, CROP_SIZE), np.uint8)
        landmarks = np.zeros((count, 5, 2), np.float32)
        presence = np.zeros(count, np.float32)
        for index in range(count):
            kind = self.rng.random()
            if kind >= NEGATIVES:
                crops[index], landmarks[index] = self.face()
                presence[index] = 1
            elif kind >= 0.55 * NEGATIVES:
                crops[index] = self._augment(self._warp(self._patch(), face_template(SOURCE_SIZE).points)[0])
            elif kind >= 0.2 * NEGATIVES:
                crops[index] = self.face(wrong_box=True)[0]
            elif kind >= 0.1 * NEGATIVES:
                crops[index] = self._augment(self._occlude(self.face()[0], 0.75, 1.0))
            else:
                crops[index] = self._augment(self._texture())
        return torch.from_numpy(crops), torch.from_numpy(landmarks), torch.from_numpy(presence)

    def face(self, *, wrong_box: bool = False) -> tuple[Gray, NDArray[np.float32]]:
        """One augmented crop of a face and its landmarks; with `wrong_box`, one that shows too little of the face."""
        index = self.rng.integers(len(self.faces.images))
        image, points = self.faces.images[index], self.faces.landmarks[index]
        if self.rng.random() < 0.5:
            image = image[:, ::-1]
            points = (points * (-1, 1) + (image.shape[1] - 1, 0))[MIRRORED]
        crop, points = self._warp(np.ascontiguousarray(image), points, wrong_box=wrong_box)
        if not wrong_box and self.rng.random() < 0.2:
            crop = self._occlude(crop, 0.15, 0.4)
        return self._augment(crop), points

    def _patch(self) -> Gray:
        return self.patches[self.rng.integers(len(self.patches))]

    def _warp(self, image: Gray, points: NDArray[Any], *, wrong_box: bool = False) -> tuple[Gray, NDArray[np.float32]]:
        rng = self.rng
        angle = math.radians(rng.uniform(-25, 25) if rng.random() < 0.8 else rng.uniform(-50, 50))
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        rotation[:, 0] *= rng.uniform(0.92, 1.06)  # narrower or wider faces
        turned = points @ rotation.T
        x, y, width, height = box_from_landmarks(turned[None].astype(np.float32))[0].astype(float)
        shift, zoom = rng.uniform(-0.15, 0.15, 2), math.exp(rng.uniform(math.log(0.8), math.log(1.3)))
        if wrong_box:
            kind = rng.random()
            if kind < 0.6:
                direction = rng.uniform(0, 2 * math.pi)
                shift = rng.uniform(0.6, 1.2) * np.array([math.cos(direction), math.sin(direction)])
            else:
                zoom = rng.uniform(0.2, 0.42) if kind < 0.8 else rng.uniform(2.6, 4.5)
                shift = rng.uniform(-0.4, 0.4, 2)
        side = max(width, height) * zoom * CROP_ENLARGED
        centre = np.array([x + width / 2, y + height / 2]) + shift * (width, height)
        scale = CROP_SIZE / side
        matrix = np.concatenate([rotation * scale, ((CROP_SIZE - 1) / 2 - centre * scale)[:, None]], axis=1)
        crop = np.empty((CROP_SIZE, CROP_SIZE), np.uint8)
        border = rng.random()
        mode = cv2.BORDER_TRANSPARENT
        if border < 0.5:
            crop[:] = cv2.resize(self._patch(), (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
        else:
            mode = cv2.BORDER_REPLICATE if border < 0.8 else cv2.BORDER_REFLECT_101
            mode = mode if border < 0.92 else cv2.BORDER_CONSTANT
        cv2.warpAffine(
            image, matrix, (CROP_SIZE, CROP_SIZE), dst=crop, borderMode=mode, borderValue=float(rng.integers(256))
        )
        mapped = points @ matrix[:, :2].T + matrix[:, 2]
        return crop, ((mapped + 0.5) / CROP_SIZE - 0.5).astype(np.float32)

    def _occlude(self, crop: Gray, low: float, high: float) -> Gray:
        """Cover a part of the crop, `low` to `high` of its side, with something else."""
        rng = self.rng
        width, height = (int(CROP_SIZE * rng.uniform(low, high)) for _ in range(2))
        left, top = (int(rng.integers(0, CROP_SIZE - length + 1)) for length in (width, height))
        crop = crop.copy()
        cover = crop[top : top + height, left : left + width]
        if rng.random() < 0.5:
            cover[:] = rng.integers(256)
        else:
            cover[:] = cv2.resize(self._patch(), (width, height), interpolation=cv2.INTER_AREA)
        return crop

    def _texture(self) -> Gray:
        """Noise of some grain on a gradient: walls, foliage, sensor noise."""
        rng = self.rng
        grain = int(2 ** rng.uniform(1, 6))
        noise = cv2.resize(rng.normal(0, rng.uniform(0, 60), (grain, grain)), (CROP_SIZE, CROP_SIZE))
        y, x = np.mgrid[-1 : 1 : CROP_SIZE * 1j, -1 : 1 : CROP_SIZE * 1j]  # type: ignore[misc]
        plane = rng.uniform(20, 235) + rng.normal(0, 30) * x + rng.normal(0, 30) * y
        return np.clip(plane + noise, 0, 255).astype(np.uint8)

    def _augment(self, crop: Gray) -> Gray:
        """Light, contrast, blur, low resolution, noise and compression, each at times."""
        rng = self.rng
        if rng.random() < 0.15:
            small = int(rng.integers(14, 40))
            crop = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
            crop = cv2.resize(crop, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_LINEAR)
        elif rng.random() < 0.25:
            crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.6))
        elif rng.random() < 0.1:
            length = int(rng.integers(3, 8))
            crop = cv2.blur(crop, (length, 1) if rng.random() < 0.6 else (1, length))
        levels = np.arange(256, dtype=np.float32) / 255
        levels = levels ** math.exp(rng.normal(0, 0.35)) * rng.uniform(0.35, 1.25) + rng.uniform(-0.1, 0.15)
        crop = cv2.LUT(crop, np.clip(levels * 255, 0, 255).astype(np.uint8))
        if rng.random() < 0.2:  # light from one side
            ramp = np.linspace(rng.uniform(0.3, 1), 1, CROP_SIZE, dtype=np.float32)[:: rng.choice([-1, 1])]
            crop = (crop * (ramp[None] if rng.random() < 0.7 else ramp[:, None])).astype(np.uint8)
        if rng.random() < 0.3:
            noise = rng.normal(0, rng.uniform(1, 14), crop.shape)
            crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
        if rng.random() < 0.1:
            crop = cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))])[1], 0)
        return np.asarray(crop, np.uint8)
