"""What is shown of the events that come over the wire: a view, lines, JSON, or nothing."""

from __future__ import annotations

import sys
import time
from typing import IO, Final, Literal, Protocol, TypeAlias

from rich.console import Console
from rich.live import Live

from clef_rt.cli.sides import shown_aus
from clef_rt.cli.tally import CameraFigures, Snapshot
from clef_rt.cli.terminal import LOG_WIDTH, stderr_console
from clef_rt.cli.view import live_view, printable, summary_view
from clef_rt.frame import Face
from clef_rt.status import CameraState, Status
from clef_rt.wire import encode
from clef_rt.wire.topic import Event

__all__ = ["JsonOutput", "LiveOutput", "Output", "OutputKind", "PlainOutput", "choose"]

OutputKind: TypeAlias = Literal["auto", "live", "plain", "json", "quiet"]

_PLAIN_EVERY_S: Final = 1.0
_PLAIN_FACES: Final = 8


class Output(Protocol):
    """Shows what comes.

    Attributes:
        console: where to write anything else, such as errors of the log.
    """

    console: Console

    def event(self, event: Event) -> None:
        """Take an event, in the thread that receives them."""
        ...

    def tick(self, snapshot: Snapshot) -> None:
        """Show the figures, ten times a second, in the main thread."""
        ...

    def close(self, summary: Snapshot | None, wire: str) -> None:
        """End, with a summary unless it's None."""
        ...


def choose(kind: OutputKind, title: str, footer: str) -> Output | None:
    """The output of a kind; None for `quiet`. `auto` is the view on a terminal, and lines elsewhere."""
    if kind == "quiet":
        return None
    if kind == "json":
        return JsonOutput(title)
    if kind == "live" or (kind == "auto" and sys.stdout.isatty()):
        return LiveOutput(Console(), title, footer)
    return PlainOutput(sys.stdout, title)


class LiveOutput:
    """A view that is redrawn in place, and goes for the summary in the end."""

    def __init__(self, console: Console, title: str, footer: str) -> None:
        self.console = console
        self._title = title
        self._footer = footer
        self._live: Live | None = None

    def event(self, event: Event) -> None:
        """See `Output`."""

    def tick(self, snapshot: Snapshot) -> None:
        """See `Output`."""
        view = live_view(
            snapshot,
            width=self.console.width,
            height=self.console.height,
            title=self._title,
            footer=f"{snapshot.elapsed_s:.0f} s · {self._footer}",
            ascii_only=not self.console.encoding.startswith("utf"),
        )
        if self._live is None:
            self._live = Live(view, console=self.console, auto_refresh=False, transient=True)
            self._live.start(refresh=True)
        else:
            self._live.update(view, refresh=True)

    def close(self, summary: Snapshot | None, wire: str) -> None:
        """See `Output`."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if summary is not None:
            self.console.print(summary_view(summary, wire))


class PlainOutput:
    """A line a second and camera, and one for each change of a camera's state: for logs."""

    def __init__(self, file: IO[str], title: str) -> None:
        self.console = stderr_console()
        self._file = file
        self._print(printable(title))
        self._next_s = time.monotonic() + _PLAIN_EVERY_S
        self._states: dict[str, tuple[CameraState | None, str]] = {}

    def event(self, event: Event) -> None:
        """See `Output`."""

    def tick(self, snapshot: Snapshot) -> None:
        """See `Output`."""
        for own in snapshot.cameras:
            state = (own.state, own.reason)
            if own.state is not None and self._states.get(own.camera) != state:
                self._states[own.camera] = state
                self._print(state_line(own))
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + _PLAIN_EVERY_S
            for own in snapshot.cameras:
                if own.latest is not None:
                    self._print(figures_line(own))

    def close(self, summary: Snapshot | None, wire: str) -> None:
        """See `Output`."""
        if summary is not None:
            Console(file=self._file, width=LOG_WIDTH).print(summary_view(summary, wire))

    def _print(self, line: str) -> None:
        print(time.strftime("%H:%M:%S"), line, file=self._file, flush=True)


class JsonOutput:
    """Each message as a line of JSON, as on the wire: hellos when they're new, changes of state, observations.

    The lines go to stdout at once and past Python's buffer, whose lock a thread that is stuck in a full pipe would
    keep for good.
    """

    def __init__(self, title: str) -> None:
        self.console = stderr_console()
        self.console.print(printable(title), markup=False, highlight=False)
        self._file = open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115 - for the whole run
        self._states: dict[str, tuple[CameraState, int, str]] = {}

    def event(self, event: Event) -> None:
        """See `Output`.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        if isinstance(event, Status):
            state = (event.state, event.epoch, event.reason)
            if self._states.get(event.camera) == state:
                return
            self._states[event.camera] = state
        line = memoryview(encode(event, format="json") + b"\n")
        while line:
            line = line[self._file.write(line) or 0 :]

    def tick(self, snapshot: Snapshot) -> None:
        """See `Output`."""

    def close(self, summary: Snapshot | None, wire: str) -> None:
        """See `Output`."""
        if summary is not None:
            self.console.print(summary_view(summary, wire))


def state_line(own: CameraFigures) -> str:
    """A camera's state, for a log."""
    reason = f" ({printable(own.reason, 64)})" if own.reason else ""
    detail = f": {printable(own.detail)}" if own.detail else ""
    return f"{own.camera} {own.state}{reason}{detail}"


def figures_line(own: CameraFigures) -> str:
    """A camera's figures and faces, for a log."""
    faces = own.latest.faces if own.latest is not None else ()
    p50, p99 = own.p50_ms or 0.0, own.p99_ms or 0.0
    figures = f"{own.camera} {own.state or 'unknown'} {own.fps:.1f} fps, latency p50 {p50:.1f} p99 {p99:.1f} ms, "
    figures += f"dropped {own.dropped}, lost {own.lost}, faces {len(faces)}"
    return " | ".join([figures, *map(_face, faces[:_PLAIN_FACES])])


def _face(face: Face) -> str:
    pairs = [*shown_aus(face.aus, 3), *face.expressions.top(1)]
    pairs += [(f"{name}*", value) for name, value in face.zero_shot.top(1)]
    return f"#{face.track_id} " + " ".join(f"{printable(name, 24)} {value:.2f}" for name, value in pairs)
