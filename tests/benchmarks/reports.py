"""Reports as a benchmark would write them, with figures of one's choice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.machine import Machine
from benchmarks.model import ModelFacts
from benchmarks.report import Case, Figure, Report, Row, SourceFacts, Times

FPS = (100.0, 102.0, 98.0)


def case(name: str = "1 face", fps: tuple[float, ...] = FPS, ms: float = 10.0) -> Case:
    """One stage, `encode`, and the peak memory."""
    times = Times.of([np.linspace(ms, 2 * ms, 50) + i for i in range(3)], drawn=True)
    return Case(
        name=name,
        faces=1,
        via="file",
        source=SourceFacts(name="clip.mp4", width=1280, height=720, fps=30),
        seconds=5,
        rows=[Row(stage="encode", ms=times, fps=Figure.of(fps)), Row(stage="wait", ms=times)],
        counts={"peak_rss_mb": Figure.of([150, 151, 149]), "dropped": Figure.of([0, 0, 0])},
    )


def report(*cases: Case, reference: tuple[float, ...] = (2.0, 2.0, 2.0), **changes: Any) -> Report:
    fields: dict[str, Any] = {
        "kind": "fps",
        "date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "command": "python -m benchmarks fps",
        "machine": Machine(cpu="A CPU", cores=2, memory_gb=8, system="Linux 6", python="3.11.7"),
        "versions": {"clef-rt": "0.1.0", "commit": "abc1234", "numpy": "2.0.0"},
        "model": ModelFacts(
            bundle="tiny",
            version="1.0.0",
            sha256="0" * 64,
            input="16 px, gray",
            detector="clef",
            detect_every=10,
            encoder="onnxruntime",
            opencv_threads=2,
        ),
        "others_cores": 0.0,
        "reference_ms": Figure.of(reference),
        "cases": list(cases or (case(),)),
    }
    return Report(**(fields | changes))
