"""Random changes that a face's label survives, on the device, a batch at a time."""

from __future__ import annotations

import kornia.augmentation as augmentation
import torch
from torch import Tensor, nn

__all__ = ["Augment"]


class Augment(nn.Module):
    """Two kinds of changes: of the crop (as if the landmarks were off), and of the light and the camera.

    Bodies of faces in training are often cut by their picture's frame, so what lies outside of a random window is
    replaced, too: a model must not learn the rim.

    Args:
        strength: scales the ranges; 1 is for stage 2.
    """

    def __init__(self, strength: float = 1.0) -> None:
        super().__init__()
        self.geometry = augmentation.AugmentationSequential(
            augmentation.RandomHorizontalFlip(p=0.5),
            augmentation.RandomAffine(
                degrees=10 * strength,
                translate=(0.05 * strength, 0.05 * strength),
                scale=(1 - 0.12 * strength, 1 + 0.12 * strength),
                padding_mode="border",
                p=0.9,
            ),
            data_keys=["input"],
        )
        self.light = augmentation.AugmentationSequential(
            augmentation.RandomGamma((0.7, 1.4), (1.0, 1.0), p=0.4 * strength),
            augmentation.RandomGaussianBlur((5, 5), (0.3, 1.5), p=0.25 * strength),
            augmentation.RandomGaussianNoise(0.0, 0.03, p=0.25 * strength),
            augmentation.RandomErasing((0.02, 0.12), (0.4, 2.5), p=0.25 * strength),
            data_keys=["input"],
        )

    @torch.no_grad()
    def forward(self, faces: Tensor) -> Tensor:
        """Change pictures.

        Args:
            faces: (n, S, S, C) uint8.

        Returns:
            (n, S, S, C) uint8.
        """
        images = self.geometry(faces.permute(0, 3, 1, 2).float() / 255)
        images = _contrast(images)
        images = self.light(images.clamp(0, 1))
        images = _window(images.clamp(0, 1))
        return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


def _contrast(images: Tensor) -> Tensor:
    """Stretch about the mean by 0.6–1.5, and shift by ±0.15."""
    n = len(images)
    factor = torch.empty(n, 1, 1, 1, device=images.device).uniform_(0.6, 1.5)
    shift = torch.empty(n, 1, 1, 1, device=images.device).uniform_(-0.15, 0.15)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * factor + mean + shift


def _window(images: Tensor, chance: float = 0.3) -> Tensor:
    """Replace what lies outside of a random window about the face by one grey, in some pictures."""
    n, _, height, width = images.shape
    device = images.device
    inset = torch.rand(n, 4, device=device) * torch.tensor([0.18, 0.12, 0.18, 0.18], device=device)
    inset = inset * (torch.rand(n, 1, device=device) < chance)
    left, top, right, bottom = (inset * width).round().unbind(dim=1)
    x = torch.arange(width, device=device)
    y = torch.arange(height, device=device)
    inside_x = (x[None] >= left[:, None]) & (x[None] < width - right[:, None])
    inside_y = (y[None] >= top[:, None]) & (y[None] < height - bottom[:, None])
    inside = (inside_y[:, None, :, None] & inside_x[:, None, None, :]).to(images.dtype)
    grey = torch.rand(n, 1, 1, 1, device=device) * (torch.rand(n, 1, 1, 1, device=device) < 0.5)
    return images * inside + grey * (1 - inside)
