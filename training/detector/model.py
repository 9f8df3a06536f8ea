"""The detector's network: a small feature pyramid, one head for all sizes of faces."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional as F

from training.landmarks.model import Block

__all__ = ["STRIDES", "DetectorModel", "Exported", "Predictions", "decode", "grid"]

STRIDES: Final = (8, 16, 32)
"""Pixels between the places at which faces are looked for, finest first."""
_WIDTHS: Final = (16, 24, 48, 56, 56)
_PYRAMID: Final = 48
_START: Final = -4.6  # the score's bias: at first nothing is a face (Lin et al. 2017, arXiv 1708.02002)

Predictions = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Scores as logits (n, m), boxes (n, m, 4) as left, top, right, bottom, and landmarks (n, m, 5, 2), in pixels."""


class DetectorModel(nn.Module):
    """(n, H, W) uint8 luminance → what is seen at each of the m places of all strides; H and W multiples of 32.

    Anchor-free (FCOS, Tian et al. 2019, arXiv 1904.01355). The score is trained to be the box's overlap with the
    face, so it ranks boxes by how well they fit (Li et al. 2020, arXiv 2006.04388).
    """

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four, five = _WIDTHS
        self.stem = nn.Sequential(Block(1, one, 2), Block(one, two, 2), Block(two, two))
        self.fine = nn.Sequential(Block(two, three, 2), Block(three, three), Block(three, three))
        self.middle = nn.Sequential(Block(three, four, 2), Block(four, four), Block(four, four))
        self.coarse = nn.Sequential(Block(four, five, 2), Block(five, five))
        self.from_coarse = nn.Conv2d(five, _PYRAMID, 1)
        self.from_middle = nn.Conv2d(four, _PYRAMID, 1)
        self.head = Block(_PYRAMID, _PYRAMID)
        self.score = nn.Conv2d(_PYRAMID, 1, 1)
        self.box = nn.Conv2d(_PYRAMID, 4, 1)
        self.landmarks = nn.Conv2d(_PYRAMID, 10, 1)
        nn.init.constant_(_bias(self.score), _START)
        nn.init.constant_(_bias(self.box), 0.8)  # a face of 4.5 strides

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The raw maps (n, 15, H/stride, W/stride) of each stride: score, box, landmarks."""
        x = images.to(torch.float32)[:, None]
        x = x - x.mean(dim=(2, 3), keepdim=True)  # so light and contrast matter less
        x = x / (x.square().mean(dim=(2, 3), keepdim=True).sqrt() + 8)  # 8 grey levels: don't amplify pure noise
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.from_coarse(self.coarse(middle))
        middle = self.from_middle(middle) + F.interpolate(coarse, scale_factor=2.0)
        fine = fine + F.interpolate(middle, scale_factor=2.0)
        maps = [self.head(level) for level in (fine, middle, coarse)]
        return [torch.cat([self.score(y), self.box(y), self.landmarks(y)], dim=1) for y in maps]


def decode(maps: list[torch.Tensor]) -> Predictions:
    """Raw maps to pixels of the picture; (0, 0) is the centre of its first pixel."""
    scores, boxes, points = [], [], []
    for stride, level in zip(STRIDES, maps, strict=True):
        flat = level.to(torch.float32).flatten(2).transpose(1, 2)  # (n, m, 15)
        centres = grid(level.shape[2], level.shape[3], stride)
        reach = flat[..., 1:5].clamp(-6, 4).exp() * stride
        scores.append(flat[..., 0])
        boxes.append(torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], dim=-1))
        points.append(flat[..., 5:].unflatten(2, (5, 2)) * stride + centres[:, None])
    return torch.cat(scores, dim=1), torch.cat(boxes, dim=1), torch.cat(points, dim=1)


def grid(height: int, width: int, stride: int) -> torch.Tensor:
    """The places of one stride, row by row: (height · width, 2), x and y in pixels."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (torch.stack([x, y], dim=-1).reshape(-1, 2) + 0.5) * stride - 0.5


class Exported(nn.Module):
    """The model as the runtime calls it: one picture, scores as probabilities, boxes as x, y, width, height."""

    def __init__(self, model: DetectorModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(H, W) uint8 → (m,), (m, 4), (m, 5, 2)."""
        scores, boxes, points = decode(self.model(image[None]))
        sizes = boxes[0, :, 2:] - boxes[0, :, :2]
        return scores[0].sigmoid(), torch.cat([boxes[0, :, :2], sizes], dim=1), points[0]


def _bias(conv: nn.Conv2d) -> torch.Tensor:
    assert conv.bias is not None
    return conv.bias
