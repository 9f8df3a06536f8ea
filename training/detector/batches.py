"""Scenes as the tensors that a training step takes."""

from __future__ import annotations

import numpy as np
import torch

from training.detector.losses import Targets
from training.detector.scenes import SIZE, Scene, SceneMaker

__all__ = ["collate", "make_batch"]


def make_batch(maker: SceneMaker, count: int) -> tuple[torch.Tensor, Targets]:
    """So many new scenes: (count, SIZE, SIZE) uint8, and their faces."""
    return collate([maker.scene() for _ in range(count)])


def collate(scenes: list[Scene]) -> tuple[torch.Tensor, Targets]:
    """Scenes of any numbers of faces as one batch."""
    count, most = len(scenes), max(1, *(len(scene.boxes) for scene in scenes))
    images = np.empty((count, SIZE, SIZE), np.uint8)
    boxes = np.zeros((count, most, 4), np.float32)
    landmarks = np.zeros((count, most, 5, 2), np.float32)
    kinds = np.zeros((count, most), np.int8)
    for index, scene in enumerate(scenes):
        images[index] = scene.image
        if faces := len(scene.boxes):
            boxes[index, :faces] = scene.boxes
            landmarks[index, :faces] = scene.landmarks
            kinds[index, :faces] = np.where(scene.unsure, -1, 1)
    boxes[..., 2:] += boxes[..., :2]
    targets = Targets(torch.from_numpy(boxes), torch.from_numpy(landmarks), torch.from_numpy(kinds))
    return torch.from_numpy(images), targets
