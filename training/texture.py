"""What rendered skin and lenses lack: blotches, folds and shades at all scales, and edges of other sharpness.

A network that learns from rendered faces alone finds what only renders have. So their texture is drawn anew each time,
and what is left to learn from is the shape (random convolutions: Xu et al., ICLR 2021).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

__all__ = ["texture"]

_SHARE: Final = 0.75  # of the pictures that each of the two is done to
_CELLS: Final = (3, 6, 12, 24)  # along a side
_DEPTH: Final = 0.12  # deviation of a field of one scale, as a share of the brightness
_KERNEL: Final = 0.12  # deviation of a filter's weights


def texture(images: Tensor, strength: float) -> Tensor:
    """Lay random fields over pictures, and filter them, each by its own random 3×3 filter.

    Args:
        images: (n, C, H, W) float32, 0–1.
        strength: scales both; 1 is strong.

    Returns:
        (n, C, H, W) float32, about 0–1.
    """
    return _filtered(images * _fields(images, strength), strength)


def _fields(images: Tensor, strength: float) -> Tensor:
    """(n, 1, H, W): factors about 1, smooth at several scales, each of its own depth in each picture."""
    count, size = len(images), images.shape[2:]
    chosen = (torch.rand(count, 1, 1, 1) < _SHARE).to(images)
    total = torch.zeros(count, 1, *size, device=images.device)
    for cells in _CELLS:
        depths = torch.rand(count, 1, 1, 1) * 2 * _DEPTH * strength
        coarse = (torch.randn(count, 1, cells, cells) * depths).to(images)
        total += interpolate(coarse, size, mode="bilinear", align_corners=False)
    return (total * chosen).exp_()


def _filtered(images: Tensor, strength: float) -> Tensor:
    count, channels = images.shape[:2]
    weights = torch.randn(count, 1, 3, 3) * _KERNEL * strength
    weights *= torch.rand(count, 1, 1, 1) < _SHARE
    weights[:, :, 1, 1] += 1 - weights.sum(dim=(1, 2, 3))[:, None]  # brightness stays
    kernels = weights.to(images).repeat_interleave(channels, dim=0)
    wide = pad(images, (1, 1, 1, 1), mode="replicate").reshape(
        1, count * channels, *(side + 2 for side in images.shape[2:])
    )
    return conv2d(wide, kernels, groups=count * channels).reshape_as(images)
