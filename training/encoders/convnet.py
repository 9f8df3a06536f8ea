"""A small residual network for the edge: a few million weights, a few milliseconds a face on one core."""

from __future__ import annotations

from collections.abc import Sequence

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
    """

    def __init__(
        self, channels: int, *, widths: Sequence[int], blocks: Sequence[int] = (1, 2, 2, 1), dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.features = widths[-1]
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
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """(n, C, S, S) float32 to (n, `features`)."""
        features: Tensor = self.layers(images)
        return features


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
