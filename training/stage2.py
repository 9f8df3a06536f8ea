"""Stage 2: recognition by the names of the labels, `L_IN + L_DN` (CLEF, method figure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor, nn

from clef_rt.errors import ConfigError
from training.augment import Augment
from training.data import load_examples, shuffled_batches
from training.evaluate import quick_figures
from training.loop import Settings, fit
from training.losses import au_names, description_names, expression_names
from training.model import ClefModel, load_checkpoint
from training.setup import config_for

__all__ = ["Stage2", "train_stage2"]


class Stage2(nn.Module):
    """The model with stage 2's losses.

    Args:
        model: what is trained.
        au_weight: of the Action Units' term, whose binary losses are small beside a softmax's.
        text_weight: of `L_DN`.
        temperature: τ of `L_DN`.
    """

    def __init__(
        self, model: ClefModel, *, au_weight: float = 4.0, text_weight: float = 0.2, temperature: float = 0.07
    ) -> None:
        super().__init__()
        self.model = model
        self.augment = Augment()
        self.au_weight = au_weight
        self.text_weight = text_weight
        self.temperature = temperature
        self._draw = torch.Generator().manual_seed(0)

    def forward(self, faces: Tensor, votes: Tensor, aus: Tensor) -> dict[str, Tensor]:
        """The losses of a batch: (n, S, S, C) uint8 faces, (n, e) votes and (n, k) Action Units, NaN where unknown."""
        model = self.model
        images = model.normalise(self.augment(faces)).contiguous(memory_format=torch.channels_last)
        z = model.embed(images)
        names = model.project_text(model.name_features)
        au, expression = model.span("au"), model.span("expression")
        descriptions = model.draw_descriptions(self._draw)
        return {
            "expression": expression_names(z, names[expression], votes, model.scale("expression")),
            "au": self.au_weight * au_names(z, names[au], model.au_bias, aus, model.scale("au")),
            "description": self.text_weight * description_names(descriptions, names, self.temperature),
        }


def train_stage2(
    folders: Sequence[Path],
    out: Path,
    *,
    start: Path | None,
    encoder: str,
    settings: Settings,
    resume: bool,
    console: Console,
) -> ClefModel:
    """Train stage 2 on the training split of prepared folders.

    Args:
        folders: prepared datasets.
        out: the run's folder.
        start: stage 1's checkpoint; None to start from nothing.
        encoder: as in `training.encoders`; only without `start`.
        settings: how.
        resume: go on with the run in `out`.
        console: for the progress.

    Raises:
        ConfigError: the data, the start or the run's folder is wrong.
    """
    train = load_examples(folders, "train")
    val = load_examples(folders, "val")
    if start is not None and not start.exists():
        raise ConfigError(f"{start}: no such checkpoint.", "Train stage 1 first, or leave --start out.")
    torch.manual_seed(settings.seed)
    model = load_checkpoint(start) if start is not None else None
    config = config_for(train, model.config.encoder if model is not None else encoder)
    if model is None:
        model = ClefModel(config)
    elif (model.config.image_size, model.config.texts) != (config.image_size, config.texts):
        raise ConfigError(f"{start} was trained for other crops or labels.", "Train stage 1 on the same folders.")
    stage = Stage2(model)
    votes, aus = torch.from_numpy(train.votes), torch.from_numpy(train.aus)

    def terms(wrapped: nn.Module, rows: Tensor) -> Mapping[str, Tensor]:
        device = next(wrapped.parameters()).device
        faces = torch.from_numpy(train.faces[rows.numpy()]).to(device)
        losses: Mapping[str, Tensor] = wrapped(faces, votes[rows].to(device), aus[rows].to(device))
        return losses

    return fit(
        model,
        stage,
        batches=lambda generator: shuffled_batches(len(train), settings.batch, generator),
        steps=max(len(train) // settings.batch, 1),
        terms=terms,
        validate=lambda best: quick_figures(best, val),
        settings=settings,
        out=out,
        resume=resume,
        console=console,
    )
