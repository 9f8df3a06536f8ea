"""Which parts of a model learn."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from clef_rt.errors import ConfigError
from training.encoders.clip import ClipImage
from training.model import ClefModel

__all__ = ["Parts", "freeze"]


class Parts(BaseModel):
    """What is tuned.

    Attributes:
        image: the image encoder: `all` of it, `none` of it (a linear probe), or the last so many blocks (CLIP's only).
        text: the text tower: `none` of it (its features are kept), or `all`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: Literal["all", "none"] | NonNegativeInt = "all"
    text: Literal["none", "all"] = "none"


def freeze(model: ClefModel, parts: Parts) -> None:
    """Take the gradient from what isn't to learn. Projections, scales and biases always learn.

    Raises:
        ConfigError: blocks are asked for that the encoder doesn't have.
    """
    encoder = model.encoder
    if parts.image == "all":
        return
    encoder.requires_grad_(False)
    if parts.image == "none":
        return
    if not isinstance(encoder, ClipImage):
        raise ConfigError(f"{model.config.encoder} has no blocks to tune alone.", "Tune all or none of it.")
    for block in encoder.last_blocks(parts.image):
        block.requires_grad_(True)
