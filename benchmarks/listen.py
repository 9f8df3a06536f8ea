"""The subscriber, in a process of its own: notes when each observation came. Run by `benchmarks.run`."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from benchmarks.child import begin, on_stop, say
from clef_rt import Observation, subscribe

__all__ = ["HEARD", "ListenSpec"]

HEARD: Final = np.dtype(
    [
        ("epoch", "i8"),
        ("seq", "i8"),
        ("received_ns", "i8"),  # time.monotonic_ns(): one clock for all processes of a machine
        ("captured_ns", "i8"),
        ("dropped", "i8"),
        ("faces", "i8"),
        ("width", "i8"),
        ("height", "i8"),
        ("decode", "f8"),
        ("detect", "f8"),
        ("align", "f8"),
        ("encode", "f8"),
        ("total", "f8"),
    ]
)
"""One observation; times of stages in ms."""


class ListenSpec(BaseModel):
    """What to listen to.

    Attributes:
        endpoint: the publisher's.
        heard: write here, as .npy, an array of `HEARD`.
    """

    model_config = ConfigDict(extra="forbid")

    endpoint: str
    heard: Path


def listen(spec: ListenSpec) -> None:
    """Listen until the parent asks to stop."""
    logging.getLogger("clef_rt").setLevel(logging.ERROR)  # silence while a source is opened is no news
    rows: list[tuple[float, ...]] = []
    # Every observation, not the latest alone: one that a newer one overtakes would else be missing among the late.
    with subscribe(spec.endpoint, latest=False, queue_size=1 << 16) as subscription:
        on_stop(subscription.close)
        for observation in subscription:
            now_ns = time.monotonic_ns()
            if not rows:
                say("live")
            rows.append(_row(observation, now_ns))
        counts = subscription.counts
    np.save(spec.heard, np.array(rows, HEARD))
    say("done", lost=counts.lost, invalid=counts.invalid)


def _row(observation: Observation, now_ns: int) -> tuple[float, ...]:
    return (
        observation.epoch,
        observation.seq,
        now_ns,
        observation.captured_mono_ns,
        observation.dropped,
        len(observation.faces),
        observation.width,
        observation.height,
        *(observation.ms[stage] for stage in ("decode", "detect", "align", "encode", "total")),
    )


if __name__ == "__main__":
    begin(ListenSpec, listen)
