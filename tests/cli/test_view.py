"""What is drawn of given figures. No terminal is needed."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from clef_rt.cli.outputs import PlainOutput, figures_line, state_line
from clef_rt.cli.tally import Snapshot, Tally
from clef_rt.cli.view import bar, live_view, printable, summary_view
from clef_rt.status import CameraState
from tests.rigs import messages


def drawn(view: RenderableType, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width, record=True, legacy_windows=False)
    console.print(view)
    return [line.rstrip() for line in console.export_text().splitlines()]


def snapshot(faces: int = 1, cameras: tuple[str, ...] = ("door",)) -> Snapshot:
    tally = Tally(same_host=True, from_start=True)
    for camera in cameras:
        tally.add(messages.hello(camera))
        tally.add(messages.status(camera))
        for seq in range(3):
            observation = messages.fresh(camera, seq, faces=faces)
            tally.add(observation, mono_ns=observation.captured_mono_ns + 21_500_000)
    return tally.snapshot({"door": 4})


def view(shown: Snapshot, *, width: int = 120, height: int = 40, ascii_only: bool = False) -> list[str]:
    return drawn(
        live_view(shown, width=width, height=height, title="the title", footer="the footer", ascii_only=ascii_only),
        width,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "    "), (1, "████"), (0.5, "██  "), (0.625, "██▌ "), (0.03125, "▏   "), (-1, "    "), (7, "████")],
)
def test_bar_shows_eighths(value: float, expected: str) -> None:
    assert bar(value, 4) == expected
    assert len(bar(value, 4, ascii_only=True)) == 4


def test_bar_without_block_characters() -> None:
    assert bar(0.5, 8, ascii_only=True) == "####...."


def test_camera_row_shows_state_rate_latency_and_losses() -> None:
    lines = view(snapshot())
    row = next(line for line in lines if line.startswith("door "))
    assert row.split()[1] == "live"
    assert row.split()[3:] == ["1", "21.5", "21.5", "0", "4"]


def test_face_row_shows_the_strongest_in_the_order_of_the_labels() -> None:
    row = next(line for line in view(snapshot()) if line.startswith("door #7"))
    # Of 0.1, 0.2, 0.3, 0.4 and 0.9 the strongest three; happiness is 0.88, and of those added by text one is 1.
    assert [word for word in row.split() if word.startswith("AU")] == ["AU04", "AU06", "AU12"]
    assert row.index("AU12") < row.index("happiness") < row.index("Zunge hera…*")
    assert "0.90" in row
    assert bar(0.9, 8) in row


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_view_fits_its_width(width: int) -> None:
    lines = view(snapshot(faces=2), width=width)
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("door #") for line in lines) == 2
    if width >= 80:
        assert all(line.count("AU") >= 2 for line in lines if line.startswith("door #"))
        assert all(line.endswith(" 1.00") for line in lines if line.startswith("door #"))


@pytest.mark.parametrize("height", [12, 24, 50])
def test_view_fits_its_height_and_counts_the_faces_it_leaves_out(height: int) -> None:
    lines = view(snapshot(faces=60), height=height)
    assert len(lines) <= height
    shown = sum(line.startswith("door #") for line in lines)
    assert f" … and {60 - shown} more faces" in lines


def test_view_tells_why_a_camera_is_not_live() -> None:
    tally = Tally(same_host=True, from_start=True)
    detail = "rtsp://***@cam/1 refuses the connection. Next attempt in 2.0 s."
    tally.add(messages.status(state=CameraState.BACKOFF, reason="refused", detail=detail))
    lines = view(tally.snapshot())
    assert any("backoff (refused)" in line for line in lines)
    assert f" door: {detail}" in lines
    assert " no face in sight" in lines


def test_view_of_nothing_says_so() -> None:
    assert " nothing has come yet" in view(Tally(same_host=True, from_start=True).snapshot())


def test_view_in_ascii_holds_no_block_characters() -> None:
    face = next(line for line in view(snapshot(), ascii_only=True) if line.startswith("door #7"))
    assert face.isascii()
    assert "#######." in face


def test_threshold_decides_what_counts_as_present() -> None:
    console = Console(file=io.StringIO(), width=150, force_terminal=True, color_system="standard", legacy_windows=False)
    shown = snapshot()
    console.print(live_view(shown, width=150, height=30, title="", footer=""))
    output = console.file
    assert isinstance(output, io.StringIO)
    green = "\x1b[32m"
    assert f"{green} {bar(0.9, 8)}" in output.getvalue()  # AU12, threshold 0.5
    assert f"{green} {bar(0.4, 8)}" not in output.getvalue()


def test_foreign_text_can_not_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\r\n\u202e") == "a?[2Jb???"
    assert printable("x" * 50, 10) == "x" * 9 + "…"
    tally = Tally(same_host=True, from_start=True)
    tally.add(messages.status(state=CameraState.BACKOFF, reason="\x1b[31m", detail="[bold]\x1b]0;title\x07"))
    text = "\n".join(view(tally.snapshot()))
    assert "\x1b" not in text
    assert "[bold]?]0;title?" in text


def test_summary_shows_the_whole_run() -> None:
    tally = Tally(same_host=True, from_start=True)
    tally.add(messages.status())
    for seq in range(40):
        observation = messages.fresh("door", seq, dropped=seq // 10)
        tally.add(observation, mono_ns=observation.captured_mono_ns + 50_000_000)
    tally.add(messages.status(state=CameraState.STOPPED, reason="ended"))
    lines = drawn(summary_view(tally.summary({"door": 2}), "Published 42."))
    row = next(line for line in lines if line.startswith("door")).split()
    assert row[1:3] == ["40", "1"]
    assert float(row[4]) == pytest.approx(50, rel=0.02)
    assert row[6:] == ["3", "2", "stopped", "(ended)"]
    assert lines[-1] == "Published 42."


def test_summary_of_nothing() -> None:
    assert "Nothing came." in drawn(summary_view(Tally(same_host=True, from_start=True).summary()))


def test_log_lines() -> None:
    [own] = snapshot().cameras
    line = figures_line(own)
    assert line.startswith("door live ")
    assert (
        "latency p50 21.5 p99 21.5 ms, dropped 0, lost 4, faces 1 | #7 AU12 0.90 AU06 0.40 AU04 0.30 happiness 0.88"
        in line
    )
    assert state_line(own) == "door live"


def test_plain_output_tells_each_state_once() -> None:
    file = io.StringIO()
    output = PlainOutput(file, "title")
    tally = Tally(same_host=True, from_start=True)
    for state in (CameraState.CONNECTING, CameraState.CONNECTING, CameraState.LIVE, CameraState.STALLED):
        tally.add(messages.status(state=state, detail="why" if state is CameraState.STALLED else ""))
        output.tick(tally.snapshot())
    told = [line.split(" ", 1)[1] for line in file.getvalue().splitlines()]
    assert told == ["title", "door connecting", "door live", "door stalled: why"]
