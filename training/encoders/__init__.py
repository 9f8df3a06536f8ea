"""Image encoders: by name, from a batch of normalised pictures to features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from torch import Tensor, nn

from clef_rt.errors import ConfigError
from training.clip_weights import CLIPS, Init
from training.encoders.clip import ClipImage
from training.encoders.convnet import ConvNet

__all__ = ["ENCODERS", "ImageEncoder", "Pictures", "make_encoder"]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What an encoder is built for."""

    size: int
    channels: int
    init: Init = "random"


class ImageEncoder(Protocol):
    """An `nn.Module` from (n, C, S, S) float32 to (n, features)."""

    features: int

    def __call__(self, images: Tensor) -> Tensor:
        """Features, (n, `features`), of no particular length."""
        ...


ENCODERS: Final[dict[str, Callable[[Pictures], nn.Module]]] = {
    "convnet-s": lambda pictures: ConvNet(pictures.channels, widths=(24, 48, 96, 192)),
    "convnet-m": lambda pictures: ConvNet(pictures.channels, widths=(32, 64, 128, 256)),
    "convnet-l": lambda pictures: ConvNet(
        pictures.channels, widths=(32, 64, 128, 256), blocks=(1, 2, 3, 2), parts=(3, 2)
    ),
    **{name: lambda pictures, name=name: ClipImage(name, pictures.size, pictures.init) for name in CLIPS},  # type: ignore[misc]
}
"""By name: from the pictures' size to a new encoder. The convnets, for real time, have no weights to start from."""


def make_encoder(name: str, pictures: Pictures) -> nn.Module:
    """A new encoder.

    Raises:
        ConfigError: there is none of this name, or its weights can't be had.
    """
    if name not in ENCODERS:
        raise ConfigError(f"There is no encoder {name!r}.", f"Choose {', '.join(ENCODERS)}.")
    return ENCODERS[name](pictures)
