"""Watches readers from aside: tells their statuses to whoever listens, and looks whether one has stalled.

A thread of its own, since readers tell with their lock held, and the thread that iterates a stream may be busy.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from clef_rt.reader import Reader
from clef_rt.status import Status

__all__ = ["Watch"]

log = logging.getLogger(__name__)

_CHECK_S: Final = 0.5


class Watch:
    """Delivers statuses in their order.

    Args:
        on_status: called with each status, in this object's thread; None if nobody listens.
    """

    def __init__(self, on_status: Callable[[Status], object] | None) -> None:
        self._on_status = on_status
        self._statuses: queue.SimpleQueue[Status | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def tell(self, status: Status) -> None:
        """Take a status, from any thread. Never waits."""
        self._statuses.put(status)

    def start(self, readers: Sequence[Reader]) -> None:
        """Begin to deliver, and to watch the readers."""
        self._thread = threading.Thread(target=self._run, args=(tuple(readers),), name="watch", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, and stop. Doesn't wait longer than it may, and not for itself."""
        self._statuses.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self, readers: tuple[Reader, ...]) -> None:
        check_s = time.monotonic() + _CHECK_S
        while True:
            try:
                status = self._statuses.get(timeout=max(0.0, check_s - time.monotonic()))
            except queue.Empty:
                for reader in readers:
                    reader.check()
                check_s = time.monotonic() + _CHECK_S
                continue
            if status is None:
                return
            if self._on_status is not None:
                try:
                    self._on_status(status)
                except Exception:  # a listener's mistake must not cost the others their statuses
                    log.exception("%s: a status listener failed", status.camera)
