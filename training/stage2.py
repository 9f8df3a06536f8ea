"""Stage 2: recognition by the names of the labels, `L_IN + L_DN` (CLEF, method figure)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from clef_rt.errors import ConfigError
from training.augment import Augment
from training.config import RunConfig, Stage2Settings
from training.data import Examples, load_examples
from training.distributed import gather, launch
from training.evaluation.quick import quick_figures
from training.loader import Batch, Loader
from training.loop import fit
from training.losses import (
    au_names,
    description_names,
    expression_names,
    intensity_levels,
    present_names,
    rate_bounds,
)
from training.mirror import mirror_some
from training.model import ClefModel
from training.rates import load_rates
from training.report_broken import naming_rows
from training.sampling import Sampler, balanced_batches, shuffled_batches
from training.setup import new_model
from training.supervision import au_weights, chosen_labels, class_weights, few_labels, words_as_votes

__all__ = ["Stage2", "train_stage2"]


class Stage2(nn.Module):
    """The model with stage 2's losses.

    Args:
        model: what is trained.
        config: the run's.
        expression_weights: (e,) of the classes; None for none.
        au_weights: (k,) of the Action Units; None for none.
    """

    expression_weights: Tensor | None
    au_weights: Tensor | None
    least: Tensor
    most: Tensor

    def __init__(
        self,
        model: ClefModel,
        config: RunConfig,
        expression_weights: Tensor | None = None,
        au_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.options: Stage2Settings = config.stage2
        self.augment = (
            Augment(config.loop.augment, mirror=False, texture=config.loop.texture)
            if config.loop.augment
            else nn.Identity()
        )
        self.mirrors = bool(config.loop.augment)
        self.register_buffer("expression_weights", expression_weights)
        self.register_buffer("au_weights", au_weights)
        if self.options.rates:
            bounds = load_rates().tables(model.config.expression_names, model.config.au_names)
            for name, table in zip(("least", "most"), bounds, strict=True):
                self.register_buffer(name, table, persistent=False)
        self.rated = [model.config.au_names.index(name) for name in model.config.rated]

    def forward(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The losses of a batch: faces with votes, Action Units and intensities, NaN where unknown."""
        model, options = self.model, self.options
        if self.mirrors:
            batch = mirror_some(batch, model.config.au_names)
        images = model.normalise(self.augment(batch.faces)).contiguous(memory_format=torch.channels_last)
        z = gather(model.embed(images))
        votes, aus = gather(batch.votes), gather(batch.aus)
        tied = options.head == "names" and options.descriptions
        drawn = model.draw_descriptions(generator) if tied or options.head == "descriptions" else None
        # Without names, image against description: the paper's row without N.
        names = drawn if drawn is not None and not tied else model.label_embeddings()
        losses = {}
        if model.config.expression_names:
            mine = names[model.span("expression")]
            scale = model.scale("expression")
            losses["expression"] = expression_names(z, mine, votes, scale, self.expression_weights)
        if model.config.au_names:
            losses |= self._action_units(z, names[model.span("au")], aus)
        if options.rates and model.config.expression_names and model.config.au_names:
            logits = model.scale("au") * z @ names[model.span("au")].T + model.au_bias
            losses["rates"] = options.rates * rate_bounds(logits, votes, self.least, self.most)
        if self.rated:
            levels = intensity_levels(model.level_logits(z), gather(batch.intensities)[:, self.rated])
            losses["intensity"] = options.intensity_weight * levels
        if tied and drawn is not None:
            tie = description_names(drawn, names, options.description_temperature)
            losses["description"] = options.description_weight * tie
        return losses

    def _action_units(self, z: Tensor, names: Tensor, aus: Tensor) -> dict[str, Tensor]:
        model, options = self.model, self.options
        scale = model.scale("au")
        losses = {}
        # The binary form is always learnt at least on the side, for scores are its sigmoids.
        if options.au_form in ("sigmoid", "both"):
            focal = options.imbalance == "asymmetric"
            binary = au_names(z, names, model.au_bias, aus, scale, weights=self.au_weights, focal=focal)
            losses["au"] = options.au_weight * binary
        else:
            still = au_names(z.detach(), names.detach(), model.au_bias, aus, scale.detach())
            losses["au_bias"] = still
        if options.au_form in ("contrastive", "both"):
            losses["au_contrastive"] = present_names(z, names, aus, scale)
        return losses


def train_stage2(config: RunConfig, out: Path, *, resume: bool, console: Console) -> ClefModel:
    """Train stage 2 on the training split of prepared folders.

    Raises:
        ConfigError: the data, the start or the run's folder is wrong.
    """
    options = config.stage2
    if config.start is not None and not config.start.exists():
        raise ConfigError(f"{config.start}: no such checkpoint.", "Train stage 1 first, or leave --start out.")
    fabric = launch(config.loop)
    side = config.model.image_size or None
    train = load_examples(config.data, "train", fold=config.fold, side=side, distrusted=options.distrust)
    train = chosen_labels(words_as_votes(train, options.words), options)
    val = chosen_labels(load_examples(config.data, "val", fold=config.fold, side=side), options)
    train = few_labels(train, options, config.loop.seed)
    fabric.seed_everything(config.loop.seed, verbose=False)
    model = new_model(train, config, head=options.head)
    weighted = options.imbalance != "none"
    stage = Stage2(
        model,
        config,
        expression_weights=class_weights(train.votes) if weighted and model.config.expression_names else None,
        au_weights=au_weights(train.aus) if options.imbalance == "weights" and model.config.au_names else None,
    )
    unpaired = np.zeros(len(train), np.int64)
    with naming_rows(train, out):
        return fit(
            model,
            stage,
            fabric=fabric,
            loader=Loader(train, groups=unpaired, activities=unpaired, pin=fabric.device.type == "cuda"),
            sampler=_sampler(train, config),
            validate=lambda best: quick_figures(best, val),
            config=config,
            out=out,
            resume=resume,
            console=console,
        )


def _sampler(train: Examples, config: RunConfig) -> Sampler:
    batch, seed = config.loop.batch, config.loop.seed
    if config.stage2.sampling == "balanced":
        return balanced_batches(_classes(train), batch, seed)
    return shuffled_batches(len(train), batch, seed)


def _classes(train: Examples) -> NDArray[np.int64]:
    """The commonest vote of each face; those without votes are a class of their own."""
    votes = np.nan_to_num(train.votes, nan=0.0)
    return np.where(train.voted, votes.argmax(axis=1) if votes.shape[1] else 0, votes.shape[1]).astype(np.int64)
