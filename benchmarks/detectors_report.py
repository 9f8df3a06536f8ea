"""What the detectors' benchmark writes: JSON to be read later, and the same as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from benchmarks.machine import Machine
from clef_rt.errors import ConfigError

__all__ = ["Contender", "DetectorsReport", "SetFigures", "Speed", "to_markdown", "write"]

SCHEMA: Final = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Speed(_Strict):
    """Milliseconds of one search of a whole picture, on one core.

    Attributes:
        median: of all.
        low: 10 % are no longer.
        high: 90 % are no longer.
        ratio: to the embedded detector's time for the same frame in the same turn; the median.
    """

    median: float
    low: float
    high: float
    ratio: float


class SetFigures(_Strict):
    """One detector on one set of pictures; see `training.detector.measure.Figures`."""

    pictures: int
    faces: int
    recall: dict[str, float]
    threshold: dict[str, float]
    recall_default: float
    false_default: float
    parts: dict[str, tuple[float, int]]
    nme: float | None


class Contender(_Strict):
    """One detector.

    Attributes:
        name: as `load_detector` takes it; `cascade` is the benchmark's own.
        threshold: that it has by itself.
        sets: its figures by set of pictures.
        ms: its times by size of the frame.
    """

    name: str
    threshold: float
    sets: dict[str, SetFigures]
    ms: dict[str, Speed] = {}


class DetectorsReport(_Strict):
    """One run.

    Attributes:
        schema_version: 1; it rises when a key changes its meaning.
        kind: of benchmark.
        date: when it ended, UTC.
        command: as it can be given again.
        machine: measured on.
        versions: of what was measured.
        others_cores: cores that other programs kept busy meanwhile: above 0.1, trust only the times' ratios.
        contenders: the embedded detector first.
    """

    schema_version: Literal[1] = SCHEMA
    kind: Literal["detectors"] = "detectors"
    date: datetime
    command: str
    machine: Machine
    versions: dict[str, str]
    others_cores: float
    contenders: list[Contender]


def to_markdown(report: DetectorsReport) -> str:
    """The report as tables."""
    names = [one.name for one in report.contenders]
    machine, software = report.machine, ", ".join(f"{name} {version}" for name, version in report.versions.items())
    parts = [
        f"# Detectors, {report.date:%Y-%m-%d %H:%M} UTC",
        f"`{report.command}`",
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB, {machine.system}, Python {machine.python}; "
        f"{software}. Other programs kept {report.others_cores:.2f} cores busy.",
    ]
    for title, first in report.contenders[0].sets.items():
        own = [one.sets[title] for one in report.contenders]
        rows = [_row(f"recall at {rate} false faces a picture", own, _recall(rate)) for rate in first.recall]
        rows.append(_row("recall at the detector's own threshold", own, lambda one: f"{one.recall_default:.1%}"))
        rows.append(_row("false faces a picture at that", own, lambda one: f"{one.false_default:.2f}"))
        if first.nme is not None:
            rows.append(_row("landmarks' NME", own, lambda one: "" if one.nme is None else f"{one.nme:.1%}"))
        for part, (_, count) in first.parts.items():
            rows.append(_row(f"{part} ({count}): recall at 1", own, _part(part)))
        parts += [f"## {title}: {first.pictures} pictures, {first.faces} faces", _table(names, rows)]
    times = []
    for size in report.contenders[0].ms:
        speeds = [one.ms[size] for one in report.contenders]
        times.append([f"{size}, ms", *(f"{one.median:.1f} ({one.low:.1f}–{one.high:.1f})" for one in speeds)])
        times.append([f"{size}, times as long as {names[0]}", *(f"{one.ratio:.2f}" for one in speeds)])
    parts += ["## Time of one search, one core: median (10–90 %)", _table(names, times)]
    return "\n\n".join(parts) + "\n"


def write(report: DetectorsReport, folder: Path) -> list[Path]:
    """Write a report as JSON and as Markdown, under its date and kind.

    Raises:
        ConfigError: the folder can't be written.
    """
    stem = folder / f"{report.date:%Y%m%d-%H%M%S}-{report.kind}"
    texts = {
        stem.with_suffix(".json"): json.dumps(report.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n",
        stem.with_suffix(".md"): to_markdown(report),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"The results can't be written to {folder}: {error.strerror}.", "Choose another --out."
        ) from None
    return list(texts)


def _recall(rate: str) -> Callable[[SetFigures], str]:
    return lambda one: f"{one.recall[rate]:.1%}"


def _part(name: str) -> Callable[[SetFigures], str]:
    return lambda one: f"{one.parts[name][0]:.1%}"


def _row(title: str, sets: list[SetFigures], cell: Callable[[SetFigures], str]) -> list[str]:
    return [title, *(cell(one) for one in sets)]


def _table(names: list[str], rows: list[list[str]]) -> str:
    head = ["| | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    return "\n".join([*head, *("| " + " | ".join(row) + " |" for row in rows)])
