"""Image encoders: by name, from a batch of normalised pictures to features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from torch import Tensor, nn

from clef_rt.errors import ConfigError
from training.encoders.convnet import ConvNet

__all__ = ["ENCODERS", "ImageEncoder", "make_encoder"]


class ImageEncoder(Protocol):
    """An `nn.Module` from (n, C, S, S) float32 to (n, features)."""

    features: int

    def __call__(self, images: Tensor) -> Tensor:
        """Features, (n, `features`), of no particular length."""
        ...


ENCODERS: Final[dict[str, Callable[[int], nn.Module]]] = {
    "convnet-s": lambda channels: ConvNet(channels, widths=(24, 48, 96, 192)),
    "convnet-m": lambda channels: ConvNet(channels, widths=(32, 64, 128, 256)),
}
"""By name: from the number of channels to a new encoder."""


def make_encoder(name: str, channels: int) -> nn.Module:
    """A new encoder.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in ENCODERS:
        raise ConfigError(f"There is no encoder {name!r}.", f"Choose {', '.join(ENCODERS)}.")
    return ENCODERS[name](channels)
