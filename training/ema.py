"""A running average of the weights, which scores better than any single step's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["running_average"]


def running_average(model: nn.Module, decay: float) -> AveragedModel:
    """The model's running average; its memory grows with the steps up to `decay`.

    So a short run isn't half its random start. With a decay of 0 it is the model itself, a step long.
    """
    return AveragedModel(model, multi_avg_fn=_mean(decay), use_buffers=True)


def _mean(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    @torch.no_grad()
    def average(mean: Sequence[Tensor], new: Sequence[Tensor], steps: Tensor | int) -> None:
        if not mean[0].is_floating_point():
            torch._foreach_copy_(list(mean), list(new))
            return
        keep = min(decay, (1 + int(steps)) / (10 + int(steps)))
        torch._foreach_lerp_(list(mean), list(new), 1 - keep)

    return average
