"""A run under evaluation: its model, its folder, the data; and the JSON that is written beside its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from clef_rt.errors import ConfigError
from clef_rt.files import whole_file
from training.checkpoint import load_checkpoint
from training.config import CONFIG, RunConfig, read_config
from training.data import Examples, load_examples
from training.evaluation.lineage import Lineage
from training.model import ClefModel
from training.prepare import Prepared

__all__ = ["Subject", "numbers", "open_run", "provenance", "read_json", "write_json"]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is evaluated.

    Attributes:
        folder: the run's, where figures are written.
        model: on the device that scores.
        sets: the prepared folders.
        fold: of datasets in folds: which is tested on.
    """

    folder: Path
    model: ClefModel
    sets: Mapping[Path, Prepared]
    fold: int | None

    @property
    def name(self) -> str:
        """What our model is called in tables."""
        return self.folder.name or str(self.folder)

    @property
    def teachers(self) -> dict[str, str]:
        """What labelled each dataset's Action Units; empty where the dataset itself did."""
        return {prepared.facts.dataset: prepared.facts.teacher for prepared in self.sets.values()}

    def examples(self, split: str) -> Examples:
        """The faces of a split, of all folders.

        Raises:
            ConfigError: there are none, or they aren't of the model's size or labels.
        """
        config = self.model.config
        smaller = all(prepared.facts.size > config.image_size for prepared in self.sets.values())
        found = load_examples(
            list(self.sets),
            split,
            fold=self.fold,
            aus=config.au_names,
            expressions=config.expression_names,
            side=config.image_size if smaller else None,  # a run on small pictures, from which another goes on
        )
        wanted = (config.image_size, config.image_size, config.channels)
        if found.faces.shape[1:] != wanted:
            raise ConfigError(
                f"The model takes crops of {wanted}; these are {found.faces.shape[1:]}.",
                "Prepare the data as for training.",
            )
        return found

    def about(self) -> dict[str, Any]:
        """The model as its card describes it."""
        config = self.model.config
        return {
            "encoder": config.encoder,
            "weights": sum(weight.numel() for weight in self.model.export_module().parameters()),
            "text_tower": config.text_tower,
            "embed_dim": config.embed_dim,
            "image_size": config.image_size,
            "channels": config.channels,
            "action_units": list(config.au_names),
            "expressions": list(config.expression_names),
        }


def open_run(checkpoint: Path, folders: Sequence[Path], *, fold: int | None = None, device: str = "auto") -> Subject:
    """Load a checkpoint and prepared folders.

    Args:
        checkpoint: the run's folder, or its `model.pt`.
        folders: prepared datasets.
        fold: which is tested on; by default the one that the run was trained for.
        device: as torch calls it; `auto` is CUDA where there is some.

    Raises:
        ConfigError: a folder isn't prepared, there is no such device, or the run has seen the fold.
        BundleError: the checkpoint isn't one.
    """
    beside = checkpoint if checkpoint.is_dir() else checkpoint.parent
    fold = _fold(beside, fold)
    model = _move(load_checkpoint(checkpoint), device)
    return Subject(beside, model, {folder: Prepared.load(folder) for folder in folders}, fold)


def read_json(path: Path) -> Any:
    """What a JSON file holds; None where there is none.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read: {error}.", "Evaluate the run again.") from None


def write_json(path: Path, value: Any) -> Path:
    """Write JSON; an old file is replaced once the new one is whole."""
    with whole_file(path) as part:
        part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    return path


def provenance(past: Lineage) -> dict[str, str]:
    """Where a model comes from, as a bundle tells it."""
    faces = [f"{each.dataset}, {each.faces or 'unknown'} faces" for each in past.seen]
    if past.unknown:
        faces.append(f"unknown: {past.unknown}, which it began with")
    return {
        "training_data": "; ".join(faces) or "unknown",
        "photographs": "yes" if past.photographs else "none",
        "action_units": "; ".join(past.teachers) or "the datasets'",
        "method": "CLEF, stages 1 and 2 (Zhang et al., ICCV 2023), own implementation",
    }


def numbers(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as a bundle holds them: numbers by name. Intervals become `low` and `high`; what is none is left out."""
    found: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            found[key] = numbers(value)
        elif isinstance(value, int | float):
            found[key] = value
        elif key.endswith("_interval") and value is not None:
            found[key] = {"low": value[0], "high": value[1]}
    return found


def _fold(run: Path, fold: int | None) -> int | None:
    if not (run / CONFIG).exists():
        return fold
    trained = RunConfig.of(read_config(run / CONFIG)).fold
    if fold is not None and trained is not None and fold != trained:
        raise ConfigError(
            f"{run} was trained for fold {trained}: it has seen subjects of fold {fold}.", f"Leave --fold {fold} out."
        )
    return trained if fold is None else fold


def _move(model: ClefModel, device: str) -> ClefModel:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return model.to(device)
    except (AssertionError, RuntimeError) as error:  # torch raises the one or the other
        raise ConfigError(f"There is no device {device}: {str(error).splitlines()[0]}", "Try --device cpu.") from None
