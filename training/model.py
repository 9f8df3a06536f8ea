"""CLEF's model: an image encoder and a text projection into one space, where similarity is the score."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn
from torch.nn.functional import normalize

from clef_rt.errors import BundleError
from training.encoders import make_encoder
from training.text import MINILM, encode_sentences
from training.texts import LabelText, LabelTexts

__all__ = ["ClefModel", "LabelRows", "LabelWords", "ModelConfig", "load_checkpoint"]

Group = Literal["au", "expression"]
GROUPS: Final[tuple[Group, ...]] = ("au", "expression")
TEXT_FEATURES: Final = 384
FORMAT: Final = "clef-checkpoint-1"
_MAX_SCALE: Final = 100.0  # CLIP's bound, past which training gets unstable


class ModelConfig(BaseModel):
    """What a model is built from.

    Attributes:
        image_size: side of the crops, px.
        channels: 1 (luminance) or 3.
        embed_dim: d, of the joint space.
        encoder: as in `training.encoders`.
        text_tower: the frozen sentence encoder.
        mean: of the pixels by channel, after division by 255.
        std: their deviation.
        texts: the labels in words; their order is the scores' order.
    """

    model_config = ConfigDict(frozen=True)

    image_size: int = 80
    channels: int = 1
    embed_dim: int = 256
    encoder: str = "convnet-s"
    text_tower: str = MINILM
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.25,)
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


class ClefModel(nn.Module):
    """Image encoder, projections, logit scales.

    The text tower is frozen, so the features of all names and descriptions are computed once and kept; what is learned
    of the text side is a projection. (The paper trains its text encoder; with a few dozen labels ours would only
    forget its English.)

    Args:
        config: what to build.
        features: the label texts' features by kind, `name` (k, 384) and `description` (m, 384); computed where None.
    """

    name_features: Tensor
    description_features: Tensor
    owners: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig, features: dict[str, Tensor] | None = None) -> None:
        super().__init__()
        self.config = config
        encoder = make_encoder(config.encoder, config.channels)
        self.encoder = encoder
        self.image_head = nn.Linear(int(encoder.features), config.embed_dim)  # type: ignore[call-overload]
        self.text_head = nn.Linear(TEXT_FEATURES, config.embed_dim)
        self.log_scales = nn.ParameterDict({group: nn.Parameter(torch.tensor(math.log(10.0))) for group in GROUPS})
        self.au_bias = nn.Parameter(torch.full((len(config.au_names),), -1.0))
        self.register_buffer("mean", torch.tensor(config.mean))
        self.register_buffer("std", torch.tensor(config.std))
        owners = [i for i, label in enumerate(_labels(config.texts)) for _ in _described(config.texts, label)]
        self.register_buffer("owners", torch.tensor(owners))
        features = features if features is not None else text_features(config.texts)
        self.register_buffer("name_features", features["name"])
        self.register_buffer("description_features", features["description"])

    def encode_image(self, faces: Tensor) -> Tensor:
        """Embed crops.

        Args:
            faces: (n, S, S, C) uint8.

        Returns:
            (n, d) float32, of length 1.
        """
        return self.embed(self.normalise(faces))

    def normalise(self, faces: Tensor) -> Tensor:
        """(n, S, S, C) uint8 to (n, C, S, S) float32 with the mean and deviation of the data."""
        return ((faces.to(torch.float32) / 255 - self.mean) / self.std).permute(0, 3, 1, 2)

    def embed(self, images: Tensor) -> Tensor:
        """Normalised pictures (n, C, S, S) to embeddings (n, d) of length 1."""
        return normalize(self.image_head(self.encoder(images)).float(), dim=1)

    def project_text(self, features: Tensor) -> Tensor:
        """Features of sentences (n, 384) to embeddings (n, d) of length 1."""
        return normalize(self.text_head(features).float(), dim=1)

    def name_embeddings(self, group: Group) -> Tensor:
        """(k, d), of length 1: the names of a group's labels."""
        return self.project_text(self.name_features[self.span(group)])

    def span(self, group: Group) -> slice:
        """Where a group's labels lie among all."""
        aus = len(self.config.au_names)
        return slice(0, aus) if group == "au" else slice(aus, aus + len(self.config.expression_names))

    def draw_descriptions(self, generator: torch.Generator) -> Tensor:
        """(k, d), of length 1: for each label one description, in one template, drawn at random."""
        chance = torch.rand(len(self.owners), generator=generator).to(self.owners.device)
        labels = len(self.name_features)
        mine = torch.where(self.owners[None, :] == torch.arange(labels, device=chance.device)[:, None], chance, -1)
        return self.project_text(self.description_features[mine.argmax(dim=1)])

    def scale(self, group: Group) -> Tensor:
        """The logit scale, at most 100."""
        return self.log_scales[group].exp().clamp(max=_MAX_SCALE)

    def logit_scale(self, group: Group) -> float:
        """The logit scale as a number."""
        return float(self.scale(group).item())

    def logits(self, embeddings: Tensor, group: Group) -> Tensor:
        """(n, k) float32, before the sigmoid or softmax."""
        logits = self.scale(group) * embeddings @ self.name_embeddings(group).T
        return logits + self.au_bias if group == "au" else logits

    def label_rows(self) -> LabelRows:
        """The labels as the bundle wants them."""
        biases = {"au": self.au_bias.tolist(), "expression": [0.0] * len(self.config.expression_names)}
        groups = {
            group: [
                LabelWords(name=name, text=label.text, prompts=(_prompt(self.config.texts, label),), bias=bias)
                for (name, label), bias in zip(self.config.texts.group(group).items(), biases[group], strict=True)
            ]
            for group in GROUPS
        }
        with torch.no_grad():
            return LabelRows(groups=groups, embeddings=self.project_text(self.name_features))

    def export_module(self) -> nn.Module:
        """The image side alone: (n, S, S, C) uint8 to (n, d) float32."""
        return _ImageSide(self)

    def save(self, path: Path) -> None:
        """Write a checkpoint that `load_checkpoint` reads."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        torch.save({"format": FORMAT, "config": self.config.model_dump_json(), "state": self.state_dict()}, part)
        part.replace(path)


class _ImageSide(nn.Module):
    def __init__(self, model: ClefModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, faces: Tensor) -> Tensor:
        return self.model.encode_image(faces)


def load_checkpoint(path: Path) -> ClefModel:
    """Load a checkpoint: a file, or a folder with `model.pt`. The text tower isn't needed for it.

    Raises:
        BundleError: it is no checkpoint of ours.
        FileNotFoundError: there is none.
    """
    file = path / "model.pt" if path.is_dir() else path
    found: Any = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BundleError(f"{file} isn't a checkpoint of this version.", "Train it again.")
    try:
        config = ModelConfig.model_validate_json(found["config"])
    except ValidationError as error:
        raise BundleError(f"{file}: {error.error_count()} settings are wrong.", "Train it again.") from None
    state = found["state"]
    features = {kind: state[f"{kind}_features"] for kind in ("name", "description")}
    model = ClefModel(config, features)
    model.load_state_dict(state)
    return model.eval()


def text_features(texts: LabelTexts) -> dict[str, Tensor]:
    """Features of all names (k, 384), and of all descriptions in all templates (m, 384), Action Units first."""
    labels = _labels(texts)
    names = [_prompt(texts, label) for label in labels]
    described = [sentence for label in labels for sentence in _described(texts, label)]
    table = encode_sentences(names + described)
    return {"name": table[: len(names)], "description": table[len(names) :]}


def _labels(texts: LabelTexts) -> list[LabelText]:
    return [label for group in GROUPS for label in texts.group(group).values()]


def _prompt(texts: LabelTexts, label: LabelText) -> str:
    return texts.templates.name.format(label.text)


def _described(texts: LabelTexts, label: LabelText) -> list[str]:
    return [template.format(d) for d in label.descriptions for template in texts.templates.description]
