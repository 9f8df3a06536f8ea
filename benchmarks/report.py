"""What a benchmark writes: figures, and all that is needed to read them later. `docs/benchmarks.md` explains it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.machine import Machine
from benchmarks.model import ModelFacts
from benchmarks.stats import curve, percentiles
from clef_rt.errors import ConfigError

__all__ = ["SCHEMA", "Case", "Figure", "Report", "Row", "SourceFacts", "Times", "read_report", "write_report"]

SCHEMA: Final = 1
_LONG_LIST: Final = re.compile(r"\[[-+\d.eE,\s]+\]")  # numbers alone: one line rather than hundreds
_DIGITS: Final = 5


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Figure(_Strict):
    """One number, and the same of each repeat.

    Attributes:
        value: of rates, sizes and counts the median of the repeats; of percentiles, of all repeats' samples together.
        repeats: in the order of measurement; how far they lie apart is the noise.
    """

    value: float
    repeats: list[float]

    @classmethod
    def of(cls, repeats: Sequence[float]) -> Figure:
        """The median of the repeats."""
        return cls.pooled(float(np.median(repeats)), repeats)

    @classmethod
    def pooled(cls, value: float, repeats: Sequence[float]) -> Figure:
        """A value that was made from all repeats together."""
        return cls(value=round(value, _DIGITS), repeats=[round(float(repeat), _DIGITS) for repeat in repeats])


class Times(_Strict):
    """Times in milliseconds.

    Attributes:
        samples: how many.
        mean: of all of them.
        p50: the median.
        p95: 95 % are no longer.
        p99: 99 % are no longer.
        curve: the quantiles from 0 to 100 % in steps of 0.5 %, where they are worth drawing.
    """

    samples: int
    mean: float
    p50: Figure
    p95: Figure
    p99: Figure
    curve: list[float] | None = None

    @classmethod
    def of(cls, repeats: Sequence[NDArray[np.float64]], *, drawn: bool = False) -> Times:
        """From the samples of each repeat.

        Raises:
            ValueError: a repeat has no sample.
        """
        pooled = np.concatenate(repeats)
        each = np.array([percentiles(repeat) for repeat in repeats])
        p50, p95, p99 = (Figure.pooled(value, each[:, i].tolist()) for i, value in enumerate(percentiles(pooled)))
        points = [round(value, _DIGITS) for value in curve(pooled)] if drawn else None
        mean = round(float(pooled.mean()), _DIGITS)
        return cls(samples=len(pooled), mean=mean, p50=p50, p95=p95, p99=p99, curve=points)


class Row(_Strict):
    """One stage of a case.

    Attributes:
        stage: its name.
        ms: its times.
        fps: how many a second it can do, or did.
    """

    stage: str
    ms: Times | None = None
    fps: Figure | None = None


class SourceFacts(_Strict):
    """What was played.

    Attributes:
        name: of the file without its folder, or the URI without credentials.
        sha256: of a file.
        width: pixels.
        height: pixels.
        fps: the rate that it declares.
    """

    name: str
    sha256: str | None = None
    width: int
    height: int
    fps: float | None = None


class Case(_Strict):
    """One thing that was measured.

    Attributes:
        name: unique within the report.
        faces: asked for in the clip; None where the source has its own.
        via: `alone` for stages by themselves, `file`, `file in real time`, `rtsp`, or `as it is`.
        source: what was played.
        seconds: measured in each repeat, warm-up excluded.
        rows: the stages.
        counts: further figures: `faces` a frame, `frames`, `dropped`, `lost`, `cpu_cores`, `peak_rss_mb` …
    """

    name: str
    faces: int | None = None
    via: str
    source: SourceFacts
    seconds: float
    rows: list[Row]
    counts: dict[str, Figure]

    def row(self, stage: str) -> Row | None:
        """The row of a stage, if there is one."""
        return next((row for row in self.rows if row.stage == stage), None)


class Report(_Strict):
    """One run of a benchmark.

    Attributes:
        schema_version: 1; it rises when a key changes its meaning.
        kind: of benchmark.
        date: when it ended, UTC.
        command: as it can be given again; without credentials.
        interrupted: whether it was broken off; then `repeats` may be of different lengths.
        machine: measured on.
        versions: of what was measured.
        model: measured with.
        others_cores: cores that other programs kept busy meanwhile: above 0.1, the figures are not to be trusted.
        reference_ms: work that no change of ours touches, once a repeat: whether the machine itself was as fast.
        cases: the figures.
    """

    schema_version: Literal[1] = SCHEMA
    kind: Literal["fps", "latency"]
    date: datetime
    command: str
    interrupted: bool = False
    machine: Machine
    versions: dict[str, str]
    model: ModelFacts
    others_cores: float
    reference_ms: Figure
    cases: list[Case]


def write_report(report: Report, folder: Path) -> Path:
    """Write a report as JSON, under its date and kind.

    Raises:
        ConfigError: the folder can't be written.
    """
    path = folder / f"{report.date:%Y%m%d-%H%M%S}-{report.kind}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report.model_dump(mode="json", exclude_none=True), indent=1)
        path.write_text(_LONG_LIST.sub(lambda found: " ".join(found[0].split()), text) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The results can't be written to {folder}: {error.strerror}.", "Choose another --out."
        ) from error
    return path


def read_report(path: Path) -> Report:
    """Read a report.

    Raises:
        ConfigError: there is none, or it isn't one of ours.
    """
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"{path} can't be read: {error.strerror}.", "Give a .json file of benchmarks/results."
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(
            f"{path} isn't a report of this version: {where}: {first['msg']}.", "Measure again with this version."
        ) from None
