"""When a frame was captured, and which number it has."""

from __future__ import annotations

import time
from typing import NamedTuple

from clef_rt.frame import Frame
from clef_rt.picture import Picture

__all__ = ["Arrival", "Stamper"]

JUMP_NS = 10_000_000_000
BACK_NS = 1_000_000_000  # cheap cameras' clocks jitter by less than this


class Arrival(NamedTuple):
    """The instant a packet arrived, by two clocks.

    PyAV keeps it by its identity while a packet travels through the decoder: make a new one for each packet.
    """

    mono_ns: int
    utc_ns: int

    @classmethod
    def now(cls) -> Arrival:
        """The present instant."""
        return cls(time.monotonic_ns(), time.time_ns())


class Stamper:
    """Numbers and stamps the frames of one camera.

    Args:
        camera: the camera's name.
        epoch: the connection's number.
        seq: the first frame's number.
        watch: begin a new epoch where the stream's time stamps jump, as when a server restarts behind a proxy. Files
            may hold gaps by intention.
    """

    def __init__(self, camera: str, *, epoch: int, seq: int, watch: bool) -> None:
        self.camera = camera
        self.epoch = epoch
        self.seq = seq
        self._watch = watch
        self._last: Arrival | None = None
        self._last_pts_ns: int | None = None

    def next_epoch(self) -> None:
        """What follows has nothing to do with what was: a loop's new turn, or a jump."""
        self.epoch += 1
        self._last_pts_ns = None

    def frame(self, picture: Picture, *, pts_ns: int | None, arrival: Arrival, decode_ms: float = 0.0) -> Frame:
        """The next frame.

        Capture stamps never run backwards: with B-frames the packet of a picture may arrive before the packet of one
        that is shown earlier, and it is the later of the two that decides when it could be had.
        """
        arrival = arrival if self._last is None else max(arrival, self._last)
        if self._watch and self._jumped(pts_ns, arrival):
            self.next_epoch()
        self._last, self._last_pts_ns = arrival, pts_ns
        seq, self.seq = self.seq, self.seq + 1
        return Frame(
            camera=self.camera,
            epoch=self.epoch,
            seq=seq,
            picture=picture,
            pts_ns=pts_ns or 0,
            captured_mono_ns=arrival.mono_ns,
            captured_utc_ns=arrival.utc_ns,
            decode_ms=decode_ms,
        )

    def _jumped(self, pts_ns: int | None, arrival: Arrival) -> bool:
        if pts_ns is None or self._last_pts_ns is None or self._last is None:
            return False
        step = pts_ns - self._last_pts_ns
        # Against the arrival clock: a camera silent for a minute has a step of a minute, and no jump.
        return step < -BACK_NS or abs(step - (arrival.mono_ns - self._last.mono_ns)) > JUMP_NS
