"""How large a batch is useful."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from pydantic import BaseModel, ConfigDict

__all__ = ["Trial", "largest_useful_batch", "out_of_memory"]

_WORTH: Final = 1.05


class Trial(BaseModel):
    """A batch that was tried.

    Attributes:
        batch: faces a step.
        images_per_s: of the median step; None where memory ended.
    """

    model_config = ConfigDict(extra="forbid")

    batch: int
    images_per_s: float | None


def largest_useful_batch(rate: Callable[[int], float], *, first: int, most: int) -> tuple[int, list[Trial]]:
    """Double the batch until it gives less than 5 % more images a second, or memory ends.

    Args:
        rate: images a second of a batch; raises `MemoryError` or PyTorch's where it doesn't fit.
        first: the first to try.
        most: the largest to try.

    Returns:
        The fastest of those tried, and all trials.

    Raises:
        MemoryError: not even the first fits.
    """
    trials: list[Trial] = []
    batch = first
    while batch <= most:
        try:
            trials.append(Trial(batch=batch, images_per_s=rate(batch)))
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if not trials:
                raise MemoryError(f"a batch of {first}") from None
            trials.append(Trial(batch=batch, images_per_s=None))
            break
        rates = [trial.images_per_s or 0.0 for trial in trials]
        if len(rates) > 1 and rates[-1] < _WORTH * rates[-2]:
            break
        batch *= 2
    return max(trials, key=lambda trial: trial.images_per_s or 0.0).batch, trials


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ended: the GPU's, or the machine's as PyTorch's allocator words it."""
    words = ("not enough memory", "can't allocate memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in str(error) for word in words)
