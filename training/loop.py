"""The loop that both stages share: Lightning Fabric for devices and precision, checkpoints, a line an epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from clef_rt.errors import ConfigError
from training.model import ClefModel

__all__ = ["Settings", "fit"]

LAST: Final = "last.ckpt"
LOG: Final = "log.jsonl"
MODEL: Final = "model.pt"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Attributes:
        epochs: how often the data is gone through.
        batch: faces a step.
        learning_rate: the highest of a one-cycle schedule (AdamW).
        weight_decay: of the weights of convolutions and projections.
        ema: decay of the weights' running average, which is what is saved; 0 for none.
        seed: of everything random.
        accelerator: `auto`, `cpu`, `cuda`, `mps`.
        precision: as Fabric has them; bf16 takes half the time on CPUs that know it.
    """

    epochs: int
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    ema: float = 0.998
    seed: int = 0
    accelerator: str = "auto"
    precision: str = "bf16-mixed"


Batches = Callable[[torch.Generator], Iterator[Tensor]]
Terms = Callable[[nn.Module, Tensor], Mapping[str, Tensor]]


def fit(
    model: ClefModel,
    stage: nn.Module,
    *,
    batches: Batches,
    steps: int,
    terms: Terms,
    validate: Callable[[ClefModel], Mapping[str, float]],
    settings: Settings,
    out: Path,
    resume: bool = False,
    console: Console,
) -> ClefModel:
    """Train, and write `model.pt` (the running average), `last.ckpt` (to go on from) and `log.jsonl` at each epoch.

    Args:
        model: what is trained.
        stage: holds `model` and what else the stage learns; called by `terms`.
        batches: one epoch's batches of row numbers.
        steps: how many there are in an epoch.
        terms: the losses of a batch, by name; their sum is minimised.
        validate: figures of the averaged model, by name.
        settings: how.
        out: the run's folder.
        resume: go on from `last.ckpt`.
        console: for the progress.

    Returns:
        The averaged model.

    Raises:
        ConfigError: the folder holds a run already and `resume` isn't set, or there is none to resume.
        FloatingPointError: the loss is no number any more.
    """
    if (out / LAST).exists() and not resume:
        raise ConfigError(f"{out} holds a run.", "Go on with it by --resume, or give another --out.")
    if resume and not (out / LAST).exists():
        raise ConfigError(f"{out} holds no run to resume.", "Leave --resume out.")
    out.mkdir(parents=True, exist_ok=True)
    fabric = Fabric(accelerator=settings.accelerator, devices=1, precision=settings.precision)  # type: ignore[arg-type]
    fabric.seed_everything(settings.seed, verbose=False)
    optimizer = _optimizer(stage, settings)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.epochs * steps + 1, pct_start=0.15
    )
    wrapped, optimizer = fabric.setup(stage.to(memory_format=torch.channels_last), optimizer)
    averaged = AveragedModel(model, avg_fn=_running_average(settings.ema), use_buffers=True)
    generator = torch.Generator().manual_seed(settings.seed)
    state: dict[str, Any] = {
        "stage": wrapped,
        "averaged": averaged,
        "optimizer": optimizer,
        "schedule": schedule,
        "epoch": 0,
        "settings": asdict(settings),
    }
    if resume:
        fabric.load(out / LAST, state)
        if state["settings"] != asdict(settings):
            raise ConfigError(f"{out} was begun with other settings: {state['settings']}.", "Resume with the same.")
        generator.manual_seed(settings.seed + 1000 * state["epoch"])
    for epoch in range(state["epoch"], settings.epochs):
        started = time.monotonic()
        wrapped.train()
        sums: dict[str, float] = {}
        with _progress(console) as progress:
            task = progress.add_task(f"epoch {epoch + 1}/{settings.epochs}", total=steps)
            try:
                for rows in batches(generator):
                    parts = terms(wrapped, rows)
                    loss = torch.stack(list(parts.values())).sum()
                    optimizer.zero_grad(set_to_none=True)
                    fabric.backward(loss)
                    fabric.clip_gradients(wrapped, optimizer, max_norm=5.0)
                    optimizer.step()
                    schedule.step()
                    averaged.update_parameters(model)
                    for name, part in parts.items():
                        sums[name] = sums.get(name, 0.0) + float(part.detach())
                    if not math.isfinite(sum(sums.values())):
                        raise FloatingPointError(f"The loss is no number any more in epoch {epoch + 1}.")
                    progress.advance(task)
            except KeyboardInterrupt:
                kept = f"{epoch} epoch(s) are kept in {out}; go on with --resume." if epoch else "Nothing is kept."
                console.print(f"Stopped in epoch {epoch + 1}. {kept}", highlight=False)
                raise
        best = averaged.module
        best.eval()
        figures = {name: total / steps for name, total in sums.items()} | dict(validate(best))
        state["epoch"] = epoch + 1
        fabric.save(out / LAST, state)
        best.save(out / MODEL)
        record = {"epoch": epoch + 1, "seconds": round(time.monotonic() - started, 1), **figures}
        with (out / LOG).open("a") as log:
            log.write(json.dumps(record) + "\n")
        console.print("  ".join(f"{k} {v:.4g}" for k, v in record.items()), highlight=False)
    result: ClefModel = averaged.module
    return result.eval()


def _optimizer(stage: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    decayed = [p for p in stage.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in stage.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def _running_average(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A mean whose memory grows with the steps up to `decay`, so that a short run isn't half its random start."""

    def average(mean: Tensor, new: Tensor, steps: Tensor) -> Tensor:
        if not mean.is_floating_point():
            return new
        keep = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return mean.lerp(new, 1 - keep)

    return average


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console, transient=True
    )
