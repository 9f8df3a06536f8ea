"""The landmark network."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """A 3×3 convolution; with a shortcut where the shape stays.

    Plain rather than depthwise: with so few channels it trains twice as fast on a CPU, and runs as fast.
    """

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.shortcut = stride == 1 and width_in == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, C_in, H, W) → (n, C, H/stride, W/stride)."""
        y = F.relu(self.norm(self.conv(x)))
        return x + y if self.shortcut else y


class LandmarkModel(nn.Module):
    """(n, 64, 64) uint8 → landmarks (n, 5, 2) in sides of the crop from its centre, and presence (n,) as a logit.

    A small feature pyramid; each landmark is the mean position of a 16×16 heat map (integral regression, Sun et al.
    2018, arXiv 1711.08229).
    """

    grid: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.fine = nn.Sequential(Block(16, 24, 2), Block(24, 24), Block(24, 24))
        self.middle = nn.Sequential(Block(24, 40, 2), Block(40, 40))
        self.coarse = nn.Sequential(Block(40, 48, 2), Block(48, 48))
        self.to_middle = nn.Conv2d(48, 40, 1)
        self.to_fine = nn.Conv2d(40, 24, 1)
        self.heat = nn.Sequential(Block(24, 24), Block(24, 24), nn.Conv2d(24, 5, 1))
        self.presence = nn.Sequential(nn.Conv2d(48, 16, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 1))
        steps = ((torch.arange(16) + 0.5) / 16 - 0.5) * 1.25  # so that a point may lie a little outside of the crop
        grid = torch.stack([steps.repeat(16), steps.repeat_interleave(16)], dim=1)
        self.register_buffer("grid", grid, persistent=False)

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each crop is brought to mean 0 and deviation 1 first, so light and contrast don't matter."""
        x = crops.to(torch.float32)[:, None]
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(2, 3), keepdim=True).sqrt() + 4)  # 4 grey levels: don't amplify pure noise
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = middle + F.interpolate(self.to_middle(coarse), scale_factor=2.0)
        fine = fine + F.interpolate(self.to_fine(middle), scale_factor=2.0)
        heat = self.heat(fine).flatten(2).softmax(dim=2)
        return heat @ self.grid, self.presence(coarse)[:, 0]


class Exported(nn.Module):
    """The model as the runtime calls it: presence as a probability."""

    def __init__(self, model: LandmarkModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 64, 64) uint8 → (n, 5, 2), (n,)."""
        landmarks, presence = self.model(crops)
        return landmarks, presence.sigmoid()
