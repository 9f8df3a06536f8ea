"""Stage 1: contrastive learning from activities, `L_II' + L_IA` (CLEF, method figure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from training.augment import Augment
from training.data import Examples, balanced_batches, load_examples
from training.evaluate import embed_all
from training.loop import Settings, fit
from training.losses import image_activity, image_image
from training.model import ClefModel
from training.setup import config_for
from training.text import encode_sentences
from training.texts import activity_sentence, load_activities

__all__ = ["Stage1", "train_stage1"]


class Stage1(nn.Module):
    """The model with the texts of the activities.

    Args:
        model: what is trained.
        sentences: one an activity.
        temperature: τ of both losses.
    """

    sentence_features: Tensor

    def __init__(self, model: ClefModel, sentences: Sequence[str], temperature: float = 0.1) -> None:
        super().__init__()
        self.model = model
        self.augment = Augment(strength=1.2)
        self.temperature = temperature
        self.register_buffer("sentence_features", encode_sentences(sentences))

    def forward(self, faces: Tensor, activities: Tensor) -> dict[str, Tensor]:
        """The losses of a batch: (n, S, S, C) uint8 faces and their (n,) activities."""
        views = self.model.normalise(self.augment(torch.cat([faces, faces])))
        z = self.model.embed(views.contiguous(memory_format=torch.channels_last))
        texts = self.model.project_text(self.sentence_features)
        twice = torch.cat([activities, activities])
        return {
            "image_image": image_image(z, twice, self.temperature),
            "image_activity": image_activity(z, texts, twice, self.temperature),
        }


def train_stage1(
    folders: Sequence[Path], out: Path, *, encoder: str, settings: Settings, resume: bool, console: Console
) -> ClefModel:
    """Train stage 1 on the training split of prepared folders.

    Raises:
        ConfigError: the data or the run's folder is wrong (`load_examples`, `fit`).
    """
    train = load_examples(folders, "train")
    val = load_examples(folders, "val")
    names, activities = np.unique(train.activities.astype(str), return_inverse=True)
    known = load_activities()
    torch.manual_seed(settings.seed)
    model = ClefModel(config_for(train, encoder))
    stage = Stage1(model, [activity_sentence(name, known) for name in names])
    groups = torch.from_numpy(activities)

    def terms(wrapped: nn.Module, rows: Tensor) -> Mapping[str, Tensor]:
        device = next(wrapped.parameters()).device
        faces = torch.from_numpy(train.faces[rows.numpy()]).to(device)
        losses: Mapping[str, Tensor] = wrapped(faces, groups[rows].to(device))
        return losses

    return fit(
        model,
        stage,
        batches=lambda generator: balanced_batches(groups, settings.batch, generator),
        steps=max(len(train) // settings.batch, 1),
        terms=terms,
        validate=lambda best: activity_retrieval(best, stage.sentence_features, val, list(names)),
        settings=settings,
        out=out,
        resume=resume,
        console=console,
    )


def activity_retrieval(model: ClefModel, features: Tensor, val: Examples, names: list[str]) -> dict[str, float]:
    """How often the nearest sentence is the face's own; over faces, and as a mean over activities."""
    z = embed_all(model, val.faces)
    with torch.no_grad():
        nearest = (z @ model.project_text(features.to(z.device)).T).argmax(dim=1).cpu().numpy()
    own = np.array([names.index(name) if name in names else -1 for name in val.activities])
    hit = nearest == own
    per = [hit[own == k].mean() for k in np.unique(own)]
    return {"val_activity": float(hit.mean()), "val_activity_mean": float(np.mean(per))}
