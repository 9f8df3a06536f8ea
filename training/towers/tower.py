"""What a text tower is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["TextTower", "Tokens"]

Tokens = dict[str, Tensor]
"""What a tokenizer gives: (n, length) each."""


class TextTower(nn.Module):
    """From sentences to features, in two steps: the tokens are kept where the weights change.

    Attributes:
        features: how many numbers a sentence becomes.
    """

    features: int

    def tokenize(self, sentences: Sequence[str]) -> Tokens:
        """Sentences as tokens, padded to the longest."""
        raise NotImplementedError

    def forward(self, tokens: Tokens) -> Tensor:
        """(n, `features`) float32, of no particular length."""
        raise NotImplementedError

    @torch.no_grad()
    def encode(self, sentences: Sequence[str], *, batch: int = 64) -> Tensor:
        """Features of sentences, (n, `features`) float32, as the weights are now.

        Args:
            sentences: any number; a sentence that occurs twice is encoded once.
            batch: how many at a time.
        """
        training, device = self.training, next(self.parameters()).device
        self.eval()
        unique = sorted(set(sentences))
        parts = []
        for start in range(0, len(unique), batch):
            tokens = self.tokenize(unique[start : start + batch])
            parts.append(self({name: values.to(device) for name, values in tokens.items()}).float())
        self.train(training)
        row = {sentence: number for number, sentence in enumerate(unique)}
        return torch.cat(parts)[[row[sentence] for sentence in sentences]]
