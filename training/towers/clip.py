"""CLIP's text transformer, the paper's text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from training.clip_weights import Init, clip_text, clip_tokenizer
from training.towers.tower import TextTower, Tokens

__all__ = ["ClipText"]


class ClipText(TextTower):
    """CLIP's text transformer with its projection into the joint space.

    Args:
        name: a key of `CLIPS`.
        init: `pretrained` or `random`.

    Raises:
        ConfigError: the weights can't be had.
    """

    def __init__(self, name: str, init: Init) -> None:
        super().__init__()
        self.clip: Any = clip_text(name, init)
        self._tokenizer = clip_tokenizer(name, init)
        self.features = int(self.clip.config.projection_dim)

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Sentences as tokens, padded to the longest; at most CLIP's 77."""
        longest = int(self.clip.config.max_position_embeddings)
        found = self._tokenizer(list(sentences), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    def forward(self, tokens: Tokens) -> Tensor:
        """(n, `features`) float32."""
        found: Tensor = self.clip(**tokens).text_embeds
        return found
