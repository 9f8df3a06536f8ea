"""Stage 2 for Action Units, several of which are present at once: what to try beside the sigmoid of `names`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, logsigmoid

__all__ = ["asymmetric", "intensity_levels", "present_names"]


def present_names(images: Tensor, names: Tensor, present: Tensor, scale: float | Tensor) -> Tensor:
    r"""`L_IN` for Action Units as a contrastive loss: the present names are the picture's positives.

        L_IN = mean_i −Σ_c w_ic log( exp(s·z_i·n_c) / Σ_k exp(s·z_i·n_k) ),  w_ic = p_ic / Σ_k p_ik

    The literal reading of the paper's figure. It gives no probability, and says nothing of a picture with none present.

    Args:
        images: (n, d), of length 1.
        names: (c, d), of length 1.
        present: (n, c) probabilities, 0–1; NaN where unknown: such a name is no negative either.
        scale: s, the logit scale.

    Returns:
        A scalar; 0 where no picture shows any.
    """
    known = present.isfinite()
    logits = (scale * images @ names.T).float().masked_fill(~known, -torch.inf)
    weights = torch.where(known & (present >= 0.5), present.nan_to_num(), 0.0).to(logits.dtype)
    shows = weights.sum(dim=1) > 0
    if not shows.any():
        return images.sum() * 0
    likelihoods = log_softmax(logits[shows], dim=1).masked_fill(~known[shows], 0.0)
    shares = weights[shows] / weights[shows].sum(dim=1, keepdim=True)
    return -(likelihoods * shares).sum(dim=1).mean()


def asymmetric(logits: Tensor, present: Tensor, *, focus: float = 2.0, margin: float = 0.05) -> Tensor:
    r"""The asymmetric loss against rare positives (Ridnik et al. 2021, eq. 4 and 5), element by element.

        present: −log(p);  absent: −(p_m)^γ log(1 − p_m),  p_m = max(p − m, 0)

    Args:
        logits: (n, c) float32.
        present: (n, c) probabilities, 0–1, which mix the two.
        focus: γ, by which easy negatives fade.
        margin: m, below which a negative counts for nothing.

    Returns:
        (n, c).
    """
    chance = (logits.sigmoid() - margin).clamp(min=0)
    absent = -(chance**focus) * torch.log1p(-chance.clamp(max=1 - 1e-6))
    return present * -logsigmoid(logits) + (1 - present) * absent


def intensity_levels(logits: Tensor, intensities: Tensor) -> Tensor:
    """Intensity by the text of its level (the paper's outlook): softmax over the six; a value between two is shared.

    Args:
        logits: (n, r, 6): similarity to the text of each level.
        intensities: (n, r), 0–5; NaN where unknown.

    Returns:
        A scalar; 0 where nothing is known.
    """
    known = intensities.isfinite()
    if not known.any():
        return logits.sum() * 0
    values = intensities[known].clamp(0, 5).to(logits.dtype)
    levels = torch.arange(logits.shape[2], device=logits.device, dtype=logits.dtype)
    shares = (1 - (values[:, None] - levels).abs()).clamp(min=0)
    return cross_entropy(logits[known].float(), shares)
