"""`clef-rt subscribe`, to a publisher of another process."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clef_rt.publish import Publisher
from clef_rt.status import CameraState
from tests.cli.conftest import Clef, Start
from tests.cli.running import interrupt, one_line, read_until, seqs
from tests.rigs import messages


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """Publishes the cameras door and gate, 50 times a second. By UTC, gate's clock is an hour behind."""
    stop = threading.Event()
    hellos = [messages.hello("door"), messages.hello("gate")]
    with Publisher("tcp://127.0.0.1:0", hellos=hellos) as publisher:

        def publish() -> None:
            for seq in itertools.count():
                if stop.wait(0.02):
                    return
                publisher.publish(messages.fresh("door", seq))
                hour_ago_ns = time.time_ns() - 3_600_000_000_000
                publisher.publish(messages.fresh("gate", seq, captured_utc_ns=hour_ago_ns))

        thread = threading.Thread(target=publish)
        thread.start()
        yield publisher
        stop.set()
        thread.join()


def test_json_of_one_camera(clef: Clef, publisher: Publisher) -> None:
    run = clef("subscribe", publisher.endpoint, "--camera", "door", "--json", "--duration", "1")
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert {line["camera"] for line in lines} == {"door"}
    assert lines[0]["kind"] == "hello"
    read = seqs(lines)
    assert read == list(range(read[0], read[0] + len(read)))
    assert len(read) > 10
    assert "Received " in run.stderr


def test_latest_passes_over_what_is_old(clef: Clef, publisher: Publisher) -> None:
    run = clef("subscribe", publisher.endpoint, "--latest", "--json", "--duration", "1")
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert {line["camera"] for line in lines} == {"door", "gate"}
    for camera in ("door", "gate"):
        read = seqs([line for line in lines if line["camera"] == camera])
        assert read == sorted(set(read))


def test_view_ends_on_ctrl_c_with_a_summary(start: Start, publisher: Publisher) -> None:
    process = start("subscribe", publisher.endpoint)
    read_until(process, "gate unknown")
    seconds, out, err = interrupt(process)
    assert seconds < 3
    assert process.returncode == 0, err
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith(("door ", "gate "))}
    assert int(rows["door"][1]) > 10
    assert float(rows["door"][4]) < 1000
    assert float(rows["gate"][4]) < 1000  # on one machine the monotonic clock tells


def test_timeout_without_a_publisher(clef: Clef) -> None:
    run = clef("subscribe", "tcp://127.0.0.1:9", "--timeout", "0.5", "--plain")
    assert run.returncode == 2
    one_line(run.stderr, "Nothing from tcp://127.0.0.1:9 for 0.5 s.")


def test_timeout_after_all_cameras_have_told_their_end_is_no_error(start: Start, tmp_path: Path) -> None:
    with Publisher("tcp://127.0.0.1:0", hellos=[messages.hello()]) as publisher:
        process = start("subscribe", publisher.endpoint, "--timeout", "2", "--json")
        read_until(process, "hello")
        publisher.publish(messages.fresh())
        publisher.status(messages.status(state=CameraState.STOPPED, reason="ended"))
        read_until(process, "stopped")
    assert process.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nowhere"], "'nowhere' is not an endpoint"),
        (["tcp://127.0.0.1:0"], "can't be connected to"),
        (["--camera", "Front Door"], "'Front Door' can't be a camera's name"),
        (["--json", "--plain"], "exclude each other"),
    ],
)
def test_mistakes(call: Clef, arguments: list[str], what: str) -> None:
    run = call("subscribe", *arguments)
    assert run.returncode == 2
    assert what in run.stderr
    assert "Traceback" not in run.stderr
