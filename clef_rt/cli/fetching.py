"""How a download shows on stderr: a bar on a terminal, a line for each hindrance elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from clef_rt.cli.terminal import stderr_console
from clef_rt.models.download import Watcher

__all__ = ["Fetching"]


class Fetching(Watcher):
    """For a `with` block around `pull`."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        self._done = 0
        self._total: int | None = None
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=stderr_console(), transient=True, disable=not sys.stderr.isatty())
        self._task = self._progress.add_task("")

    def moved(self, done: int, total: int | None) -> None:
        """See `Watcher.moved`."""
        if (
            done < self._done or self._done == 0
        ):  # at the start, and where it begins anew: the rate is of what is fetched
            self._progress.reset(self._task, total=total, completed=done)
        self._done, self._total = done, total
        self._progress.update(self._task, completed=done, total=total)

    def waiting(self, why: str, seconds: float) -> None:
        """See `Watcher.waiting`."""
        self._progress.console.print(f"clef-rt: {why}; next attempt in {seconds:.0f} s.", markup=False, highlight=False)

    def left_off(self) -> str:
        """Where a download was broken off, to stand behind "Stopped"; "" where nothing had come."""
        if not self._done:
            return ""
        of = f" of {self._total / 1e6:.1f}" if self._total else ""
        return f" at {self._done / 1e6:.1f}{of} MB, which are kept: the same command goes on from there"

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
