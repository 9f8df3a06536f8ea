"""Ctrl-C, SIGTERM and closed pipes: it ends soon, in order, and without a traceback."""

from __future__ import annotations

import fcntl
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Start
from tests.cli.running import interrupt, read_until

FREE = ("--endpoint", "tcp://127.0.0.1:0")


def fill_pipe(process: subprocess.Popen[str]) -> None:
    """Let the process run until it is stuck in its stdout, which nobody reads."""
    assert process.stdout is not None
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # a few messages instead of a hundred
    read_until(process, '"kind":"obs"')
    time.sleep(1.5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_in_order(start: Start, film: Path, bundle: Path, number: signal.Signals) -> None:
    process = start("live", film, "--realtime", "--loop", "--bundle", bundle, *FREE)
    read_until(process, " fps, latency")
    seconds, out, err = interrupt(process, number)
    assert seconds < 3
    assert process.returncode == 0, err
    assert err == ""
    assert "Ran for " in out
    assert "stopped" in out


def test_signal_while_a_source_does_not_answer(start: Start, bundle: Path) -> None:
    with socket.socket() as silent:  # accepts, and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        process = start("live", uri, "--bundle", bundle, "--json", *FREE)
        read_until(process, "connecting")
        seconds, _, err = interrupt(process)
    assert seconds < 3
    assert process.returncode == 130
    assert "Traceback" not in err


def test_second_signal_ends_it_at_once(start: Start, film: Path, bundle: Path) -> None:
    process = start("live", film, "--loop", "--bundle", bundle, "--json", *FREE)
    fill_pipe(process)  # so that an end in order takes its time
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    assert time.monotonic() - begun < 0.5
    assert process.returncode == 130
    _, err = process.communicate()
    assert "Traceback" not in err


def test_closed_pipe_ends_it_quietly(start: Start, film: Path, bundle: Path) -> None:
    process = start("live", film, "--loop", "--bundle", bundle, "--json", *FREE)
    assert process.stdout is not None
    read_until(process, '"kind":"obs"')
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Broken" not in err


def test_reader_that_has_stalled_does_not_keep_it_from_ending(start: Start, film: Path, bundle: Path) -> None:
    process = start("live", film, "--loop", "--bundle", bundle, "--json", *FREE)
    fill_pipe(process)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    assert time.monotonic() - begun < 3
    _, err = process.communicate()
    assert "Traceback" not in err
    assert "Fatal" not in err
