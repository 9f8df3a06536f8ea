"""The time in which a run is measured, and the CPU time that processes took in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from benchmarks.machine import psutil

__all__ = ["Window"]


class Window:
    """Lets the time pass.

    Attributes:
        cores: by name, how many cores each process kept busy; what had ended already is left out.
        interrupted: whether Ctrl-C ended it.

    Args:
        processes: process numbers by name.
        ended: set when there is nothing left to wait for.
    """

    def __init__(self, processes: Mapping[str, int], ended: threading.Event) -> None:
        self.cores: dict[str, float] = {}
        self.interrupted = False
        self._processes = processes
        self._ended = ended

    def wait(self, warmup_s: float, seconds: float) -> None:
        """Wait until the time is over, there is nothing left, or somebody interrupts."""
        try:
            if not self._ended.wait(warmup_s):
                before, begun = self._cpu_seconds(), time.monotonic()
                try:
                    self._ended.wait(seconds)
                finally:
                    elapsed = max(time.monotonic() - begun, 1e-3)
                    after = self._cpu_seconds()
                    self.cores = {name: (after[name] - before[name]) / elapsed for name in before.keys() & after.keys()}
        except KeyboardInterrupt:
            self.interrupted = True

    def _cpu_seconds(self) -> dict[str, float]:
        tools = psutil()
        found = {}
        for name, pid in self._processes.items():
            try:
                times = tools.Process(pid).cpu_times()
            except tools.Error:  # it has ended
                continue
            found[name] = times.user + times.system
        return found
