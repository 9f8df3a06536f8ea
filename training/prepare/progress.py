"""The progress of preparing."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["faces_progress"]


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Faces a second."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} faces/s" if speed else "")


def faces_progress(console: Console) -> Progress:
    """A bar with how many are done, faces a second, and the time left; gone at the end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
