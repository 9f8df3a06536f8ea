"""Ctrl-C and SIGTERM: the first asks to end in order, the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Self

from clef_rt.cli import EXIT_INTERRUPTED

__all__ = ["Interrupts"]

_SHOW_CURSOR = b"\x1b[?25h"


class Interrupts:
    """Installs itself for a `with` block, in the main thread.

    Until `patient()` is called, the first signal raises KeyboardInterrupt in the main thread, wherever it is. From then
    on it only sets `asked`, which the main thread looks at. An event would not do: setting it in a handler that
    interrupts its own `wait` is a deadlock.

    Attributes:
        asked: whether a signal has come.
    """

    def __init__(self) -> None:
        self.asked = False
        self._patient = False
        self._before: dict[int, Any] = {}

    def patient(self) -> None:
        """From here on the first signal only sets `asked`."""
        self._patient = True

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            # Not sys.exit: it would wait for threads that libav holds, and print what their ends complain of.
            if sys.stdout.isatty():
                os.write(sys.stdout.fileno(), _SHOW_CURSOR)
            os._exit(EXIT_INTERRUPTED)
        self.asked = True
        if not self._patient:
            raise KeyboardInterrupt
