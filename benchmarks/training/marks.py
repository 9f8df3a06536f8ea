"""Where a training step's time goes: marks at the borders of its parts, by the loop's and PyTorch's own hooks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from training.ema import RunningAverage
from training.loader import Batch, Loader

__all__ = ["PARTS", "Enough", "MarkedLoader", "Marks"]

PARTS: Final = ("data wait", "augmentation", "forward", "backward", "optimizer", "EMA", "rest")
"""Backward with zeroing and clipping of gradients; the rest is the copy to the device, schedule, logs and progress."""


class Enough(Exception):
    """All steps have been measured."""


class Marks:
    """Notes when each part of a step begins; it ends where the next begins.

    On a GPU the marks are events in its own stream, so nothing waits for anything, and the times are the GPU's: what
    the host does while the GPU is busy costs nothing, and what the GPU waits for counts where it waits.

    Args:
        device: where the step is computed.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[tuple[str, Any]] = []

    def mark(self, part: str) -> None:
        """A part begins."""
        if self._cuda:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            self._marks.append((part, event))
        else:
            self._marks.append((part, time.perf_counter_ns()))

    def clear(self) -> None:
        """Forget all marks but the last, with which a step begins."""
        del self._marks[:-1]

    @contextmanager
    def watch(self, stage: nn.Module) -> Iterator[None]:
        """Mark all parts of the steps but the wait for data, which `MarkedLoader` does."""
        update = RunningAverage.update_parameters

        def average(averaged: RunningAverage, model: nn.Module) -> None:
            self.mark("EMA")
            update(averaged, model)
            self.mark("rest")

        with ExitStack() as stack:
            for hook in (
                stage.register_forward_pre_hook(lambda *_: self.mark("forward")),
                stage.register_forward_hook(lambda *_: self.mark("backward")),
                stage.augment.register_forward_pre_hook(lambda *_: self.mark("augmentation")),  # type: ignore[union-attr]
                stage.augment.register_forward_hook(lambda *_: self.mark("forward")),  # type: ignore[union-attr]
                register_optimizer_step_pre_hook(lambda *_: self.mark("optimizer")),
                register_optimizer_step_post_hook(lambda *_: self.mark("rest")),
            ):
                stack.callback(hook.remove)
            stack.enter_context(patch.object(RunningAverage, "update_parameters", average))
            yield

    def steps(self) -> list[dict[str, float]]:
        """Milliseconds of each part, step by step."""
        if self._cuda:
            torch.cuda.synchronize()
        found: list[Counter[str]] = []
        for (part, begun), (_, ended) in zip(self._marks, self._marks[1:], strict=False):
            if part == "data wait":
                found.append(Counter())
            took = begun.elapsed_time(ended) if self._cuda else (ended - begun) / 1e6
            if found:
                found[-1][part] += took
        return [{part: float(step[part]) for part in PARTS} for step in found]


class MarkedLoader(Loader):
    """A loader that marks when the step waits for it, and ends the loop by `Enough` when its batches are at an end.

    Args:
        marks: where.
        warm_up: steps whose marks are forgotten.
        arguments: the loader's.
    """

    def __init__(self, marks: Marks, warm_up: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._wait, self._warm_up = marks, warm_up

    def __call__(self, batches: Sequence[NDArray[Any]]) -> Iterator[Batch]:
        """The batches of these rows, in order."""
        self._wait.mark("data wait")
        for number, batch in enumerate(super().__call__(batches)):
            self._wait.mark("rest")
            yield batch
            self._wait.mark("data wait")
            if number + 1 == self._warm_up:
                self._wait.clear()
        raise Enough
