"""A small residual network for the edge: a few million weights, a few milliseconds a face on one core."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

__all__ = ["ConvNet"]


class ConvNet(nn.Module):
    """Residual blocks (He et al. 2016) in stages of half the size and twice the width each.

    Args:
        channels: of the pictures.
        widths: of the stages; the stem and every stage but the first halve the size.
        blocks: of each stage.
        dropout: before the features are handed out.
        parts: rows and columns into which the face is divided before what is found is averaged: (1, 1) averages over
            the whole face; (3, 2) keeps brows, nose and mouth apart, and left from right. Faces are aligned, so a part
            of the picture is a part of the face.
    """

    def __init__(
        self,
        channels: int,
        *,
        widths: Sequence[int],
        blocks: Sequence[int] = (1, 2, 2, 1),
        dropout: float = 0.1,
        parts: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__()
        self.features = widths[-1] * parts[0] * parts[1]
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        before = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                layers.append(_Block(before, width, stride=2 if stage and not block else 1))
                before = width
        pool = nn.AdaptiveAvgPool2d(1) if parts == (1, 1) else _Parts(*parts)
        layers += [pool, nn.Flatten(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """(n, C, S, S) float32 to (n, `features`)."""
        features: Tensor = self.layers(images)
        return features


class _Parts(nn.Module):
    """Means over rows × columns soft parts of a map of any size: triangles that sum to 1 at each place."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, maps: Tensor) -> Tensor:
        """(n, C, H, W) to (n, C, rows, columns)."""
        across = _triangles(maps.shape[3], self.columns).to(maps)
        down = _triangles(maps.shape[2], self.rows).to(maps)
        means: Tensor = down @ (maps @ across.T)
        return means


def _triangles(places: int, parts: int) -> Tensor:
    """(parts, places) float32: each part's weights of the places along an axis; rows sum to 1."""
    at = (torch.arange(places) + 0.5) / places * (parts - 1)
    weights = (1 - (at - torch.arange(parts)[:, None]).abs()).clamp(min=0)
    return weights / weights.sum(dim=1, keepdim=True)


class _Block(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.second_norm.weight)  # each block starts as the identity, so depth doesn't hinder
        same = stride == 1 and before == width
        self.skip = (
            nn.Identity()
            if same
            else nn.Sequential(
                nn.Conv2d(before, width, 1, stride=stride, bias=False),
                nn.BatchNorm2d(width),
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        inner = self.second_norm(self.second(relu(self.first_norm(self.first(images)))))
        return relu(inner + self.skip(images))
