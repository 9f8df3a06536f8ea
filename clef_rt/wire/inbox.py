"""What has come over the wire and waits to be read: the newest of each kind and camera, or all in order."""

from __future__ import annotations

import threading
import time
from collections import deque

from clef_rt.frame import Observation
from clef_rt.wire.topic import Event, Kind, kind_of

__all__ = ["Inbox"]


class Inbox:
    """One thread puts, another gets. Bounded either way.

    Args:
        latest: keep the newest of each kind and camera; otherwise keep all, in order.
        size: messages it holds at most where it keeps all; beyond, the oldest goes.
    """

    def __init__(self, *, latest: bool, size: int) -> None:
        if size < 1:
            raise ValueError(f"an inbox holds at least one message; got {size}")
        self._latest = latest
        self._size = size
        self._queue: deque[Event] = deque()
        self._newest: dict[tuple[Kind, str], Event] = {}
        self._pushed_out: dict[str, int] = {}
        self._ready = threading.Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more."""
        return self._closed

    @property
    def pushed_out(self) -> dict[str, int]:
        """By camera: observations that gave way to newer ones before anybody read them."""
        with self._ready:
            return dict(self._pushed_out)

    def put(self, event: Event) -> None:
        """Put a message in."""
        gone: Event | None = None
        with self._ready:
            if self._latest:
                # Replaced in place: a camera keeps its turn, however often the others send.
                key = (kind_of(event), event.camera)
                gone = self._newest.get(key)
                self._newest[key] = event
            else:
                if len(self._queue) >= self._size:
                    gone = self._queue.popleft()
                self._queue.append(event)
            if isinstance(gone, Observation):
                self._pushed_out[gone.camera] = self._pushed_out.get(gone.camera, 0) + 1
            self._ready.notify()

    def get(self, timeout_s: float | None = None) -> Event | None:
        """Take the next message out, waiting for one.

        Returns:
            The message; None once the time is over, or when the box is closed and empty.
        """
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._ready:
            while not (self._queue or self._newest):
                left_s = 0.2 if end_s is None else min(0.2, end_s - time.monotonic())
                if self._closed or left_s <= 0:
                    return None
                # In slices, as Windows delivers Ctrl-C only between waits.
                self._ready.wait(left_s)
            if self._latest:
                return self._newest.pop(next(iter(self._newest)))
            return self._queue.popleft()

    def close(self) -> None:
        """Wake whoever waits. What is in it can still be read."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
