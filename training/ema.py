"""A running average of the weights, which scores better than any single step's."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["RunningAverage"]


class RunningAverage(AveragedModel):
    """The model's running average; its memory grows with the steps up to `decay`.

    So a short run isn't half its random start. It counts its steps on the host:
    PyTorch's own reads a number back from the GPU.

    Args:
        model: what is averaged, its buffers too.
        decay: the longest memory; with 0 it is the model itself, a step long.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self._decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in the weights as they are now; the first time they are copied."""
        steps = int(self.n_averaged)  # a tensor on the host
        keep = min((1 + steps) / (10 + steps), self._decay) if steps else 0.0
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        moving = [pair for pair in pairs if pair[0].is_floating_point()]
        still = [pair for pair in pairs if not pair[0].is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in moving], [new for _, new in moving], 1 - keep)
        if still:
            torch._foreach_copy_([mean for mean, _ in still], [new for _, new in still])
        self.n_averaged += 1


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]
