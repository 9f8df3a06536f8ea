"""Plays recorded things at the speed at which they were recorded."""

from __future__ import annotations

import threading
import time

__all__ = ["Pace"]


class Pace:
    """Waits until a moment of the recording is due. One for each turn of a loop.

    Args:
        stop: ends any waiting.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._zero_s: float | None = None

    def wait(self, at_s: float) -> None:
        """Return when `at_s` seconds of the recording have passed, counted from the first call's; at once if late."""
        now = time.monotonic()
        if self._zero_s is None:
            self._zero_s = now - at_s
        delay = self._zero_s + at_s - now
        if delay > 0:
            self._stop.wait(delay)
