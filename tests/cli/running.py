"""How tests run the command line, and read what it writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple


class Called(NamedTuple):
    """What a run in this process ended with."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "clef_rt", *map(str, arguments)]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONUTF8": "1", "COLUMNS": "200", "PYTHONWARNINGS": "error", "TERM": "dumb"}


def interrupt(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[float, str, str]:
    """Send a signal; the seconds until the process ended, and what it still wrote."""
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return time.monotonic() - begun, out, err


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read stdout until a line holds a text; that line."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} never came; stderr: {process.stderr.read() if process.stderr else ''}")


def one_line(error: str, *parts: str) -> None:
    """Check that stderr is one line for a user, with these parts."""
    lines = error.splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("clef-rt: ")
    assert "Traceback" not in error
    for part in parts:
        assert part in lines[0], error


def seqs(lines: Sequence[dict[str, Any]]) -> list[int]:
    return [line["seq"] for line in lines if line["kind"] == "obs"]
