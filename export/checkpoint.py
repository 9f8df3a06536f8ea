"""What a checkpoint gives to a bundle. All that export knows of a model in training is in this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clef_rt.align import face_template
from clef_rt.bundle.spec import ExclusiveGroup, Groups, IndependentGroup, InputSpec, Label
from clef_rt.errors import BundleError, ClefError, MissingExtra

if TYPE_CHECKING:
    import torch

__all__ = ["ClefModel", "SideFiles", "TextSide", "embeddings_of", "groups_of", "input_of", "load_model", "text_side_of"]


class Config(Protocol):
    """A model's configuration, as far as export reads it."""

    image_size: int
    channels: int
    embed_dim: int
    encoder: str
    text_tower: str
    mean: Sequence[float]
    std: Sequence[float]


class LabelText(Protocol):
    """A label's texts."""

    name: str
    text: str
    prompts: Sequence[str]
    bias: float


class LabelRows(Protocol):
    """The labels by group, and their prompts' embeddings: rows by group au, expression; by label; by prompt."""

    groups: Mapping[str, Sequence[LabelText]]
    embeddings: torch.Tensor


class ClefModel(Protocol):
    """A trained model. `training.model.ClefModel` is one."""

    config: Config

    def encode_image(self, faces: torch.Tensor) -> torch.Tensor:
        """(n, S, S, C) uint8 to (n, d) float32 of length 1."""
        ...

    def export_module(self) -> torch.nn.Module:
        """The same as a module that can be traced."""
        ...

    def label_rows(self) -> LabelRows:
        """The labels."""
        ...

    def logit_scale(self, group: str) -> float:
        """The factor before the sigmoid or softmax."""
        ...


def load_model(path: Path) -> ClefModel:
    """Load a checkpoint.

    Raises:
        BundleError: it is missing or damaged.
        MissingExtra: torch, or what else training needs, isn't installed.
    """
    if not path.exists():
        raise BundleError(f"{path}: no such checkpoint.", "Train one with `python -m training`.")
    try:
        from training.checkpoint import load_checkpoint
    except ImportError as error:
        raise MissingExtra(error.name or "torch", "export,training") from None
    try:
        model: Any = load_checkpoint(path)
    except ClefError:
        raise
    except Exception as error:  # torch raises what the damage happens to touch
        first = (str(error).splitlines() or [""])[0]
        raise BundleError(f"{path}: no checkpoint of ours: {type(error).__name__}: {first}") from error
    loaded: ClefModel = model.eval()
    return loaded


def input_of(model: ClefModel) -> InputSpec:
    """What the encoder takes."""
    config = model.config
    return InputSpec.model_validate(
        {
            "size": config.image_size,
            "channels": config.channels,
            "color": "gray" if config.channels == 1 else "rgb",
            "template": tuple((float(x), float(y)) for x, y in face_template(config.image_size).points),
            "mean": tuple(map(float, config.mean)),
            "std": tuple(map(float, config.std)),
        }
    )


def groups_of(model: ClefModel, thresholds: Mapping[str, float], experimental: Sequence[str] = ()) -> Groups:
    """The labels, their prompts' rows numbered in order.

    Args:
        model: the model.
        thresholds: by label name; 0.5 for those not in it.
        experimental: names of labels to mark so.

    Raises:
        BundleError: a threshold or mark is for no label.
    """
    found = model.label_rows()
    if unknown := sorted(
        {*thresholds, *experimental} - {each.name for group in found.groups.values() for each in group}
    ):
        raise BundleError(f"Thresholds or marks for labels that the model lacks: {', '.join(unknown)}.")
    row = 0
    labels: dict[str, list[Label]] = {"au": [], "expression": []}
    for group in labels:
        for each in found.groups.get(group, ()):
            labels[group].append(
                Label(
                    name=each.name,
                    text=each.text,
                    prompts=tuple(each.prompts),
                    rows=tuple(range(row, row + len(each.prompts))),
                    bias=float(each.bias),
                    threshold=thresholds.get(each.name, 0.5),
                    experimental=each.name in experimental,
                )
            )
            row += len(each.prompts)
    return Groups(
        au=IndependentGroup(logit_scale=model.logit_scale("au"), labels=tuple(labels["au"])),
        expression=ExclusiveGroup(logit_scale=model.logit_scale("expression"), labels=tuple(labels["expression"])),
    )


def embeddings_of(model: ClefModel) -> NDArray[np.float32]:
    """(rows, d) float32: the prompts' embeddings, brought to length 1 exactly."""
    table: NDArray[np.float64] = model.label_rows().embeddings.detach().cpu().double().numpy()
    return np.ascontiguousarray(table / np.linalg.norm(table, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True)
class TextSide:
    """How a model makes embeddings of sentences.

    Attributes:
        tower: the text tower's name.
        tuned: the tower was trained, so that only the checkpoint has it.
        features: f, how many numbers the tower makes of a sentence.
        template: what a label's words are put into.
        module: from features (n, f) float32 to embeddings (n, d) float32 of length 1.
        probe: a sentence that the model has the features of.
        probe_features: (1, f) float32.
    """

    tower: str
    tuned: bool
    features: int
    template: str
    module: torch.nn.Module
    probe: str
    probe_features: torch.Tensor


def text_side_of(model: Any) -> TextSide | None:
    """The model's text side; None where its labels aren't texts."""
    config = model.config
    if config.text_tower == "none" or config.head == "index":
        return None
    from torch import Tensor, nn

    class Projection(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, features: Tensor) -> Tensor:
            embeddings: Tensor = self.model.project_text(features)
            return embeddings

    names = model.texts["names"]
    return TextSide(
        tower=config.text_tower,
        tuned=config.tuned_text,
        features=names.features.shape[1],
        template=config.texts.templates.name,
        module=Projection(),
        probe=names.sentences[0],
        probe_features=names.features[:1].cpu(),
    )


@dataclass(frozen=True, slots=True)
class SideFiles:
    """What may lie beside a checkpoint.

    `thresholds.json`, `experimental.json` (labels, each with a reason), `metrics.json`, `provenance.json` and
    `MODEL_CARD.md`.
    """

    folder: Path

    @classmethod
    def of(cls, checkpoint: Path) -> SideFiles:
        """Those of a checkpoint, be it a file or a folder."""
        return cls(checkpoint if checkpoint.is_dir() else checkpoint.parent)

    def mapping(self, name: str, given: Path | None = None) -> dict[str, Any]:
        """A JSON object; {} where the file isn't there and wasn't given.

        Raises:
            BundleError: it is no JSON object, or the one given isn't there.
        """
        path = given or self.folder / name
        if given is None and not path.exists():
            return {}
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BundleError(f"{path} can't be read: {error.strerror}.") from None
        except ValueError as error:
            raise BundleError(f"{path} is no JSON: {error}.") from None
        if not isinstance(value, dict):
            raise BundleError(f"{path} holds no JSON object.")
        return value

    def card(self, given: Path | None = None) -> str | None:
        """The model card; None where there is none and none was given."""
        path = given or self.folder / "MODEL_CARD.md"
        if given is None and not path.exists():
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{path} can't be read: {error}.") from None
