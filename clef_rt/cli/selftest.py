"""What `clef-rt doctor` tries: the parts that live work is made of, each once and timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from clef_rt.cli.checks import Check

__all__ = ["SelfTest", "self_test"]

_REPEATS: Final = 15
_PATIENCE_S: Final = 5.0
_SIZE: Final = (720, 1280)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What was tried.

    Attributes:
        checks: one for each part.
        times_ms: medians in milliseconds, by what was timed; without what didn't work.
    """

    checks: list[Check]
    times_ms: dict[str, float]


def self_test(bundle: str | None, detector: str, engine: str = "auto", variant: str = "auto") -> SelfTest:
    """Load a bundle, detect, encode, and send a message over a real socket.

    Args:
        bundle: as for `clef_rt.load`.
        detector: likewise.
        engine: likewise.
        variant: likewise.
    """
    checks: list[Check] = []
    times_ms: dict[str, float] = {}
    attempts: dict[str, Callable[[], str]] = {
        "model": lambda: _encode(bundle, engine, variant, times_ms),
        "detector": lambda: _detect(detector, times_ms),
        "wire": lambda: _round_trip(times_ms),
    }
    for name, attempt in attempts.items():
        try:
            checks.append(Check(name, "ok", attempt()))
        except Exception as error:  # whatever is wrong with one part, the others are still to be tried
            what = getattr(error, "what", None) or f"{type(error).__name__}: {error}"
            checks.append(Check(name, "broken", what, getattr(error, "hint", "")))
    return SelfTest(checks, times_ms)


def _median_ms(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(times)


def _encode(source: str | None, engine: str, variant: str, times_ms: dict[str, float]) -> str:
    from clef_rt.bundle import load_bundle
    from clef_rt.encode import load_encoder

    begun = time.perf_counter()
    bundle = load_bundle(source)
    encoder = load_encoder(bundle, engine, variant=variant)
    times_ms["load bundle"] = (time.perf_counter() - begun) * 1e3
    size, channels = bundle.spec.input.size, bundle.spec.input.channels
    crops = np.random.default_rng(0).integers(0, 256, (4, size, size, channels)).astype(np.uint8)
    times_ms["encode 1 face"] = _median_ms(lambda: encoder.encode(crops[:1]))
    times_ms["encode 4 faces"] = _median_ms(lambda: encoder.encode(crops))
    return f"{bundle.spec.name} {bundle.spec.version} on {encoder.description}"


def _detect(name: str, times_ms: dict[str, float]) -> str:
    from clef_rt.detect import load_detector
    from clef_rt.picture import Picture

    detector = load_detector(name)
    # Coarse noise gives a detector about as much to do as a furnished room, and no face.
    noise = np.random.default_rng(0).integers(0, 256, (_SIZE[0] // 20, _SIZE[1] // 20, 3)).astype(np.uint8)
    scene = Picture.from_array(np.ascontiguousarray(noise.repeat(20, axis=0).repeat(20, axis=1)))
    times_ms["detect in 720p"] = _median_ms(lambda: detector.detect(scene))
    return f"{detector.name}, in a picture without faces"


def _round_trip(times_ms: dict[str, float]) -> str:
    from clef_rt.publish import Publisher
    from clef_rt.status import CameraState, Status
    from clef_rt.subscribe import subscribe

    def tell(number: int) -> None:
        publisher.status(Status("doctor", CameraState.LIVE, number, time.time_ns()))
        while not (isinstance(event := next(events), Status) and event.epoch == number):
            pass

    with (
        Publisher("tcp://127.0.0.1:0") as publisher,
        subscribe(publisher.endpoint, latest=False, timeout_s=_PATIENCE_S) as subscription,
    ):
        events = subscription.events()
        numbers = iter(range(_REPEATS + 1))
        times_ms["publish to subscriber"] = _median_ms(lambda: tell(next(numbers)))
        return f"a message over {publisher.endpoint}"
