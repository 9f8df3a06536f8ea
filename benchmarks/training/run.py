"""`python -m benchmarks train` and `loader`: what is measured, in which order, and the report of it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import torch
from lightning_fabric import Fabric

from benchmarks.machine import Busy, Machine, now, sources_commit
from benchmarks.training.batch import Trial, largest_useful_batch
from benchmarks.training.loading import measure_loader
from benchmarks.training.made_up import make_examples
from benchmarks.training.peaks import Peak, chip_peak, practical_peak
from benchmarks.training.profiling import profile_stage
from benchmarks.training.report import Device, LoaderFigures, StageFigures, TrainingReport
from benchmarks.training.step import StageRun
from clef_rt.errors import ConfigError
from training.clip_weights import CLIPS
from training.config import RunConfig
from training.data import Examples
from training.distributed import launch

__all__ = ["Measured", "Options", "measure_loading", "measure_training"]

_ROWS: Final = 2048
_MOST: Final = {"cpu": 512, "cuda": _ROWS}
_PACKAGES: Final = ("torch", "lightning-fabric", "kornia", "transformers", "numpy")
_LOADED: Final = ((80, 1, 16_384, "convnet-s", 128), (224, 3, 2_048, "clip-vit-b16", 8))
"""What is read: size, channels, rows; and the step beside it: encoder, batch."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure.

    Attributes:
        encoder: as in `training.encoders`.
        stages: 1, 2 or both.
        size: side of the crops, px; None for the encoder's own: 224 of CLIP, 80 of the others.
        batch: faces a step; None to find the largest useful one.
        steps: measured.
        warm_up: before them.
        changes: further settings of the run by dotted name.
        profile: also run the profiler.
    """

    encoder: str
    stages: Sequence[int]
    size: int | None
    batch: int | None
    steps: int
    warm_up: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    profile: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Size and channels of the crops: CLIP takes RGB, the others luminance."""
        clip = self.encoder in CLIPS
        side = int(CLIPS[self.encoder].image.get("image_size", 224)) if clip else 80
        return self.size or side, 3 if clip else 1


@dataclass(slots=True)
class Measured:
    """What there is so far, so that a report can be made at any time."""

    settings: dict[str, str] = field(default_factory=dict)
    stages: list[StageFigures] = field(default_factory=list)
    loaders: list[LoaderFigures] = field(default_factory=list)
    device: torch.device | None = None
    interrupted: bool = False
    busy: Busy = field(default_factory=Busy)

    def report(self, kind: Literal["train", "loader"], command: str) -> TrainingReport | None:
        """The report; None if there is nothing yet."""
        if self.device is None or not (self.stages or self.loaders):
            return None
        return TrainingReport(
            kind=kind,
            date=now(),
            command=command,
            interrupted=self.interrupted,
            machine=Machine.this(),
            device=Device.of(self.device),
            versions={name: importlib.metadata.version(name) for name in _PACKAGES}
            | {"commit": sources_commit("clef_rt", "benchmarks", "training")},
            others_cores=round(self.busy.others(), 3),
            settings=self.settings,
            stages=self.stages,
            loaders=self.loaders,
        )


def measure_training(options: Options, measured: Measured, out: Path, say: Callable[[str], None]) -> None:
    """Measure the stages, one after the other.

    Args:
        options: what.
        measured: the figures go there as they come.
        out: the folder of the results, for traces.
        say: tells of the progress.

    Raises:
        ConfigError: an option can't be had here.
    """
    size, channels = options.shape
    with TemporaryDirectory(prefix="clef-benchmark-") as folder:
        config = _config(options, Path(folder) / "faces")
        fabric = launch(config.loop)
        if fabric.world_size > 1:
            raise ConfigError("The benchmark measures one device.", "Leave loop.devices at 1.")
        measured.device = fabric.device
        measured.settings = {"encoder": options.encoder, "crops": f"{size}×{size}×{channels}"}
        measured.settings |= {name: str(value) for name, value in options.changes.items()}
        rows = max(_ROWS if options.batch is None else 0, 4 * (options.batch or 1))
        say(f"{rows} made-up crops of {size}×{size}×{channels}")
        examples = make_examples(config.data[0], rows=rows, size=size, channels=channels)
        peak = _peak(fabric, config.loop.precision)
        for stage in options.stages:
            figures = _stage(stage, options, examples, config, fabric, say)
            figures.peak = peak
            if peak is not None and figures.achieved_tflops is not None:
                figures.share_of_peak = round(figures.achieved_tflops * 1e12 / peak.flops, 4)
            measured.stages.append(figures)
            if options.profile:
                say(f"stage {stage}: profile")
                trace = out / f"{now():%Y%m%d-%H%M%S}-stage{stage}-trace.json.gz"
                run = StageRun.of(stage, examples, config, fabric)
                figures.operators = profile_stage(run, figures.batch, trace)
                figures.trace = trace.name


def measure_loading(
    measured: Measured, *, repeats: int, steps: int, accelerator: str, precision: str, say: Callable[[str], None]
) -> None:
    """Measure the loader at the sizes of both kinds of encoders, and stage 2's step beside it.

    Args:
        measured: the figures go there as they come.
        repeats: of each measurement.
        steps: of the training beside it; 0 for none.
        accelerator: for the step.
        precision: for the step.
        say: tells of the progress.
    """
    measured.device = torch.device("cuda" if torch.cuda.is_available() and accelerator != "cpu" else "cpu")
    measured.settings = {"precision": precision, "repeats": str(repeats)}
    for size, channels, rows, encoder, batch in _LOADED:
        say(f"{rows} crops of {size}×{size}×{channels}")
        with TemporaryDirectory(prefix="clef-benchmark-") as folder:
            figures = measure_loader(
                Path(folder) / "faces", size=size, channels=channels, rows=rows, batch=128, repeats=repeats
            )
        if steps:
            say(f"stage 2 with {encoder} beside it")
            changes = {"loop.accelerator": accelerator, "loop.precision": precision, "model.init": "random"}
            changes["model.text_tower"] = "minilm"  # frozen: no part of the step, and quick to encode on a CPU
            beside = Measured()
            options = Options(encoder, (2,), size, batch, steps, 2, changes)
            measure_training(options, beside, Path(), say)
            measured.device = beside.device
            figures.encoder = f"{encoder}, batch {batch}"
            figures.step = beside.stages[0].images_per_s
        measured.loaders.append(figures)


def _config(options: Options, folder: Path) -> RunConfig:
    base = RunConfig.of({"stage": 2, "data": [str(folder)], "model": {"encoder": options.encoder}})
    return base.changed(options.changes)


def _stage(
    stage: int, options: Options, examples: Examples, config: RunConfig, fabric: Fabric, say: Callable[[str], None]
) -> StageFigures:
    say(f"stage {stage}: model and texts")
    run = StageRun.of(stage, examples, config, fabric)
    training, encoder = run.count()
    batch = options.batch
    trials: list[Trial] = []
    if batch is None:

        def rate(size: int) -> float:
            found = run.rate(size, max(options.steps // 4, 3), 2)
            say(f"stage {stage}: a batch of {size}: {found:.1f} images/s")
            return found

        try:
            batch, trials = largest_useful_batch(rate, first=8, most=_MOST.get(fabric.device.type, 512))
        except MemoryError as error:
            raise ConfigError(f"There isn't enough memory for {error}.", "Give a smaller --batch or --size.") from None
    say(f"stage {stage}: {options.warm_up} + {options.steps} steps of {batch}")
    figures = run.measure(batch, options.steps, options.warm_up)
    figures.trials = trials
    figures.training_gflops = round(training / 1e9, 4)
    figures.encoder_gflops = round(encoder / 1e9, 4)
    figures.achieved_tflops = round(training * figures.images_per_s.median / 1e12, 6)
    return figures


def _peak(fabric: Fabric, precision: str) -> Peak | None:
    if fabric.device.type == "cuda":
        return chip_peak(torch.cuda.get_device_name(fabric.device), precision)
    return practical_peak(precision) if fabric.device.type == "cpu" else None
