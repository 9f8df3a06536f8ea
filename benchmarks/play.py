"""The runtime in a process of its own: a source through `clef_rt.stream` into a `Publisher`, as `clef-rt live` has it.

Its memory and CPU time are then the runtime's alone. Run by `benchmarks.run`.
"""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import clef_rt
from benchmarks.child import begin, on_stop, say
from benchmarks.machine import peak_rss_mb
from benchmarks.model import ModelFacts, ModelOptions
from clef_rt import Analyzer, Publisher, Status
from clef_rt.errors import ClefError
from clef_rt.sources import SourceOptions

__all__ = ["CAMERA", "PlaySpec"]

CAMERA = "bench"
_SUBSCRIBER_S = 20.0


class PlaySpec(BaseModel):
    """What to play.

    Attributes:
        source: as `clef_rt.stream` takes it.
        realtime: a file at its own pace, and late frames are dropped.
        loop: a file again and again.
        model: which model.
        drawn: write here, as .npy, the time that the camera drew into each frame: (n, 2) int64, `seq` and ms.
    """

    model_config = ConfigDict(extra="forbid")

    source: str
    realtime: bool
    loop: bool
    model: ModelOptions
    drawn: Path | None = None


def play(spec: PlaySpec) -> None:
    """Play until the source ends or the parent asks to stop."""
    if spec.drawn is None:
        done = _publish(spec, spec.model.load(Analyzer))
    else:
        from benchmarks.witness import Witness

        witness = spec.model.load(Witness)
        done = _publish(spec, witness)
        witness.write(spec.drawn)
    say("done", **done)


def _publish(spec: PlaySpec, analyzer: Analyzer) -> dict[str, float]:
    with Publisher("tcp://127.0.0.1:0", hellos=[analyzer.hello(CAMERA)]) as publisher:
        say("ready", endpoint=publisher.endpoint, model=ModelFacts.of(analyzer, spec.model).model_dump())
        _wait_for_subscriber(publisher)

        def tell(status: Status) -> None:
            publisher.status(status)

        options = SourceOptions(realtime=spec.realtime, loop=spec.loop)
        with clef_rt.stream(
            spec.source, analyzer=analyzer, cameras=[CAMERA], options=options, on_status=tell
        ) as stream:
            on_stop(stream.close)
            for observation in stream:
                publisher.publish(observation)
        return {"unpublished": publisher.counts.dropped, "peak_rss_mb": peak_rss_mb()}


def _wait_for_subscriber(publisher: Publisher) -> None:
    end_s = time.monotonic() + _SUBSCRIBER_S
    while not publisher.counts.subscribers:
        if time.monotonic() > end_s:
            raise ClefError("No subscriber came.", "Is the machine busy?")
        time.sleep(0.01)


if __name__ == "__main__":
    begin(PlaySpec, play)
