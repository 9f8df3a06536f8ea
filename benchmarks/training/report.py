"""What the training benchmarks write: JSON to be read later, and the same as Markdown (`docs/benchmarks.md`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine
from benchmarks.training.batch import Trial
from benchmarks.training.peaks import Peak
from clef_rt.errors import ConfigError

__all__ = ["SCHEMA", "Device", "LoaderFigures", "Operator", "Spread", "StageFigures", "TrainingReport", "write"]

SCHEMA: Final = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Spread(_Strict):
    """A figure of several steps or repeats.

    Attributes:
        median: of them.
        low: 10 % are no larger.
        high: 90 % are no larger.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of any positive number of values."""
        low, median, high = (round(float(value), 5) for value in np.quantile(values, (0.1, 0.5, 0.9)))
        return cls(median=median, low=low, high=high)


class Device(_Strict):
    """What computes.

    Attributes:
        kind: `cpu` or `cuda`.
        name: a GPU's, as CUDA has it.
        memory_gb: a GPU's.
        threads: PyTorch's on a CPU.
    """

    kind: str
    name: str | None = None
    memory_gb: float | None = None
    threads: int | None = None

    @classmethod
    def of(cls, device: torch.device) -> Self:
        """A PyTorch device."""
        if device.type != "cuda":
            return cls(kind=device.type, threads=torch.get_num_threads())
        properties = torch.cuda.get_device_properties(device)
        return cls(kind="cuda", name=properties.name, memory_gb=round(properties.total_memory / 1e9, 1))


class Operator(_Strict):
    """One of PyTorch's operators in the profile.

    Attributes:
        name: its name.
        self_ms: a step, on the device, without what it calls.
        share: of all operators' time.
        calls: a step.
    """

    name: str
    self_ms: float
    share: float
    calls: float


class StageFigures(_Strict):
    """What a stage's step takes.

    Attributes:
        stage: 1 or 2.
        batch: faces a step; stage 1 sees each twice.
        steps: measured.
        warm_up: steps before, which don't count.
        images_per_s: faces a second.
        step_ms: a step.
        parts_ms: a step's parts, as in `benchmarks.training.marks.PARTS`.
        memory_mb: the peak, 10⁶ bytes: held by PyTorch on a GPU, by the process in RAM on a CPU.
        training_gflops: of one face, forward and backward.
        encoder_gflops: of one picture, the encoder's forward alone.
        achieved_tflops: a second.
        peak: of the chip; None where it isn't known.
        share_of_peak: MFU; None where there is no peak.
        trials: of `--batch auto`.
        operators: of `--profile`, the longest first.
        trace: of `--profile`: the file for `chrome://tracing` or https://ui.perfetto.dev.
    """

    stage: int
    batch: int
    steps: int
    warm_up: int
    images_per_s: Spread
    step_ms: Spread
    parts_ms: dict[str, Spread]
    memory_mb: float
    training_gflops: float | None = None
    encoder_gflops: float | None = None
    achieved_tflops: float | None = None
    peak: Peak | None = None
    share_of_peak: float | None = None
    trials: list[Trial] = []
    operators: list[Operator] = []
    trace: str | None = None


class LoaderFigures(_Strict):
    """How fast crops are read.

    Attributes:
        size: side, px.
        channels: of a crop.
        rows: crops in the file.
        batch: crops a batch.
        warm: crops a second from the page cache, over the repeats.
        cold: crops a second with the page cache emptied of them first; None where that wasn't possible.
        cold_read: share of the crops' bytes that really came from the disk in the cold repeats.
        encoder: of the step beside it.
        step: images a second that stage 2 takes on this machine.
    """

    size: int
    channels: int
    rows: int
    batch: int
    warm: Spread
    cold: Spread | None = None
    cold_read: float | None = None
    encoder: str | None = None
    step: Spread | None = None


class TrainingReport(_Strict):
    """One run.

    Attributes:
        schema_version: 1; it rises when a key changes its meaning.
        kind: of benchmark.
        date: when it ended, UTC.
        command: as it can be given again.
        interrupted: broken off.
        machine: measured on.
        device: computed on.
        versions: of what was measured.
        others_cores: cores that other programs kept busy meanwhile: above 0.1, the figures are not to be trusted.
        settings: encoder, crops, and the settings of the run by dotted name.
        stages: of `train`.
        loaders: of `loader`.
    """

    schema_version: Literal[1] = SCHEMA
    kind: Literal["train", "loader"]
    date: datetime
    command: str
    interrupted: bool = False
    machine: Machine
    device: Device
    versions: dict[str, str]
    others_cores: float
    settings: dict[str, str]
    stages: list[StageFigures] = []
    loaders: list[LoaderFigures] = []


def write(report: TrainingReport, markdown: str, folder: Path) -> list[Path]:
    """Write a report as JSON and as Markdown, under its date and kind.

    Raises:
        ConfigError: the folder can't be written.
    """
    stem = folder / f"{report.date:%Y%m%d-%H%M%S}-{report.kind}"
    texts = {
        stem.with_suffix(".json"): json.dumps(report.model_dump(mode="json", exclude_none=True), indent=1) + "\n",
        stem.with_suffix(".md"): markdown,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The results can't be written to {folder}: {error.strerror}.", "Choose another --out."
        ) from error
    return list(texts)
