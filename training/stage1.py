"""Stage 1: contrastive learning from activities, `L_II' + L_IA` (CLEF, method figure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from clef_rt.errors import ConfigError
from training.augment import Augment
from training.config import RunConfig
from training.data import Examples, load_examples
from training.distributed import gather, launch
from training.evaluation.scoring import embed_all
from training.loader import Batch, Loader
from training.loop import fit
from training.losses import image_activity, image_image
from training.model import MAX_SCALE, ClefModel
from training.report_broken import naming_rows
from training.sampling import activity_batches, numbered
from training.setup import new_model
from training.text_table import TextTable
from training.texts import activity_sentence, load_activities

__all__ = ["Stage1", "activity_sentences", "pair_groups", "train_stage1"]

_FIRST_SCALE = 1 / 0.07  # CLIP's


class Stage1(nn.Module):
    """The model with the texts of the activities, and a learned logit scale for each loss.

    Args:
        model: what is trained.
        sentences: one an activity.
        config: the run's.
    """

    def __init__(self, model: ClefModel, sentences: Sequence[str], config: RunConfig) -> None:
        super().__init__()
        self.model = model
        self.options = config.stage1
        self.augment = (
            Augment(1.2 * config.loop.augment, texture=config.loop.texture) if config.loop.augment else nn.Identity()
        )
        self.activities = TextTable(sentences, model.features_of(sentences))
        self.log_scales = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(math.log(_FIRST_SCALE))) for name in ("image", "activity")}
        )

    def forward(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The losses of a batch: two views of each face, their groups and activities."""
        model = self.model
        views = model.normalise(self.augment(torch.cat([batch.faces, batch.faces])))
        z = gather(model.embed(views.contiguous(memory_format=torch.channels_last)))
        losses = {}
        if self.options.image_image:
            groups = gather(torch.cat([batch.groups, batch.groups]))
            losses["image_image"] = image_image(z, groups, 1 / self.scale("image"))
        if self.options.image_activity:
            activities = gather(torch.cat([batch.activities, batch.activities]))
            texts = self.activity_embeddings()
            losses["image_activity"] = image_activity(z, texts, activities, 1 / self.scale("activity"))
        return losses

    def activity_embeddings(self) -> Tensor:
        """(activities, d), of length 1."""
        return self.model.project_text(self.activities(self.model.tower))

    def scale(self, name: str) -> Tensor:
        """A logit scale 1/τ, 1 to 100."""
        scale: Tensor = self.log_scales[name].exp().clamp(1, MAX_SCALE)
        return scale


def train_stage1(config: RunConfig, out: Path, *, resume: bool, console: Console) -> ClefModel:
    """Train stage 1 on the training split of prepared folders.

    Raises:
        ConfigError: the data or the run's folder is wrong (`load_examples`, `fit`).
    """
    if not (config.stage1.image_image or config.stage1.image_activity):
        raise ConfigError("Stage 1 has no loss.", "Leave image_image or image_activity on.")
    fabric = launch(config.loop)
    train, val = (
        _with_activities(load_examples(config.data, split, fold=config.fold, side=config.model.image_size or None))
        for split in ("train", "val")
    )
    names, activities = np.unique(train.activities.astype(str), return_inverse=True)
    fabric.seed_everything(config.loop.seed, verbose=False)
    model = new_model(train, config)
    stage = Stage1(model, activity_sentences(train, names.tolist()), config)
    with naming_rows(train, out):
        return fit(
            model,
            stage,
            fabric=fabric,
            loader=Loader(
                train,
                groups=pair_groups(config.stage1.pairs, train, activities, config.loop.seed),
                activities=activities,
                pin=fabric.device.type == "cuda",
            ),
            sampler=activity_batches(activities, numbered(train.subjects), config.loop.batch, config.loop.seed),
            validate=lambda best: activity_retrieval(best, stage.activities, val, list(names)),
            config=config,
            out=out,
            resume=resume,
            console=console,
        )


def activity_sentences(train: Examples, names: Sequence[str]) -> list[str]:
    """Each activity's sentence, by its dataset's own file.

    Raises:
        ConfigError: a dataset's file lacks one of its activities.
    """
    found = []
    for name in names:
        dataset = str(train.datasets[np.flatnonzero(train.activities.astype(str) == name)[0]])
        found.append(activity_sentence(name, load_activities(dataset)))
    return found


def pair_groups(pairs: str, train: Examples, activities: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """(n,) numbers: faces of the same number are positives of each other.

    Raises:
        ConfigError: identities are asked for, and no subject is known.
    """
    if pairs == "activity":
        return activities
    if pairs == "identity":
        if all(subject is None for subject in train.subjects):
            raise ConfigError("No subject of the training faces is known.", "Pair by activity, or by instance.")
        return numbered(train.subjects)
    if pairs == "random":  # as many groups as there are activities, without meaning
        return np.random.default_rng(seed).integers(0, activities.max() + 1, len(train))
    return np.arange(len(train))


def activity_retrieval(model: ClefModel, sentences: TextTable, val: Examples, names: list[str]) -> dict[str, float]:
    """How often the nearest sentence is the face's own; over faces, and as a mean over activities."""
    z = embed_all(model, val.faces)
    with torch.no_grad():
        texts = model.project_text(sentences(model.tower).to(z.device))
        nearest = (z @ texts.T).argmax(dim=1).cpu().numpy()
    own = np.array([names.index(name) if name in names else -1 for name in val.activities])
    hit = nearest == own
    per = [hit[own == k].mean() for k in np.unique(own)]
    return {"val_activity": float(hit.mean()), "val_activity_mean": float(np.mean(per))}


def _with_activities(examples: Examples) -> Examples:
    """Those whose activity is known; a dataset without activities adds nothing to stage 1."""
    known = np.array([activity is not None for activity in examples.activities])
    if not known.any():
        raise ConfigError("No face has an activity.", "Stage 1 learns from nothing else; begin with stage 2.")
    return examples if known.all() else examples.subset(np.flatnonzero(known))
