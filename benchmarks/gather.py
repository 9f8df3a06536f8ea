"""Gathers measurements, repeat by repeat, so that a report can be made of whatever there is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import Busy, Machine, now, reference, versions
from benchmarks.model import ModelFacts
from benchmarks.report import Case, Figure, Report, Row, SourceFacts, Times

__all__ = ["CaseData", "Gathered"]


@dataclass(slots=True)
class _Series:
    ms: list[NDArray[np.float64]] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)


@dataclass(slots=True)
class CaseData:
    """The measurements of one case. `name`, `faces`, `via`, `source` and `seconds` are as in `Case`."""

    name: str
    faces: int | None
    via: str
    source: SourceFacts
    seconds: float
    drawn: frozenset[str] = frozenset()
    """The stages whose distribution is worth drawing."""
    series: dict[str, _Series] = field(default_factory=lambda: defaultdict(_Series))
    counts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, stage: str, *, ms: NDArray[np.float64] | None = None, fps: float | None = None) -> None:
        """One repeat of a stage. No samples are no repeat."""
        if ms is not None and len(ms):
            self.series[stage].ms.append(ms)
        if fps is not None:
            self.series[stage].fps.append(fps)

    def count(self, **counts: float) -> None:
        """One repeat of other figures."""
        for name, value in counts.items():
            self.counts[name].append(value)

    def case(self) -> Case:
        """What has been measured so far."""
        rows = [
            Row(
                stage=stage,
                ms=Times.of(series.ms, drawn=stage in self.drawn) if series.ms else None,
                fps=Figure.of(series.fps) if series.fps else None,
            )
            for stage, series in self.series.items()
        ]
        counts = {name: Figure.of(values) for name, values in self.counts.items()}
        return Case(
            name=self.name,
            faces=self.faces,
            via=self.via,
            source=self.source,
            seconds=self.seconds,
            rows=rows,
            counts=counts,
        )


class Gathered:
    """All cases of a benchmark.

    Attributes:
        model: what is measured; None until it is known.
        interrupted: whether it was broken off.
    """

    def __init__(self) -> None:
        self.model: ModelFacts | None = None
        self.interrupted = False
        self._busy = Busy()
        self._cases: dict[str, CaseData] = {}
        self._reference: list[float] = []

    def __contains__(self, name: str) -> bool:
        return name in self._cases

    def __getitem__(self, name: str) -> CaseData:
        return self._cases[name]

    def add(self, case: CaseData) -> None:
        """A new case."""
        self._cases[case.name] = case

    def refer(self) -> None:
        """Measure the machine itself. Once a repeat."""
        self._reference.append(float(np.median(reference())))

    def report(self, kind: Literal["fps", "latency"], command: str) -> Report | None:
        """The report of what has been measured; None if there is nothing."""
        cases = [case for data in self._cases.values() if (case := data.case()).rows]
        if not cases or self.model is None or not self._reference:
            return None
        return Report(
            kind=kind,
            date=now(),
            command=command,
            interrupted=self.interrupted,
            machine=Machine.this(),
            versions=versions(),
            model=self.model,
            others_cores=round(self._busy.others(), 3),
            reference_ms=Figure.of(self._reference),
            cases=cases,
        )
