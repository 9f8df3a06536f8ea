"""How the projection of texts begins: with the labels' names well apart."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm

__all__ = ["BentProjection", "spread"]

_LEAST: Final = 0.02  # of the mean variance: what differs less than that is no more enlarged


class BentProjection(nn.Linear):
    """A linear projection and, beside it, one hidden layer over its result; the latter begins at nothing.

    In a sentence encoder "on the left side" shifts every sentence by the same amount. A linear projection keeps that:
    it can tell left from right, but not a smile on the left with a frown on the right. The hidden layer lets a side
    mean something else for each Action Unit.

    Args:
        wide: f, of the texts' features.
        out: d.
        hidden: the hidden layer's width.
    """

    def __init__(self, wide: int, out: int, hidden: int) -> None:
        super().__init__(wide, out)
        self.inner = nn.Linear(out, hidden)
        self.outer = nn.Linear(hidden, out, bias=False)
        nn.init.normal_(self.inner.weight, std=1.5 * out**-0.5)
        nn.init.zeros_(self.outer.weight)

    def forward(self, features: Tensor) -> Tensor:
        """(n, f) to (n, d)."""
        straight = super().forward(features)
        size = straight.detach().square().mean(dim=1, keepdim=True).sqrt()  # what is added is as large as that
        bent: Tensor = self.outer(gelu(self.inner(layer_norm(straight, straight.shape[-1:]))))
        return straight + size * bent


@torch.no_grad()
def spread(head: nn.Linear, names: Tensor) -> None:
    """Set a projection's weights so that names that a sentence encoder finds nearly alike begin far from each other.

    "…on the left side of the face" and "…on the right side" have a cosine of 0.996 in MiniLM, and all names share most
    of their template. A projection begun at random keeps that, and takes thousands of steps to undo it. This one
    subtracts the names' mean and evens their variances out (whitening, with a floor), then turns at random.

    Args:
        head: (f) to (d); changed in place. With fewer than three names it stays as it is.
        names: (k, f) features of the labels' names.
    """
    if len(names) < 3:
        return
    names = names.to(torch.float64)
    mean = names.mean(dim=0)
    _, lengths, axes = torch.linalg.svd(names - mean, full_matrices=False)
    variances = lengths.square() / len(names)
    gains = (variances + _LEAST * variances.mean()).rsqrt()
    usual = gains[: max(len(gains) // 2, 1)].mean()
    whole = torch.eye(names.shape[1], dtype=names.dtype) * usual + axes.T @ torch.diag(gains - usual) @ axes
    turn = torch.linalg.qr(torch.randn(max(head.weight.shape), min(head.weight.shape), dtype=names.dtype)).Q
    turn = turn.T if turn.shape[0] == names.shape[1] else turn
    weight = turn @ whole / usual  # about as large as a random one's
    head.weight.copy_(weight)
    head.bias.copy_(-weight @ mean)
