"""Runs the training loop itself (`training.loop.fit`) on made-up faces, and takes its time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import torch
from lightning_fabric import Fabric
from rich.console import Console
from torch import nn

from benchmarks.machine import peak_rss_mb, psutil
from benchmarks.training.flops import encoder_flops, training_flops
from benchmarks.training.made_up import SENTENCES
from benchmarks.training.marks import PARTS, Enough, MarkedLoader, Marks
from benchmarks.training.report import Spread, StageFigures
from training.config import RunConfig
from training.data import Examples
from training.loader import Loader
from training.loop import fit
from training.model import ClefModel
from training.setup import new_model
from training.stage1 import Stage1
from training.stage2 import Stage2

__all__ = ["StageRun", "peak_memory_mb", "reset_peak_memory"]

_COUNTED = 4
"""Faces in the batch whose operations are counted: they grow with it."""


class StageRun:
    """A stage that can be run a few steps at a time, by the loop that training has.

    Args:
        stage: 1 or 2.
        examples: the faces.
        config: the run's; its batch is that of each call.
        fabric: the devices, launched.
    """

    def __init__(self, stage: int, examples: Examples, config: RunConfig, fabric: Fabric) -> None:
        self.number = stage
        self._examples, self._config, self._fabric = examples, config, fabric
        fabric.seed_everything(config.loop.seed, verbose=False)
        self.model: ClefModel = new_model(examples, config)
        self._stage: nn.Module = Stage1(self.model, SENTENCES, config) if stage == 1 else Stage2(self.model, config)
        self._stage.to(fabric.device)
        self._activities = np.array([int(activity) for activity in examples.activities], np.int64)

    @classmethod
    def of(cls, stage: int, examples: Examples, config: RunConfig, fabric: Fabric) -> Self:
        """A new one, of the stage that is asked for and not of the config's."""
        return cls(stage, examples, config.changed({"stage": stage}), fabric)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self._fabric.device

    def count(self) -> tuple[float, float]:
        """Operations of a picture: in training, and in the encoder alone."""
        loader = Loader(self._examples, groups=self._activities, activities=self._activities)
        [batch] = loader([np.arange(_COUNTED)])
        return training_flops(self._stage, batch.to(self._fabric.device)), encoder_flops(self.model)

    def run(
        self, batch: int, steps: int, warm_up: int, around: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> list[dict[str, float]]:
        """Train, and take the time of each step's parts in milliseconds.

        Args:
            batch: faces a step.
            steps: that count.
            warm_up: before them.
            around: a context about the loop: the profiler.

        Raises:
            MemoryError: there isn't enough; PyTorch's own error on a GPU.
        """
        config = self._config.changed({"loop.batch": batch, "loop.epochs": 1})
        marks = Marks(self._fabric.device)
        rng = np.random.default_rng(config.loop.seed)
        batches = [rng.permutation(len(self._examples))[:batch].astype(np.int64) for _ in range(warm_up + steps)]
        temporary = TemporaryDirectory(prefix="clef-benchmark-")
        with temporary as folder, marks.watch(self._stage), around(), suppress(Enough):
            fit(
                self.model,
                self._stage,
                fabric=self._fabric,
                loader=self._loader(marks, warm_up),
                sampler=lambda epoch: batches,
                validate=lambda best: {},
                config=config,
                out=Path(folder),
                console=Console(quiet=True),
            )
        self._stage.zero_grad(set_to_none=True)
        found = marks.steps()
        return found[-steps:]

    def measure(self, batch: int, steps: int, warm_up: int) -> StageFigures:
        """The figures of one batch size, without operations and peak."""
        reset_peak_memory(self._fabric.device)
        times = self.run(batch, steps, warm_up)
        whole = [sum(step.values()) for step in times]
        return StageFigures(
            stage=self.number,
            batch=batch,
            steps=steps,
            warm_up=warm_up,
            images_per_s=Spread.of([1000 * batch / ms for ms in whole]),
            step_ms=Spread.of(whole),
            parts_ms={part: Spread.of([step[part] for step in times]) for part in PARTS},
            memory_mb=round(peak_memory_mb(self._fabric.device), 1),
        )

    def rate(self, batch: int, steps: int, warm_up: int) -> float:
        """Images a second of the median step.

        Raises:
            MemoryError: on a CPU, where twice what this process has now may be more than there is.
        """
        self.free()
        if self._fabric.device.type == "cpu":
            memory = psutil()
            if memory.Process().memory_info().rss > memory.virtual_memory().available:
                raise MemoryError(f"a batch of {batch}")
        return self.measure(batch, steps, warm_up).images_per_s.median

    def free(self) -> None:
        """Hand back what earlier runs held."""
        gc.collect()
        if self._fabric.device.type == "cuda":
            torch.cuda.empty_cache()

    def _loader(self, marks: Marks, warm_up: int) -> MarkedLoader:
        return MarkedLoader(
            marks,
            warm_up,
            examples=self._examples,
            groups=self._activities,
            activities=self._activities,
            pin=self._fabric.device.type == "cuda",
        )


def reset_peak_memory(device: torch.device) -> None:
    """Begin to watch the peak anew, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb(device: torch.device) -> float:
    """The most that was held, in 10⁶ bytes: by PyTorch on the GPU, or by this process in RAM."""
    return torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else peak_rss_mb()
