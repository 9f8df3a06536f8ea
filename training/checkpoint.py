"""A model as a file, and what a model takes over from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError
from torch import nn

from clef_rt.errors import BundleError, ConfigError
from training.model import ClefModel
from training.model_config import ModelConfig
from training.projection import BentProjection

__all__ = ["MODEL", "load_checkpoint", "save_checkpoint", "take_over"]

MODEL: Final = "model.pt"
FORMAT: Final = "clef-checkpoint-2"


def save_checkpoint(model: ClefModel, path: Path) -> None:
    """Write a checkpoint that `load_checkpoint` reads; an old one is replaced once the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"format": FORMAT, "config": model.config.model_dump_json(), "state": model.state_dict()}, part)
    part.replace(path)


def load_checkpoint(path: Path, *, tower: bool = False) -> ClefModel:
    """Load a checkpoint: a file, or a folder with `model.pt`.

    Args:
        path: the file or folder.
        tower: with the text tower, if it was tuned: to train on, or to embed other sentences.

    Raises:
        BundleError: it is no checkpoint of ours, or is damaged.
        FileNotFoundError: there is none.
    """
    file = path / MODEL if path.is_dir() else path
    try:
        found: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # torch raises what zip and pickle do
        why = str(error).partition("\n")[0] or type(error).__name__
        raise BundleError(f"{file} can't be read: {why}.", "Train it again.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BundleError(f"{file} isn't a checkpoint of this version.", "Train it again.")
    try:
        config = ModelConfig.model_validate_json(found["config"])
    except ValidationError as error:
        raise BundleError(f"{file}: {error.error_count()} settings are wrong.", "Train it again.") from None
    state = found["state"]
    features = {kind: state[f"texts.{kind}.features"] for kind in ("names", "descriptions", "levels")}
    # Its weights come from the file: what they were first begun with isn't needed.
    model = ClefModel(config.model_copy(update={"init": "random"}), features, tower=tower)
    model.config = config
    if not tower:
        state = {name: value for name, value in state.items() if not name.startswith("tower.")}
    model.load_state_dict(state)
    return model.eval()


def take_over(model: ClefModel, start: ClefModel) -> None:
    """Begin with another model's encoder, projections and text tower; labels, scales and biases stay the model's own.

    Raises:
        ConfigError: the two aren't built alike.
    """
    for part in ("encoder", "image_head", "text_head", "tower"):
        mine, theirs = getattr(model, part), getattr(start, part)
        if mine is None and theirs is None:
            continue
        if not (isinstance(mine, nn.Module) and isinstance(theirs, nn.Module)):
            raise ConfigError("The start has its text tower tuned, or the new model has, and not both.")
        try:
            added = isinstance(mine, BentProjection) and not isinstance(theirs, BentProjection)
            mine.load_state_dict(theirs.state_dict(), strict=not added)
        except RuntimeError:
            raise ConfigError(f"The start's {part.replace('_', ' ')} isn't built as the model's is.") from None
    if model.tower is not None:
        model.refresh_texts()
