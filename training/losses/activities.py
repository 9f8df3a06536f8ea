"""Stage 1: positives are pictures of the same activity, whoever is in them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

__all__ = ["image_activity", "image_image"]


def image_image(views: Tensor, activities: Tensor, temperature: float | Tensor) -> Tensor:
    r"""`L_II'`, image against image (CLEF, method figure; supervised-contrastive form, Khosla et al. 2020, eq. 2).

        L_II' = mean_i −1/|P(i)| Σ_{p ∈ P(i)} log( exp(z_i·z_p/τ) / Σ_{q ≠ i} exp(z_i·z_q/τ) )
        P(i) = {p ≠ i : a_p = a_i}

    Args:
        views: (n, d), of length 1: both views of each picture, in any order.
        activities: (n,) integers: what each shows.
        temperature: τ.

    Returns:
        A scalar. A picture without a positive counts for nothing; 0 where none has one.
    """
    same = activities[:, None] == activities[None, :]
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    logits = (views @ views.T / temperature).masked_fill(itself, -torch.inf)
    likelihoods = log_softmax(logits.float(), dim=1).masked_fill(itself, 0)
    positives = same & ~itself
    counts = positives.sum(dim=1)
    own = -(likelihoods * positives).sum(dim=1) / counts.clamp(min=1)
    has = counts > 0
    return own[has].mean() if has.any() else own.sum() * 0


def image_activity(images: Tensor, texts: Tensor, activities: Tensor, temperature: float | Tensor) -> Tensor:
    r"""`L_IA`, image against the activity's text, both ways (CLEF, method figure; CLIP's loss with many positives).

        image → text: mean_i −log( exp(z_i·t_{a_i}/τ) / Σ_k exp(z_i·t_k/τ) )
        text → image: mean_k −1/|S_k| Σ_{i ∈ S_k} log( exp(t_k·z_i/τ) / Σ_j exp(t_k·z_j/τ) ),  S_k = {i : a_i = k}

    CLIP's own diagonal form would take pictures of the same activity for each other's negatives.

    Args:
        images: (n, d), of length 1.
        texts: (k, d), of length 1: one row an activity.
        activities: (n,) integers in 0 … k−1.
        temperature: τ.

    Returns:
        The mean of both ways, a scalar. Activities that aren't in the batch count as negatives only.
    """
    logits = (images @ texts.T / temperature).float()
    to_text = cross_entropy(logits, activities)
    mine = activities[:, None] == torch.arange(len(texts), device=images.device)[None, :]
    counts = mine.sum(dim=0)
    per_text = -(log_softmax(logits, dim=0) * mine).sum(dim=0) / counts.clamp(min=1)
    return (to_text + per_text[counts > 0].mean()) / 2
