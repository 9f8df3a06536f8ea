"""Labels added with the training side's text towers: any tower, CLIP's too, and those that were tuned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle import Bundle
from clef_rt.errors import ConfigError, MissingExtra
from clef_rt.text import FrozenText, TextEncoder, check_probe, text_of

if TYPE_CHECKING:
    from training.model import ClefModel
    from training.towers import TextTower

__all__ = ["training_text_encoder"]


class _FrozenTower:
    """A tower of the training side, as the bundle's projection takes it."""

    def __init__(self, tower: TextTower) -> None:
        self._tower = tower

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._tower.encode(sentences).cpu().numpy()
        return found


class _Checkpoint:
    """A checkpoint whose tower was tuned, as a whole."""

    def __init__(self, model: ClefModel) -> None:
        self._model = model

    def embed(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            found: NDArray[np.float32] = self._model.embed_sentences(sentences).cpu().numpy()
        return found


def training_text_encoder(bundle: Bundle, checkpoint: Path | None) -> TextEncoder:
    """The bundle's text side, by torch.

    Args:
        bundle: to be added to.
        checkpoint: what it was exported from; needed where its text tower was tuned.

    Raises:
        BundleError: the bundle can't embed texts, or another tower or checkpoint made it.
        ConfigError: the checkpoint is needed, or the tower's weights can't be had.
        MissingExtra: torch, or what else training needs, isn't installed.
    """
    spec = text_of(bundle)
    if spec.tuned and checkpoint is None:
        raise ConfigError(
            f"{bundle.path}: its text tower was tuned, and only the checkpoint has it.",
            "Say where that is: --checkpoint RUN.",
        )
    encoder: TextEncoder
    try:
        if checkpoint is not None:
            from training.checkpoint import load_checkpoint

            if not checkpoint.exists():
                raise ConfigError(f"{checkpoint}: no such checkpoint.")
            encoder = _Checkpoint(load_checkpoint(checkpoint, tower=True))
        else:
            from training.clip_weights import CLIPS
            from training.text_table import frozen_tower

            made_up = spec.tower in CLIPS and not CLIPS[spec.tower].hub  # there are no weights to load
            encoder = FrozenText(bundle, _FrozenTower(frozen_tower(spec.tower, "random" if made_up else "pretrained")))
    except ImportError as error:
        raise MissingExtra(error.name or "torch", "export,training") from None
    check_probe(bundle, encoder)
    return encoder
