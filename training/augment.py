"""Random changes that a face's label survives, on the device, a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from training.texture import texture

__all__ = ["Augment"]

_CHANGES, _NUMBERS = 7, 18


class Augment(nn.Module):
    """Two kinds of changes: of the crop (as if the landmarks were off), and of the light and the camera.

    Bodies of faces in training are often cut by their picture's frame, so what lies outside of a random window is
    replaced, too: a model must not learn the rim.

    All but the noise itself is drawn on the host, by its default generator: the same on every device, and whose faces
    a change is for is known without waiting for a GPU. So each is computed for its own faces alone. All of it is in
    float32 whatever the model's precision: bf16 would place pixels on a coarse grid.

    Args:
        strength: scales the ranges; 1 is for stage 2.
        mirror: mirror half of the faces; not where labels tell left from right (`training.mirror`).
        texture: scales what is laid over the skin (`training.texture`); 0 for nothing. For rendered faces, whose skin
            and lenses are all alike.
    """

    def __init__(self, strength: float = 1.0, *, mirror: bool = True, texture: float = 0.0) -> None:
        super().__init__()
        self.strength = strength
        self.texture = texture
        self.mirror = 0.5 if mirror else 0.0

    @torch.no_grad()
    def forward(self, faces: Tensor) -> Tensor:
        """Change pictures.

        Args:
            faces: (n, S, S, C) uint8.

        Returns:
            (n, S, S, C) uint8.
        """
        with torch.autocast(faces.device.type, enabled=False):
            return self._change(faces)

    def _change(self, faces: Tensor) -> Tensor:
        strength, device = self.strength, faces.device
        chances = torch.tensor([self.mirror, 0.9, *(0.25 * strength,) * 3, 0.4 * strength, 0.3])
        chosen = torch.rand(_CHANGES, len(faces)) < chances[:, None]
        flipped, moved = chosen[:2].to(device, non_blocking=True)
        blurred, noisy, erased, bent, framed = (
            rows.nonzero()[:, 0].to(device, non_blocking=True) for rows in chosen[2:]
        )
        draws = iter(torch.rand(_NUMBERS, len(faces)).to(device, non_blocking=True))

        images = faces.permute(0, 3, 1, 2).float().div_(255)
        images = _warp(images, flipped, moved, draws, strength)
        if self.texture:
            images = texture(images, self.texture)
        _contrast(images, draws)
        exponents = _between(0.7, 1.4, draws)[bent]
        images[bent] = images[bent].pow_(exponents[:, None, None, None])
        deviations = _between(0.3, 1.5, draws)[blurred]
        if len(blurred):
            images[blurred] = gaussian_blur2d(images[blurred], (5, 5), torch.stack([deviations, deviations], dim=1))
        _add_noise(images, noisy)
        _erase(images, erased, draws)
        _frame(images, framed, draws)
        return images.clamp_(0, 1).mul_(255).round_().to(torch.uint8).permute(0, 2, 3, 1)


def _between(low: float, high: float, draws: Iterator[Tensor]) -> Tensor:
    """(n,) numbers."""
    return next(draws) * (high - low) + low


def _warp(images: Tensor, flipped: Tensor, moved: Tensor, draws: Iterator[Tensor], strength: float) -> Tensor:
    """Mirror some; turn by ±10°, scale by ±12 % and shift by ±5 % most: in one go. The rim is drawn out."""
    angles = _between(-math.radians(10), math.radians(10), draws) * strength * moved
    zooms = 1 + _between(-0.12, 0.12, draws) * strength * moved
    x, y = (_between(-0.1, 0.1, draws) * strength * moved for _ in range(2))  # of a width of 2
    cos, sin = angles.cos() / zooms, angles.sin() / zooms
    mirror = 1 - 2 * flipped.to(images.dtype)
    matrices = torch.stack([cos * mirror, -sin, x, sin * mirror, cos, y], dim=1).view(-1, 2, 3)
    grid = affine_grid(matrices, list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def _contrast(images: Tensor, draws: Iterator[Tensor]) -> None:
    """Stretch about the mean by 0.6–1.5, and shift by ±0.15."""
    factors, shifts = _between(0.6, 1.5, draws), _between(-0.15, 0.15, draws)
    offsets = images.mean(dim=(1, 2, 3)) * (1 - factors) + shifts
    images.mul_(factors[:, None, None, None]).add_(offsets[:, None, None, None]).clamp_(0, 1)


def _add_noise(images: Tensor, rows: Tensor) -> None:
    """Grain, of a deviation of 3 %."""
    own = images[rows]
    images[rows] = own.add_(torch.randn_like(own), alpha=0.03)


def _erase(images: Tensor, rows: Tensor, draws: Iterator[Tensor]) -> None:
    """Make a rectangle of 2–12 % of a picture black, as if a hand were in front."""
    height, width = images.shape[2:]
    area, shape = _between(0.02, 0.12, draws), _between(math.log(0.4), math.log(2.5), draws).exp()
    tall, wide = ((area * shape).sqrt() * height)[rows], ((area / shape).sqrt() * width)[rows]
    top, left = next(draws)[rows] * (height - tall), next(draws)[rows] * (width - wide)
    images[rows] = images[rows].mul_(~_inside(images, left, top, left + wide, top + tall))


def _frame(images: Tensor, rows: Tensor, draws: Iterator[Tensor]) -> None:
    """Replace what lies outside of a random window about the face by one grey; in half of them by black."""
    height, width = images.shape[2:]
    left, top, right, bottom = (next(draws)[rows] * most for most in (0.18, 0.12, 0.18, 0.18))
    grey = next(draws)[rows]
    grey = (2 * grey - 1).clamp_(min=0)[:, None, None, None]
    inside = _inside(images, left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    images[rows] = torch.where(inside, images[rows], grey)


def _inside(images: Tensor, left: Tensor, top: Tensor, right: Tensor, bottom: Tensor) -> Tensor:
    """(n, 1, H, W) bool: the pixels whose middle is in a rectangle, its borders (n,) in pixels."""
    height, width = images.shape[2:]
    x = torch.arange(width, device=images.device) + 0.5
    y = torch.arange(height, device=images.device) + 0.5
    columns = (x >= left[:, None]) & (x < right[:, None])
    lines = (y >= top[:, None]) & (y < bottom[:, None])
    return lines[:, None, :, None] & columns[:, None, None, :]
