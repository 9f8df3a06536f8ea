"""The loop that both stages share: Lightning Fabric for devices and precision, exact resume, progress, logs.

Everything random in a step follows from the seed, the step's number and the process's: so a run that is killed and
resumed computes the very losses that it would have computed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from clef_rt.errors import ConfigError
from training.checkpoint import MODEL, save_checkpoint
from training.config import LoopSettings, RunConfig
from training.ema import RunningAverage
from training.interrupt import StopRequest
from training.loader import Loader
from training.model import ClefModel
from training.progress import StepProgress
from training.sampling import Sampler

__all__ = ["LAST", "LOG", "Broken", "fit", "step_seed"]

LAST: Final = "last.ckpt"
LOG: Final = "log.jsonl"
BOARD: Final = "tensorboard"


class Broken(FloatingPointError):
    """The loss is no number any more.

    Attributes:
        rows: of the training faces in the batch.
    """

    def __init__(self, message: str, rows: NDArray[np.int64]) -> None:
        super().__init__(message)
        self.rows = rows


def fit(
    model: ClefModel,
    stage: nn.Module,
    *,
    fabric: Fabric,
    loader: Loader,
    sampler: Sampler,
    validate: Callable[[ClefModel], Mapping[str, float]],
    config: RunConfig,
    out: Path,
    resume: bool = False,
    console: Console,
) -> ClefModel:
    """Train, and write into the run's folder.

    `last.ckpt` (to go on from) every so many steps and at each epoch; `model.pt` (the running average), `log.jsonl` and
    `config.yaml` at each epoch; `tensorboard/` as it goes.

    Args:
        model: what is trained.
        stage: holds `model` and what else the stage learns; from a batch and the step's generator to its losses by
            name, whose sum is minimised.
        fabric: the devices, launched.
        loader: reads batches.
        sampler: an epoch's batches of rows.
        validate: figures of the averaged model, by name.
        config: how.
        out: the run's folder.
        resume: go on from `last.ckpt`.
        console: for the progress.

    Returns:
        The averaged model.

    Raises:
        ConfigError: the folder holds a run already and `resume` isn't set, or there is none to resume, or another.
        Broken: the loss is no number any more.
        KeyboardInterrupt: Ctrl-C; what was learnt is kept.
    """
    settings = config.loop
    _check_folder(out, resume)
    torch.use_deterministic_algorithms(settings.deterministic)
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        stage = nn.SyncBatchNorm.convert_sync_batchnorm(stage)  # type: ignore[no-untyped-call]
    optimizer = _optimizer(stage, model, settings, fused=_may_fuse(fabric))
    steps = len(sampler(0))
    rates = [group["lr"] for group in optimizer.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=settings.epochs * steps + 1, pct_start=max(settings.warmup, 1e-6)
    )
    stage.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    wrapped, optimizer = fabric.setup(stage, optimizer)
    averaged = RunningAverage(model, settings.ema)
    if settings.compile:
        model.encoder.compile()
    state: dict[str, Any] = {
        "stage": wrapped,
        "averaged": averaged,
        "optimizer": optimizer,
        "schedule": schedule,
        "step": 0,
        "sums": {},
        "history": [],
        "config": config.model_dump_json(),
    }
    if resume:
        fabric.load(out / LAST, state)
        begun = RunConfig.model_validate_json(state["config"])
        if not begun.same_run(config):
            raise ConfigError(f"{out} was begun with other settings (its config.yaml).", "Resume with the same.")
    chief = fabric.is_global_zero
    if chief:
        config.save(out)

    def keep() -> None:
        part = out / f"{LAST}.part"
        fabric.save(part, state)
        if chief:
            part.replace(out / LAST)
        fabric.barrier()

    with StopRequest() as stop, _board(out if chief else None, state["step"]) as board:
        for epoch in range(state["step"] // steps, settings.epochs):
            started = time.monotonic()
            wrapped.train()
            batches = sampler(epoch)[state["step"] - epoch * steps :]
            mine = [rows[fabric.global_rank :: fabric.world_size] for rows in batches]
            pending: tuple[NDArray[np.int64], list[str], _Fetched] | None = None

            def settle(pending: tuple[NDArray[np.int64], list[str], _Fetched] | None) -> None:
                """Look at a step's losses: one step late, so that a GPU is never waited for."""
                if pending is None:
                    return
                rows, names, losses = pending
                values = losses.values()
                if not math.isfinite(sum(values)):
                    raise Broken(_broken(names, values, model), rows)
                for name, value in zip(names, values, strict=True):
                    state["sums"][name] = state["sums"].get(name, 0.0) + value
                if board is not None:
                    for name, value in zip(names, values, strict=True):
                        board.add_scalar(f"step/{name}", value, state["step"])

            label = f"epoch {epoch + 1}/{settings.epochs}"
            with StepProgress(
                console if chief else None, label, done=state["step"] - epoch * steps, total=steps
            ) as bar:
                for rows, batch in zip(batches, loader(mine), strict=True):
                    seed = step_seed(settings.seed, state["step"])
                    torch.manual_seed(seed + fabric.global_rank)
                    parts = wrapped(batch.to(fabric.device), torch.Generator().manual_seed(seed))
                    loss = torch.stack(list(parts.values())).sum()
                    optimizer.zero_grad(set_to_none=True)
                    fabric.backward(loss)
                    fabric.clip_gradients(wrapped, optimizer, max_norm=settings.clip, error_if_nonfinite=False)
                    settle(pending)
                    optimizer.step()
                    schedule.step()
                    averaged.update_parameters(model)
                    state["step"] += 1
                    pending = (rows, list(parts), _Fetched([part.detach().float() for part in parts.values()]))
                    bar.advance(len(rows))
                    if state["step"] % settings.save_every == 0 and state["step"] % steps:
                        settle(pending)
                        pending = None
                        keep()
                    if stop.asked and fabric.world_size == 1:
                        settle(pending)
                        keep()
                        raise _stopped(console, out, state["step"], steps)
                settle(pending)
            best = averaged.module
            assert isinstance(best, ClefModel)
            best.eval()
            best.refresh_texts()
            figures = {name: total / steps for name, total in state["sums"].items()}
            looks = (epoch + 1) % settings.validate_every == 0 or epoch + 1 == settings.epochs
            figures |= dict(validate(best)) if chief and looks else {}
            record = {"epoch": epoch + 1, "seconds": round(time.monotonic() - started, 1), **figures}
            state["history"] = [*state["history"], record]
            state["sums"] = {}
            keep()
            if chief:
                save_checkpoint(best, out / MODEL)
                (out / LOG).write_text("".join(json.dumps(each) + "\n" for each in state["history"]))
                console.print("  ".join(f"{k} {v:.4g}" for k, v in record.items()), highlight=False)
            if board is not None:
                for name, value in figures.items():
                    board.add_scalar(f"epoch/{name}", value, epoch + 1)
                board.flush()
    assert isinstance(averaged.module, ClefModel)
    return averaged.module.eval()


def step_seed(seed: int, step: int) -> int:
    """The seed of one step; of neighbouring steps far apart, so that a process's number can be added."""
    return (seed * 1_000_003 + step) * 4_096 % 2**62


def _check_folder(out: Path, resume: bool) -> None:
    if (out / LAST).exists() and not resume:
        raise ConfigError(f"{out} holds a run.", "Go on with it by --resume, or give another --out.")
    if resume and not (out / LAST).exists():
        raise ConfigError(f"{out} holds no run to resume.", "Leave --resume out.")
    out.mkdir(parents=True, exist_ok=True)


class _Fetched:
    """Numbers on their way from the device: who asks for them waits for what made them, and for nothing after it.

    `Tensor.tolist` would wait for all that the device was told since: the next step's forward and backward.
    """

    def __init__(self, numbers: Sequence[Tensor]) -> None:
        self._host = torch.stack(list(numbers)).to("cpu", non_blocking=True)
        self._copied = torch.cuda.Event() if numbers[0].is_cuda else None  # type: ignore[no-untyped-call]
        if self._copied is not None:
            self._copied.record()

    def values(self) -> list[float]:
        if self._copied is not None:
            self._copied.synchronize()
        found: list[float] = self._host.tolist()
        return found


def _may_fuse(fabric: Fabric) -> bool:
    """Whether AdamW can be one kernel: not where fp16's scaler has to see the gradients between."""
    scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
    return fabric.device.type in ("cpu", "cuda") and not scaled


def _optimizer(stage: nn.Module, model: ClefModel, settings: LoopSettings, *, fused: bool) -> torch.optim.Optimizer:
    """AdamW: matrices and filters decay, biases and norms don't; pre-trained parts learn at their own rate."""
    pretrained = {id(p) for part in (model.encoder, model.tower) if part is not None for p in part.parameters()}
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for weight in stage.parameters():
        if weight.requires_grad and weight.numel():
            groups.setdefault((id(weight) in pretrained, weight.ndim > 1), []).append(weight)
    return torch.optim.AdamW(
        [
            {
                "params": weights,
                "lr": settings.learning_rate * (settings.encoder_rate if old else 1.0),
                "weight_decay": settings.weight_decay if decays else 0.0,
            }
            for (old, decays), weights in groups.items()
        ],
        lr=settings.learning_rate,
        fused=fused,
    )


@contextmanager
def _board(out: Path | None, step: int) -> Iterator[Any]:
    """TensorBoard's writer for a run's folder, going on from a step; None for no folder."""
    if out is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    with closing(SummaryWriter(str(out / BOARD), purge_step=step or None)) as board:
        yield board


def _broken(names: Sequence[str], values: Sequence[float], model: ClefModel) -> str:
    terms = ", ".join(f"{name} {value:g}" for name, value in zip(names, values, strict=True))
    weights = [name for name, weight in model.named_parameters() if not weight.isfinite().all()]
    where = f"; {len(weights)} weights are no numbers either, {weights[0]} first" if weights else ""
    return f"The loss is no number any more: {terms}{where}."


def _stopped(console: Console, out: Path, step: int, steps: int) -> KeyboardInterrupt:
    done = f"epoch {step // steps + 1}, after step {step % steps} of {steps}"
    console.print(
        f"Stopped in {done}. All of it is kept in {out}; go on with --resume.", highlight=False, soft_wrap=True
    )
    return KeyboardInterrupt()
