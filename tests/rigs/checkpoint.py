"""A small model with the interface of a trained one: a convolutional encoder, and random texts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from tests.rigs.bundles import unit_rows


@dataclass
class FakeConfig:
    image_size: int = 32
    channels: int = 1
    embed_dim: int = 16
    encoder: str = "Fake/Conv"
    text_tower: str = "none"
    mean: list[float] = field(default_factory=lambda: [0.5])
    std: list[float] = field(default_factory=lambda: [0.25])


@dataclass
class FakeLabel:
    name: str
    text: str
    prompts: list[str]
    bias: float = 0.0


@dataclass
class FakeRows:
    groups: dict[str, list[FakeLabel]]
    embeddings: torch.Tensor


class FakeEncoder(nn.Module):
    def __init__(self, config: FakeConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(config.mean))
        self.register_buffer("std", torch.tensor(config.std))
        self.body = nn.Sequential(
            nn.Conv2d(config.channels, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.Hardswish(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(128, config.embed_dim),
        )

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        normal = (faces.float() / 255 - self.mean) / self.std
        return nn.functional.normalize(self.body(normal.permute(0, 3, 1, 2)), dim=1)


class FakeModel(nn.Module):
    """What `export.checkpoint.ClefModel` asks for."""

    def __init__(self, channels: int = 1, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        values = [0.5, 0.4, 0.3][:channels]
        self.config = FakeConfig(channels=channels, mean=values, std=values)
        self.encoder = FakeEncoder(self.config)
        self.labels = {
            "au": [
                FakeLabel("AU01", "inner brow raiser", ["the inner brows rise", "raised inner brows"]),
                FakeLabel("AU12", "lip corner puller", ["a smile"], bias=-1.5),
            ],
            "expression": [FakeLabel(name, name, [f"a {name} face"]) for name in ("neutral", "happiness", "sadness")],
        }

    def encode_image(self, faces: torch.Tensor) -> torch.Tensor:
        embeddings: torch.Tensor = self.encoder(faces)
        return embeddings

    def export_module(self) -> nn.Module:
        return self.encoder

    def label_rows(self) -> FakeRows:
        return FakeRows(self.labels, torch.from_numpy(np.array(unit_rows(6, 16))))

    def logit_scale(self, group: str) -> float:
        return {"au": 14.0, "expression": 20.0}[group]
