"""CLEF's model: an image encoder and a text tower in one space, where similarity is the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from clef_rt.errors import ConfigError
from training.encoders import Pictures, make_encoder
from training.model_config import GROUPS, Group, LabelRows, LabelWords, ModelConfig
from training.projection import BentProjection, spread
from training.prompts import described_sentences, intensity_prompts, name_prompt
from training.text_table import TextTable, frozen_features
from training.texts import INTENSITIES, LabelText, LabelTexts
from training.towers import TextTower, make_tower

__all__ = ["MAX_SCALE", "ClefModel", "TextFeatures"]

MAX_SCALE: Final = 100.0
"""CLIP's bound of the logit scale, past which training gets unstable."""

TextFeatures = dict[str, Tensor]
"""Features of the texts by kind, `names`, `descriptions`, `levels`: (sentences, f) each."""


class ClefModel(nn.Module):
    """Image encoder, text tower, projections, logit scales.

    A frozen tower isn't part of the model: the features of all its texts are. A tuned one is, and its features are
    refreshed before the model is saved; so nothing but the features is needed to score or to export.

    Args:
        config: what to build.
        features: of the texts; computed by the tower where None.
        tower: build the tower that is tuned, to go on training it.
    """

    mean: Tensor
    std: Tensor
    owners: Tensor

    def __init__(self, config: ModelConfig, features: TextFeatures | None = None, *, tower: bool = True) -> None:
        super().__init__()
        self.config = config
        encoder = make_encoder(config.encoder, Pictures(config.image_size, config.channels, config.init))
        wide = int(encoder.features)  # type: ignore[arg-type]
        self.encoder = encoder
        self.tower: TextTower | None = None
        if config.tuned_text and tower:
            self.tower = make_tower(config.text_tower, config.init)
        texts = _texts(config)
        if features is None:
            features = {kind: self.features_of(own) for kind, own in texts.items()}
        self.texts = nn.ModuleDict({kind: TextTable(own, features[kind]) for kind, own in texts.items()})
        long = features["names"].shape[1]
        if config.projections == "none" and not wide == long == config.embed_dim:
            raise ConfigError(f"{config.encoder} ({wide}) and {config.text_tower} ({long}) share no space.")
        linear = config.projections == "linear"
        self.image_head = nn.Linear(wide, config.embed_dim) if linear else nn.Identity()
        self.text_head: nn.Module = nn.Identity()
        if linear and config.text_hidden:
            self.text_head = BentProjection(long, config.embed_dim, config.text_hidden)
        elif linear:
            self.text_head = nn.Linear(long, config.embed_dim)
        if isinstance(self.text_head, nn.Linear):
            spread(self.text_head, features["names"])
        self.log_scales = nn.ParameterDict({group: nn.Parameter(torch.tensor(math.log(10.0))) for group in GROUPS})
        self.au_bias = nn.Parameter(torch.full((len(config.au_names),), -1.0))
        if config.rated:
            self.log_scales["intensity"] = nn.Parameter(torch.tensor(math.log(10.0)))
        if config.head == "index":
            self.classes = nn.Parameter(torch.randn(len(_labels(config.texts)), config.embed_dim))
        self.register_buffer("mean", torch.tensor(config.mean))
        self.register_buffer("std", torch.tensor(config.std))
        owners = [i for i, label in enumerate(_labels(config.texts)) for _ in described_sentences(label, config.texts)]
        self.register_buffer("owners", torch.tensor(owners, dtype=torch.int64))

    def train(self, mode: bool = True) -> Self:
        """Into training; an encoder that learns nothing doesn't learn its pictures' statistics either."""
        super().train(mode)
        if not any(weight.requires_grad for weight in self.encoder.parameters()):
            self.encoder.eval()
        return self

    # Pictures

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

    # Texts

    def project_text(self, features: Tensor) -> Tensor:
        """Features of sentences (n, f) to embeddings (n, d) of length 1."""
        return normalize(self.text_head(features).float(), dim=1)

    def embed_sentences(self, sentences: Sequence[str]) -> Tensor:
        """(n, d), of length 1: any sentences. The text tower is needed."""
        config = self.config
        if config.tuned_text and self.tower is None:
            raise ConfigError("The model was loaded without its text tower.", "Load it with `tower=True`.")
        return self.project_text(self.features_of(sentences).to(self.mean.device))

    def features_of(self, sentences: Sequence[str]) -> Tensor:
        """(n, f) float32: what the text tower makes of any sentences, before the projection."""
        if self.tower is not None:
            return self.tower.encode(sentences) if sentences else torch.zeros(0, self.tower.features)
        return frozen_features(self.config.text_tower, self.config.init, sentences)

    def label_embeddings(self) -> Tensor:
        """(k, d), of length 1: what pictures are compared with, Action Units first, then expressions."""
        if self.config.head == "index":
            return normalize(self.classes.float(), dim=1)
        if self.config.head == "names":
            return self.project_text(self.texts["names"](self.tower))
        each = self.project_text(self.texts["descriptions"](self.tower))
        labels = len(_labels(self.config.texts))
        sums = torch.zeros(labels, each.shape[1], device=each.device).index_add(0, self.owners, each)
        return normalize(sums, dim=1)

    def name_embeddings(self, group: Group) -> Tensor:
        """Those of one group's labels."""
        return self.label_embeddings()[self.span(group)]

    def span(self, group: Group) -> slice:
        """Where a group's labels lie among all."""
        aus = len(self.config.au_names)
        return slice(0, aus) if group == "au" else slice(aus, aus + len(self.config.expression_names))

    def draw_descriptions(self, generator: torch.Generator) -> Tensor:
        """(k, d), of length 1: for each label one description, in one template, drawn at random."""
        chance = torch.rand(len(self.owners), generator=generator).to(self.owners.device)
        labels = torch.arange(len(_labels(self.config.texts)), device=chance.device)
        mine = torch.where(self.owners[None, :] == labels[:, None], chance, -1)
        return self.project_text(self.texts["descriptions"](self.tower, mine.argmax(dim=1)))

    def refresh_texts(self) -> None:
        """Keep what the tuned tower makes of the texts now."""
        if self.tower is not None:
            for table in self.texts.values():
                table.refresh(self.tower)  # type: ignore[operator]

    # Scores

    def scale(self, group: str) -> Tensor:
        """The logit scale, at most 100."""
        scale: Tensor = self.log_scales[group].exp().clamp(max=MAX_SCALE)
        return scale

    def logit_scale(self, group: Group) -> float:
        """The logit scale as a number."""
        return float(self.scale(group).item())

    def logits(self, embeddings: Tensor, group: Group) -> Tensor:
        """(n, k) float32, before the sigmoid or softmax."""
        logits = self.scale(group) * embeddings @ self.name_embeddings(group).T
        return logits + self.au_bias if group == "au" else logits

    def level_logits(self, embeddings: Tensor) -> Tensor:
        """(n, r, 6): similarity to the texts of each intensity, for the r Action Units of `config.rated`."""
        levels = self.project_text(self.texts["levels"](self.tower))
        return (self.scale("intensity") * embeddings @ levels.T).reshape(len(embeddings), -1, INTENSITIES)

    def intensities(self, embeddings: Tensor) -> Tensor | None:
        """(n, k) float32, 0–5: expected intensities in the order of `au_names`; NaN for those never rated.

        None where the model rates nothing.
        """
        if not self.config.rated:
            return None
        chances = self.level_logits(embeddings).softmax(dim=2)
        found = torch.full((len(embeddings), len(self.config.au_names)), torch.nan, device=embeddings.device)
        columns = [self.config.au_names.index(name) for name in self.config.rated]
        found[:, columns] = chances @ torch.arange(INTENSITIES, dtype=chances.dtype, device=chances.device)
        return found

    # Export

    def label_rows(self) -> LabelRows:
        """The labels as the bundle wants them."""
        biases = {"au": self.au_bias.tolist(), "expression": [0.0] * len(self.config.expression_names)}
        groups: dict[str, list[LabelWords]] = {
            group: [
                LabelWords(name=name, text=label.text, prompts=(name_prompt(label, self.config.texts),), bias=bias)
                for (name, label), bias in zip(self.config.texts.group(group).items(), biases[group], strict=True)
            ]
            for group in GROUPS
        }
        with torch.no_grad():
            return LabelRows(groups=groups, embeddings=self.label_embeddings().cpu())

    def export_module(self) -> nn.Module:
        """The image side alone: (n, S, S, C) uint8 to (n, d) float32."""
        return _ImageSide(self)


class _ImageSide(nn.Module):
    def __init__(self, model: ClefModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, faces: Tensor) -> Tensor:
        return self.model.encode_image(faces)


def _texts(config: ModelConfig) -> dict[str, list[str]]:
    texts, labels = config.texts, _labels(config.texts)
    return {
        "names": [name_prompt(label, texts) for label in labels],
        "descriptions": [sentence for label in labels for sentence in described_sentences(label, texts)],
        "levels": [prompt for name in config.rated for prompt in intensity_prompts(texts.au[name], texts)],
    }


def _labels(texts: LabelTexts) -> list[LabelText]:
    return [label for group in GROUPS for label in texts.group(group).values()]
