"""What has come over the wire, added up by camera: rates, latencies, losses, and the faces seen last.

Memory is bounded however long it runs: by the cameras, the last seconds, and the faces in them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from clef_rt.cli.quantiles import Quantiles
from clef_rt.frame import Observation
from clef_rt.status import CameraState, Status
from clef_rt.wire.hello import Hello
from clef_rt.wire.topic import Event

__all__ = ["CameraFigures", "Snapshot", "Tally"]

WINDOW_S: Final = 10.0
"""Rates and latencies shown while running are of so many seconds."""

_WINDOW_FRAMES: Final = 4096
_STALE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """One camera, as of an instant.

    Attributes:
        camera: its name.
        state: the last one told; None before any.
        reason: of the state; empty where all is well.
        detail: of the state, a sentence.
        frames: observations that came.
        tracks: faces that were followed, each counted once.
        fps: observations a second, of the window; in the end, of the whole run.
        p50_ms, p99_ms: from capture to here, likewise; None where nothing came.
        dropped: frames that were replaced before they could be analysed.
        lost: observations that were lost on the wire.
        latest: the last observation; None once it is old.
    """

    camera: str
    state: CameraState | None
    reason: str
    detail: str
    frames: int
    tracks: int
    fps: float
    p50_ms: float | None
    p99_ms: float | None
    dropped: int
    lost: int
    latest: Observation | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All cameras, as of an instant.

    Attributes:
        elapsed_s: since the tally began.
        cameras: in the order in which they were first heard of.
        hellos: each camera's labels and thresholds.
    """

    elapsed_s: float
    cameras: tuple[CameraFigures, ...]
    hellos: Mapping[str, Hello] = field(default_factory=dict)


class Tally:
    """Adds up events. Any thread may call it.

    Args:
        same_host: latency is by the monotonic clock, which only processes of one machine share; else by UTC, and then
            as good as the two machines' clocks agree.
        from_start: frames that were dropped before the first observation count, as this is the whole run.
    """

    def __init__(self, *, same_host: bool, from_start: bool) -> None:
        self._same_host = same_host
        self._from_start = from_start
        self._began_s = time.monotonic()
        self._lock = threading.Lock()
        self._cameras: dict[str, _Camera] = {}
        self._hellos: dict[str, Hello] = {}

    def add(self, event: Event, *, mono_ns: int | None = None, utc_ns: int | None = None) -> None:
        """Take an event into account.

        Args:
            event: what came.
            mono_ns: when, by the monotonic clock; now if None.
            utc_ns: when, by UTC; now if None.
        """
        mono_ns = time.monotonic_ns() if mono_ns is None else mono_ns
        with self._lock:
            if isinstance(event, Hello):
                self._hellos[event.camera] = event
                return
            camera = self._cameras.setdefault(event.camera, _Camera())
            if isinstance(event, Status):
                camera.status = event
                return
            if self._same_host:
                latency_ms = (mono_ns - event.captured_mono_ns) / 1e6
            else:
                latency_ms = ((time.time_ns() if utc_ns is None else utc_ns) - event.captured_utc_ns) / 1e6
            camera.see(event, mono_ns / 1e9, latency_ms, self._from_start)

    def snapshot(self, lost: Mapping[str, int] | None = None, *, now_s: float | None = None) -> Snapshot:
        """The figures as of now: rates and latencies of the last seconds.

        Args:
            lost: observations lost on the wire, by camera.
            now_s: the time by the monotonic clock; now if None.
        """
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            cameras = [camera.now(name, (lost or {}).get(name, 0), now_s) for name, camera in self._cameras.items()]
            return Snapshot(now_s - self._began_s, tuple(cameras), dict(self._hellos))

    def summary(self, lost: Mapping[str, int] | None = None) -> Snapshot:
        """The figures of the whole run."""
        now_s = time.monotonic()
        with self._lock:
            cameras = [camera.all(name, (lost or {}).get(name, 0)) for name, camera in self._cameras.items()]
            return Snapshot(now_s - self._began_s, tuple(cameras), dict(self._hellos))


class _Camera:
    """One camera's counts."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self._frames = self._tracks = self._dropped = 0
        self._last_dropped: int | None = None
        self._latencies = Quantiles()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_WINDOW_FRAMES)
        self._seen_s: dict[tuple[int, int], float] = {}
        self._first_s = self._last_s = 0.0
        self._latest: Observation | None = None

    def see(self, obs: Observation, now_s: float, latency_ms: float, from_start: bool) -> None:
        if not self._frames:
            self._first_s = now_s
        self._frames += 1
        self._last_s = now_s
        self._latest = obs
        self._latencies.add(latency_ms)
        self._recent.append((now_s, latency_ms))
        # A count that goes back is a publisher that began anew.
        before = self._last_dropped if self._last_dropped is not None else 0 if from_start else obs.dropped
        self._dropped += obs.dropped - before if obs.dropped >= before else obs.dropped
        self._last_dropped = obs.dropped
        self._count_tracks(obs, now_s)

    def _count_tracks(self, obs: Observation, now_s: float) -> None:
        for face in obs.faces:
            key = (obs.epoch, face.track_id)
            self._tracks += key not in self._seen_s
            self._seen_s.pop(key, None)
            self._seen_s[key] = now_s  # at the end: the dict stays in the order of time
        while self._seen_s and now_s - next(iter(self._seen_s.values())) > WINDOW_S:
            del self._seen_s[next(iter(self._seen_s))]

    def now(self, name: str, lost: int, now_s: float) -> CameraFigures:
        while self._recent and now_s - self._recent[0][0] > WINDOW_S:
            self._recent.popleft()
        latencies = sorted(latency for _, latency in self._recent)
        fps = 0.0
        if len(self._recent) > 1:
            first_s, last_s = self._recent[0][0], self._recent[-1][0]
            # Once frames fail to come, the rate sinks with the time since the last.
            late = now_s - last_s > max(1.0, 3 * (last_s - first_s) / (len(self._recent) - 1))
            fps = (len(self._recent) - 1) / max(1e-6, (now_s if late else last_s) - first_s)
        fresh = self._latest is not None and now_s - self._last_s < _STALE_S
        return self._figures(
            name, lost, fps, _nearest(latencies, 0.5), _nearest(latencies, 0.99), self._latest if fresh else None
        )

    def all(self, name: str, lost: int) -> CameraFigures:
        fps = (self._frames - 1) / max(1e-6, self._last_s - self._first_s) if self._frames > 1 else 0.0
        return self._figures(name, lost, fps, self._latencies.at(0.5), self._latencies.at(0.99), self._latest)

    def _figures(
        self, name: str, lost: int, fps: float, p50: float | None, p99: float | None, latest: Observation | None
    ) -> CameraFigures:
        status = self.status
        return CameraFigures(
            camera=name,
            state=status.state if status else None,
            reason=status.reason if status else "",
            detail=status.detail if status else "",
            frames=self._frames,
            tracks=self._tracks,
            fps=fps,
            p50_ms=p50,
            p99_ms=p99,
            dropped=self._dropped,
            lost=lost,
            latest=latest,
        )


def _nearest(ordered: list[float], quantile: float) -> float | None:
    return ordered[max(0, math.ceil(quantile * len(ordered)) - 1)] if ordered else None
