"""One run of the whole runtime: a source into one process, its scores out of another, watched from a third."""

from __future__ import annotations

import queue
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Child, Events, expect
from benchmarks.listen import ListenSpec
from benchmarks.model import ModelFacts, ModelOptions
from benchmarks.play import PlaySpec
from benchmarks.stats import steady
from benchmarks.window import Window
from clef_rt.errors import ClefError
from clef_rt.sources import redact

__all__ = ["Heard", "run"]

_PLAY: Final = "benchmarks.play"
_LISTEN: Final = "benchmarks.listen"
_START_S: Final = 60.0  # a model to load, on a busy machine
_END_S: Final = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What came of a run, warm-up excluded.

    Attributes:
        rows: (n,) of `listen.HEARD`, n ≥ 2, in the order of arrival.
        age_ms: (m,) float64, m ≤ n: of the picture itself at the subscriber, where the camera drew the time into it.
        camera_ms: (m,) float64: of the picture when its frame had arrived.
        counts: `cpu_cores`, `camera_cpu_cores`; and of the whole run `peak_rss_mb`, `unpublished`, `invalid`.
        model: what ran.
        interrupted: it was broken off.
    """

    rows: NDArray[np.void]
    age_ms: NDArray[np.float64]
    camera_ms: NDArray[np.float64]
    counts: dict[str, float]
    model: ModelFacts
    interrupted: bool


def run(
    source: str,
    model: ModelOptions,
    *,
    realtime: bool,
    seconds: float,
    warmup_s: float,
    camera_pid: int | None = None,
) -> Heard | None:
    """Play a source and hear its scores for so long.

    Args:
        source: as `clef_rt.stream` takes it; a file is played again and again.
        model: which model.
        realtime: at the source's own pace; otherwise as fast as it goes.
        seconds: to measure.
        warmup_s: before that, not counted.
        camera_pid: the process of a camera that draws the time into each frame.

    Returns:
        What came; None if it was broken off before anything did.

    Raises:
        ClefError: the source, the model or a process fails, or hardly anything comes.
    """
    events: Events = queue.Queue()
    drawn = camera_pid is not None
    with tempfile.TemporaryDirectory(prefix="clef-rt-bench-") as name:
        heard, strips = Path(name, "heard.npy"), Path(name, "drawn.npy")
        spec = PlaySpec(source=source, realtime=realtime, loop=True, model=model, drawn=strips if drawn else None)
        with Child(_PLAY, spec, events) as player:
            ready = expect(events, _PLAY, "ready", _START_S)
            with Child(_LISTEN, ListenSpec(endpoint=ready["endpoint"], heard=heard), events) as listener:
                expect(events, _LISTEN, "live", _START_S)
                pids = {"cpu_cores": player.pid, "camera_cpu_cores": camera_pid}
                window = Window({name: pid for name, pid in pids.items() if pid is not None}, player.ended)
                window.wait(warmup_s, seconds)
                player.stop()
                played = expect(events, _PLAY, "done", _END_S)
                listener.stop()
                listened = expect(events, _LISTEN, "done", _END_S)
        rows = np.load(heard)
        marks = np.load(strips) if drawn else None
    rows = rows[steady(rows["received_ns"], warmup_s, seconds)]
    if len(rows) < 2:
        if window.interrupted:
            return None
        raise ClefError(f"{redact(source)} gave too little to measure.", "Measure longer, with --seconds.")
    age_ms = camera_ms = np.zeros(0)
    if marks is not None:
        from benchmarks.witness import ages

        age_ms, camera_ms = ages(rows, marks)
    counts = {
        "peak_rss_mb": played["peak_rss_mb"],
        **window.cores,
        "unpublished": played["unpublished"],
        "invalid": listened["invalid"],
    }
    return Heard(rows, age_ms, camera_ms, counts, ModelFacts(**ready["model"]), window.interrupted)
