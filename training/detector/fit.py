"""Training by the clock; what a killed run had learnt isn't lost.

The clock is the thread's own: what other programs take of the processor doesn't count.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console
from torch import nn

from training.detector.batches import make_batch
from training.detector.losses import detector_loss
from training.detector.model import DetectorModel
from training.detector.scenes import SceneMaker
from training.ema import RunningAverage
from training.interrupt import StopRequest

__all__ = ["Run", "load_run", "train"]

_BATCH: Final = 8
_RATE: Final = 3e-3
_WARM_UP: Final = 0.02  # of the time
_DECAY: Final = 0.05
_AVERAGED: Final = 0.999
_SAVE_SECONDS: Final = 60.0
_TOLD_STEPS: Final = 250


@dataclass(slots=True)
class Run:
    """A training, as far as it has come.

    Attributes:
        model: what learns.
        average: its running average, which is what is used in the end.
        optimizer: of its weights.
        seconds: trained so far, of the thread's own time.
        steps: made so far.
        pictures: seen so far.
    """

    model: DetectorModel
    average: RunningAverage
    optimizer: torch.optim.Optimizer
    seconds: float = 0.0
    steps: int = 0
    pictures: int = 0

    @classmethod
    def new(cls, seed: int = 0) -> Run:
        """One that hasn't begun."""
        torch.manual_seed(seed)
        model = DetectorModel().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decayed = [weight for weight in model.parameters() if weight.ndim > 1]
        others = [weight for weight in model.parameters() if weight.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}]
        return cls(model, RunningAverage(model, _AVERAGED), torch.optim.AdamW(groups, lr=_RATE))

    @property
    def learnt(self) -> DetectorModel:
        """The averaged model, ready for use."""
        module = self.average.module
        assert isinstance(module, DetectorModel)
        return module.eval()

    def save(self, path: Path) -> None:
        """Write it; an old file is replaced once the new one is whole."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        part = path.with_suffix(".part")
        torch.save(state | {"seconds": self.seconds, "steps": self.steps, "pictures": self.pictures}, part)
        part.replace(path)

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {"model": self.model, "average": self.average, "optimizer": self.optimizer}


def load_run(path: Path) -> Run:
    """The run that `path` holds, to be gone on with; a new one where there is no such file."""
    run = Run.new()
    if path.is_file():
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        for name, part in run._parts().items():
            part.load_state_dict(state[name])
        run.seconds, run.steps, run.pictures = state["seconds"], state["steps"], state["pictures"]
    return run


def train(run: Run, maker: SceneMaker, minutes: float, checkpoint: Path, console: Console, batch: int = _BATCH) -> bool:
    """Train until the run has had its time; the learning rate follows the clock, so any time gives a finished model.

    Args:
        run: changed in place.
        maker: of the pictures.
        minutes: of the whole run's own time, those before a break included.
        checkpoint: written each minute, at the end, and at Ctrl-C.
        console: for a line now and then.
        batch: pictures a step.

    Returns:
        Whether the time is up; False after Ctrl-C.
    """
    whole, last, saved = 60 * minutes, time.thread_time(), time.monotonic()
    means: dict[str, float] = {}
    run.model.train()
    with StopRequest() as stop:
        console.print(f"training from step {run.steps} on; Ctrl-C keeps what is learnt", highlight=False)
        while run.seconds < whole and not stop.asked:
            done = run.seconds / whole
            for group in run.optimizer.param_groups:
                group["lr"] = _RATE * min(done / _WARM_UP + 0.01, 1) * (0.505 + 0.495 * math.cos(math.pi * done))
            for name, value in _step(run, maker, batch).items():
                means[name] = 0.99 * means.get(name, value) + 0.01 * value
            now = time.thread_time()
            run.seconds, last = run.seconds + now - last, now
            if run.steps % _TOLD_STEPS == 0:
                losses = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
                console.print(f"{100 * run.seconds / whole:3.0f} %  step {run.steps}  {losses}", highlight=False)
            if time.monotonic() - saved > _SAVE_SECONDS:
                run.save(checkpoint)
                saved = time.monotonic()
        finished = not stop.asked
    run.save(checkpoint)
    return finished


def _step(run: Run, maker: SceneMaker, batch: int) -> dict[str, float]:
    images, targets = make_batch(maker, batch)
    with torch.autocast("cpu", torch.bfloat16):
        maps = run.model(images)
    losses = detector_loss(maps, targets)
    run.optimizer.zero_grad()
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.model.parameters(), 10.0)
    run.optimizer.step()
    run.average.update_parameters(run.model)
    run.steps += 1
    run.pictures += batch
    return {name: float(value.detach()) for name, value in losses.items()}
