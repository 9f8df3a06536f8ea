"""A table of sentences as features: kept where the text tower is frozen, encoded at each use where it is tuned."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from clef_rt.files import cache_folder, whole_file
from training.clip_weights import Init
from training.towers import TextTower, make_tower
from training.towers.tower import Tokens

__all__ = ["TextTable", "frozen_features", "frozen_tower"]


class TextTable(nn.Module):
    """Sentences and their features.

    Args:
        sentences: n of them.
        features: (n, f), as a frozen tower gives them.
    """

    features: Tensor

    def __init__(self, sentences: Sequence[str], features: Tensor) -> None:
        super().__init__()
        self.sentences = tuple(sentences)
        self.register_buffer("features", features)
        self._tokens: Tokens = {}

    def __len__(self) -> int:
        return len(self.sentences)

    def forward(self, tower: TextTower | None, rows: Tensor | None = None) -> Tensor:
        """Features (n, f) of all sentences, or of some.

        Args:
            tower: the one that is tuned; None where the features don't change.
            rows: (m,) which sentences.
        """
        if tower is None or not self.sentences:
            return self.features if rows is None else self.features[rows]
        if not self._tokens:
            self._tokens = tower.tokenize(self.sentences)
        device = self.features.device
        if next(iter(self._tokens.values())).device != device:
            self._tokens = {name: values.to(device) for name, values in self._tokens.items()}
        found: Tensor = tower(self._tokens if rows is None else {k: v[rows] for k, v in self._tokens.items()})
        return found

    def refresh(self, tower: TextTower) -> None:
        """Keep the features that the tower gives now, so that the tower isn't needed to score."""
        self.features = tower.encode(self.sentences).to(self.features.device) if self.sentences else self.features


@lru_cache(maxsize=2)
def frozen_tower(name: str, init: Init) -> TextTower:
    """A tower that isn't trained; the same object for the same name.

    Raises:
        ConfigError: its weights can't be had.
        MissingExtra: the package with its weights isn't installed.
    """
    with torch.random.fork_rng(devices=[]):  # random weights don't depend on when they are first asked for
        torch.manual_seed(0)
        tower = make_tower(name, init)
    return tower.eval().requires_grad_(False)


def frozen_features(name: str, init: Init, sentences: Sequence[str]) -> Tensor:
    """Features of sentences, (n, f) float32, by a tower that isn't trained.

    A thousand sentences take half a minute of a core, and every run asks for the same: they are kept in memory, and in
    the cache folder by tower and sentences. Random weights' aren't written.

    Raises:
        ConfigError: the tower's weights can't be had.
        MissingExtra: the package with its weights isn't installed.
    """
    if not sentences:
        return torch.zeros(0, frozen_tower(name, init).features)
    return _kept(name, init, tuple(sentences)).clone()


@lru_cache(maxsize=32)
def _kept(name: str, init: Init, sentences: tuple[str, ...]) -> Tensor:
    if init == "random" and name != "minilm":
        return frozen_tower(name, init).encode(sentences)
    key = hashlib.sha256("\n".join([name, *sentences]).encode()).hexdigest()[:32]
    path = cache_folder() / "texts" / f"{key}.safetensors"
    try:
        found = load_file(path)["features"]
        if len(found) == len(sentences):
            return found
    except (OSError, KeyError, SafetensorError):
        pass  # not kept yet, or damaged
    features = frozen_tower(name, init).encode(sentences)
    try:
        with whole_file(path) as partial:
            save_file({"features": features.contiguous()}, partial)
    except OSError:
        pass  # a full disk costs the next run its half minute, nothing else
    return features
