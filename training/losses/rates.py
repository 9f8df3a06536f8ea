"""Stage 2 on photographs without coded Action Units: how often an expression's faces show them, as a bound."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["rate_bounds"]

_FEWEST = 2.0  # votes in a batch, below which a mean says nothing
_EPSILON = 1e-4


def rate_bounds(logits: Tensor, votes: Tensor, least: Tensor, most: Tensor) -> Tensor:
    r"""Keep the mean presence of Action Units among an expression's faces within bounds.

        r_ec = Σ_i v_ie σ(l_ic) / Σ_i v_ie
        L_R = mean over bounded (e, c) of max(0, log(least_ec / r_ec)) + max(0, log((1 − most_ec) / (1 − r_ec)))

    Ours, after learning from label proportions: it says nothing of a single face, so which of the faces called sad
    show AU15 is left to what the model sees in them. A face far from either answer hardly moves, for the sigmoid is
    flat there; those that the model doubts do.

    Args:
        logits: (n, c) of the Action Units.
        votes: (n, e), each row sums to 1; rows with NaN count for nothing.
        least: (e, c) lowest rates, 0–1; 0 for none.
        most: (e, c) highest rates, 0–1; 1 for none.

    Returns:
        A scalar; 0 where no expression has votes enough.
    """
    known = votes.isfinite().all(dim=1, keepdim=True)
    shares = torch.where(known, votes, 0.0).to(torch.float32)
    sums = shares.sum(dim=0)
    rates = (shares.T @ logits.float().sigmoid()) / sums.clamp(min=_FEWEST)[:, None]
    rates = rates.clamp(_EPSILON, 1 - _EPSILON)
    below = (least.clamp(min=_EPSILON) / rates).log().clamp(min=0)
    above = ((1 - most).clamp(min=_EPSILON) / (1 - rates)).log().clamp(min=0)
    bounded = ((least > 0) | (most < 1)) & (sums >= _FEWEST)[:, None]
    return ((below + above) * bounded).sum() / bounded.sum().clamp(min=1)
