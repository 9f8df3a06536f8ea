"""The bar of an epoch: steps, images a second, time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["StepProgress"]


class StepProgress:
    """A context: a bar on the console, gone when the epoch is.

    Args:
        console: None for none.
        label: before the bar.
        done: steps made before.
        total: steps in all.
    """

    def __init__(self, console: Console | None, label: str, *, done: int, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} images/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=console is None,
        )
        self._task = self._progress.add_task(label, total=total, completed=done, rate=0.0)
        self._faces = 0
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self, faces: int) -> None:
        """One more step, of so many faces."""
        self._faces += faces
        rate = self._faces / max(time.monotonic() - self._started, 1e-9)
        self._progress.update(self._task, advance=1, rate=rate)
