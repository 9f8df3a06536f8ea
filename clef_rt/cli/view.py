"""The live view and the summary: figures in, something that Rich prints out. Nothing here touches a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clef_rt.cli.sides import shown_aus
from clef_rt.cli.tally import CameraFigures, Snapshot
from clef_rt.frame import Face
from clef_rt.status import CameraState
from clef_rt.wire.hello import Hello

__all__ = ["bar", "live_view", "printable", "summary_view"]

_STATE_STYLES: Final = {
    CameraState.CONNECTING: "yellow",
    CameraState.LIVE: "green",
    CameraState.STALLED: "red",
    CameraState.BACKOFF: "red",
    CameraState.STOPPED: "dim",
}
_NARROW: Final = 110  # columns
_NAME: Final = 12
_FIGURE: Final = 6  # columns of " 0.90" and the blank before the bar

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def live_view(
    snapshot: Snapshot, *, width: int, height: int, title: str, footer: str, ascii_only: bool = False
) -> Group:
    """The view while it runs: a row a camera, a row a face.

    Args:
        snapshot: what to show.
        width: of the terminal, columns; decides how many Action Units a face shows.
        height: of the terminal, lines; more faces than fit are counted only.
        title: the first line.
        footer: the last line.
        ascii_only: draw bars without block characters.
    """
    trouble = _trouble(snapshot.cameras)
    faces = [(own.camera, face) for own in snapshot.cameras if own.latest is not None for face in own.latest.faces]
    room = max(1, height - len(snapshot.cameras) - len(trouble) - 6)
    parts: list[RenderableType] = [Text(printable(title), "bold", no_wrap=True, overflow="ellipsis")]
    parts += [_cameras(snapshot.cameras), *trouble]
    parts.append(_faces(faces[:room], snapshot.hellos, width, ascii_only))
    if len(faces) > room:
        parts.append(Text(f" … and {len(faces) - room} more faces", "dim"))
    elif not faces:
        parts.append(Text(" no face in sight" if snapshot.cameras else " nothing has come yet", "dim"))
    parts.append(Text(printable(footer), "dim", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def summary_view(summary: Snapshot, wire: str = "") -> Group:
    """What came of it: a row a camera.

    Args:
        summary: of the whole run.
        wire: a line about what was published.
    """
    table = _table()
    for name in ("camera", "frames", "faces", "fps", "p50 ms", "p99 ms", "dropped", "lost", "ended as"):
        table.add_column(name, justify="left" if name in ("camera", "ended as") else "right")
    for own in summary.cameras:
        table.add_row(
            own.camera,
            str(own.frames),
            str(own.tracks),
            f"{own.fps:.1f}",
            _ms(own.p50_ms),
            _ms(own.p99_ms),
            str(own.dropped),
            str(own.lost),
            _state(own),
        )
    lines: list[RenderableType] = [Text(f"Ran for {summary.elapsed_s:.1f} s.", "bold"), table]
    if not summary.cameras:
        lines[1:] = [Text("Nothing came.")]
    if wire:
        lines.append(Text(printable(wire)))
    return Group(*lines)


def bar(value: float, width: int = 8, *, ascii_only: bool = False) -> str:
    """A score from 0 to 1 as a bar of `width` characters, in steps of an eighth of one."""
    steps = round(min(1.0, max(0.0, value)) * width * 8)
    if ascii_only:
        return ("#" * round(steps / 8)).ljust(width, ".")
    full, part = divmod(steps, 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width)


def printable(text: str, limit: int = 300) -> str:
    """A text that came from elsewhere, without what would steer a terminal."""
    clean = "".join(char if char.isprintable() else "?" for char in text[:limit])
    return clean if len(text) <= limit else clean[:-1] + "…"


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 1))


def _cameras(cameras: Sequence[CameraFigures]) -> Table:
    table = _table()
    for name in ("camera", "state", "fps", "faces", "p50 ms", "p99 ms", "dropped", "lost"):
        table.add_column(name, justify="left" if name in ("camera", "state") else "right", no_wrap=name != "state")
    for own in cameras:
        faces = len(own.latest.faces) if own.latest is not None else 0
        figures = (f"{own.fps:.1f}", str(faces), _ms(own.p50_ms), _ms(own.p99_ms), str(own.dropped), str(own.lost))
        table.add_row(own.camera, _state(own), *figures)
    return table


def _faces(faces: Sequence[tuple[str, Face]], hellos: Mapping[str, Hello], width: int, ascii_only: bool) -> Table:
    """One row a face: its strongest Action Units in the labels' order, its strongest expressions by strength.

    Of labels that were added by text, the strongest takes the second expression's place, with an asterisk.
    """
    table = Table(box=None, show_header=False, pad_edge=False, collapse_padding=True, padding=(0, 1))
    titles = [f"{camera[:16]} #{face.track_id}" for camera, face in faces]
    bar_width = 4 if width < _NARROW else 8
    au_width = max((len(name[:_NAME]) for _, face in faces for name in face.aus), default=4)
    expression_width = max((len(name[:_NAME]) for _, face in faces for name in face.expressions), default=9)
    added_width = max((len(name[: _NAME - 1]) + 1 for _, face in faces for name in face.zero_shot), default=0)
    expressions = 1 if width < _NARROW or added_width else 2
    left = width - max(map(len, titles), default=0) - expressions * (expression_width + bar_width + _FIGURE + 1)
    left -= added_width + bar_width + _FIGURE + 1 if added_width else 0
    aus = max(1, left // (au_width + bar_width + _FIGURE + 1))
    for title, (camera, face) in zip(titles, faces, strict=True):
        order = {name: index for index, name in enumerate(face.aus)}
        cells = [
            _score(name, value, au_width, bar_width, ascii_only, hellos.get(camera))
            for name, value in sorted(shown_aus(face.aus, aus), key=lambda pair: order[pair[0]])
        ]
        cells += [
            _score(name, value, expression_width, bar_width, ascii_only, None)
            for name, value in face.expressions.top(expressions)
        ]
        cells += [
            _score(name, value, added_width, bar_width, ascii_only, hellos.get(camera), mark="*")
            for name, value in face.zero_shot.top(1)
        ]
        table.add_row(Text(title, "bold", no_wrap=True), *cells)
    return table


def _score(
    name: str,
    value: float,
    name_width: int,
    bar_width: int,
    ascii_only: bool,
    hello: Hello | None,
    *,
    mark: str = "",
) -> Text:
    present = value >= (hello.thresholds.get(name, 0.5) if hello else 0.5)
    text = Text(no_wrap=True)
    shown = printable(name, _NAME - len(mark)) + mark
    shown = shown.encode("ascii", "replace").decode() if ascii_only else shown
    text.append(shown.ljust(name_width), "italic dim" if hello and name in hello.experimental else "")
    text.append(" " + bar(value, bar_width, ascii_only=ascii_only), "green" if present else "blue")
    text.append(f" {value:.2f}", "bold" if present else "dim")
    return text


def _state(own: CameraFigures) -> Text:
    if own.state is None:
        return Text("–", "dim")
    reason = f" ({printable(own.reason, 24)})" if own.reason else ""
    return Text(own.state.value + reason, _STATE_STYLES[own.state])


def _trouble(cameras: Sequence[CameraFigures]) -> list[RenderableType]:
    """A line for each camera that tells why it isn't live."""
    return [
        Text(f" {own.camera}: {printable(own.detail)}", "yellow", no_wrap=True, overflow="ellipsis")
        for own in cameras
        if own.detail and own.state is not CameraState.STOPPED
    ]


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
