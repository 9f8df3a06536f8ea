"""What a model is built from, and the labels as export reads them."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from training.clip_weights import Init
from training.texts import LabelTexts

__all__ = ["GROUPS", "Group", "Head", "LabelRows", "LabelWords", "ModelConfig"]

Group = Literal["au", "expression"]
GROUPS: Final[tuple[Group, ...]] = ("au", "expression")
Head = Literal["names", "descriptions", "index"]


class ModelConfig(BaseModel):
    """What a model is built from.

    Attributes:
        image_size: side of the crops, px.
        channels: 1 (luminance) or 3 (RGB).
        embed_dim: d, of the joint space.
        encoder: as in `training.encoders`.
        text_tower: as in `training.towers`.
        init: of both: `pretrained`, or `random`.
        tuned_text: the text tower is trained; else its features of all texts are kept in its place.
        projections: `linear`: both sides are projected into the joint space; `none`: they share one already, as
            CLIP's two halves do.
        text_hidden: width of a hidden layer beside the texts' projection (`training.projection`); 0 for none.
        head: what a picture is compared with: labels' `names` (the paper), the mean of their `descriptions`, or an
            `index`, a learned vector a class without a text (the usual classifier, for comparison).
        mean: of the pixels by channel, after division by 255.
        std: their deviation.
        rated: the Action Units whose intensity is scored, too.
        texts: the labels in words; their order is the scores' order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_size: int = 80
    channels: int = 1
    embed_dim: int = 256
    encoder: str = "convnet-s"
    text_tower: str = "minilm"
    init: Init = "pretrained"
    tuned_text: bool = False
    projections: Literal["linear", "none"] = "linear"
    text_hidden: int = 0
    head: Head = "names"
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.25,)
    rated: tuple[str, ...] = ()
    texts: LabelTexts

    @property
    def au_names(self) -> tuple[str, ...]:
        """The Action Units, in their order."""
        return tuple(self.texts.au)

    @property
    def expression_names(self) -> tuple[str, ...]:
        """The expressions, in their order."""
        return tuple(self.texts.expression)


class LabelWords(BaseModel):
    """One label as the bundle wants it: its prompts give its rows of the embeddings."""

    name: str
    text: str
    prompts: tuple[str, ...]
    bias: float = 0.0


class LabelRows(BaseModel):
    """All labels and their prompts' embeddings (rows, d) of length 1: Action Units, then expressions, in order."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    groups: dict[str, list[LabelWords]]
    embeddings: Tensor
