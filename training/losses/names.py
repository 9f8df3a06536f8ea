"""Stage 2: pictures against the names of labels, and the names against what they look like."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from training.losses.labels import asymmetric

__all__ = ["au_names", "description_names", "expression_names"]


def expression_names(
    images: Tensor, names: Tensor, votes: Tensor, scale: float | Tensor, weights: Tensor | None = None
) -> Tensor:
    r"""`L_IN` for expressions: softmax over names (CLEF, method figure).

        L_IN = mean_i −Σ_c v_ic log( exp(s·z_i·n_c) / Σ_k exp(s·z_i·n_k) )

    Args:
        images: (n, d), of length 1.
        names: (c, d), of length 1.
        votes: (n, c), each row sums to 1; rows with NaN count for nothing.
        scale: s, the logit scale.
        weights: (c,) of the classes, against imbalance.

    Returns:
        A scalar; 0 where no row is known.
    """
    known = votes.isfinite().all(dim=1)
    if not (votes.shape[1] and known.any()):
        return images.sum() * 0
    return cross_entropy((scale * images[known] @ names.T).float(), votes[known], weight=weights)


def au_names(
    images: Tensor,
    names: Tensor,
    biases: Tensor,
    present: Tensor,
    scale: float | Tensor,
    *,
    weights: Tensor | None = None,
    focal: bool = False,
) -> Tensor:
    r"""`L_IN` for Action Units: each name by itself, so that absence is learned too.

        L_IN = mean over known (i, c) of w_c · BCE( σ(s·z_i·n_c + b_c), p_ic )

    The paper doesn't give its form for several labels at once; this one exports as it is (`clef_rt.labels`).

    Args:
        images: (n, d), of length 1.
        names: (c, d), of length 1.
        biases: (c,).
        present: (n, c) probabilities, 0–1; NaN where unknown.
        scale: s, the logit scale.
        weights: (c,) of the Action Units, against imbalance.
        focal: the asymmetric loss in place of BCE.

    Returns:
        A scalar; 0 where nothing is known.
    """
    known = present.isfinite()
    logits = (scale * images @ names.T + biases).float()
    truth = present.nan_to_num().to(logits.dtype)
    losses = asymmetric(logits, truth) if focal else binary_cross_entropy_with_logits(logits, truth, reduction="none")
    if weights is not None:
        losses = losses * weights
    return (losses * known).sum() / known.sum().clamp(min=1)


def description_names(descriptions: Tensor, names: Tensor, temperature: float | Tensor) -> Tensor:
    r"""`L_DN`, a description against all names (CLEF, method figure): ties names to what they look like.

        L_DN = mean_c −log( exp(d_c·n_c/τ) / Σ_k exp(d_c·n_k/τ) ), and the same from names to descriptions; their mean.

    Args:
        descriptions: (c, d), of length 1: one drawn for each label.
        names: (c, d), of length 1, in the same order.
        temperature: τ.
    """
    logits = (descriptions @ names.T / temperature).float()
    target = torch.arange(len(names), device=names.device)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2
