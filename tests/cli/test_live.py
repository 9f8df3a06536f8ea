"""`clef-rt live`, as a process, on real video, over real sockets."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest

from clef_rt.subscribe import subscribe
from tests.cli.conftest import FILM_FPS, FILM_FRAMES, Call, Clef, Start
from tests.cli.running import interrupt, one_line, read_until, seqs
from tests.rigs.mjpeg import MjpegServer

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "wire.schema.json").read_text("utf-8"))
FREE = ("--endpoint", "tcp://127.0.0.1:0")


def test_film_gives_every_frame_as_json_of_the_schema(clef: Clef, film: Path, bundle: Path) -> None:
    run = clef("live", film, "--bundle", bundle, "--json", *FREE)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    check = jsonschema.Draft202012Validator(SCHEMA)
    for line in lines:
        check.validate(line)
    assert seqs(lines) == list(range(FILM_FRAMES))
    assert [line["state"] for line in lines if line["kind"] == "status"] == ["connecting", "live", "stopped"]
    hello = next(line for line in lines if line["kind"] == "hello")
    observations = [line for line in lines if line["kind"] == "obs"]
    assert lines.index(hello) < lines.index(observations[0])
    assert {line["labels_hash"] for line in lines if line["kind"] != "status"} == {hello["labels_hash"]}
    assert sum(len(line["faces"]) == 1 for line in observations) > 0.9 * FILM_FRAMES
    assert all(len(face["au"]) == len(hello["au"]) for line in observations for face in line["faces"])
    assert f"Published {FILM_FRAMES} observations" in run.stderr


def test_plain_lines_and_summary_go_to_stdout(clef: Clef, film: Path, bundle: Path) -> None:
    run = clef("live", film, "--bundle", bundle, "--camera", "door", "--realtime", *FREE)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert "clef-rt live · tcp://127.0.0.1:" in lines[0]
    assert any(" fps, latency p50 " in line and "door live" in line for line in lines)
    row = next(line.split() for line in lines if line.startswith("door "))
    assert int(row[1]) + int(row[6]) <= FILM_FRAMES
    assert int(row[1]) > FILM_FRAMES // 4
    assert row[-2:] == ["stopped", "(ended)"]


def test_realtime_takes_the_film_s_time_and_lossless_all_its_frames(clef: Clef, film: Path, bundle: Path) -> None:
    begun = time.monotonic()
    run = clef("live", film, "--bundle", bundle, "--json", "--realtime", "--lossless", *FREE)
    assert time.monotonic() - begun > (FILM_FRAMES - 1) / FILM_FPS
    assert seqs([json.loads(line) for line in run.stdout.splitlines()]) == list(range(FILM_FRAMES))


def test_quiet_says_nothing(clef: Clef, film: Path, bundle: Path) -> None:
    run = clef("live", film, "--bundle", bundle, "--quiet", *FREE)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_two_sources_and_the_settings_of_a_file(clef: Clef, film: Path, bundle: Path, tmp_path: Path) -> None:
    config = tmp_path / "clef.yaml"
    config.write_text(
        f"bundle: {bundle}\noutput: json\npublish: {{endpoint: 'tcp://127.0.0.1:0'}}\n"
        f"sources:\n  - {{uri: {film}, camera: front}}\n  - {film}\n"
    )
    run = clef("live", "--config", config)
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    for camera in ("front", "film"):
        assert seqs([line for line in lines if line["camera"] == camera]) == list(range(FILM_FRAMES))


def test_duration_ends_an_endless_source(clef: Clef, bundle: Path) -> None:
    source = "synthetic://testsrc2?size=320x240&rate=30"
    run = clef("live", source, "--realtime", "--bundle", bundle, "--duration", "1", *FREE)
    assert run.returncode == 0, run.stderr
    assert "Ran for " in run.stdout
    assert "stopped" in run.stdout


WRONG = [
    (["nosuch.mp4"], ["There is no ", "nosuch.mp4", "Check the path."]),
    (["rtsp://me:hunter2@127.0.0.1:1/x"], ["rtsp://***@127.0.0.1:1/x", "refuses the connection"]),
    (["foo://x"], ["foo:// is no kind of source"]),
    (["77"], ["There is no camera /dev/video77"]),
    ([], ["There is no source."]),
    (["0", "1", "--camera", "a"], ["2 source(s) but 1 --camera"]),
    (["0", "--json", "--quiet"], ["--json and --quiet exclude each other"]),
    (["0", "--endpoint", "nowhere"], ["--endpoint: 'nowhere' is not an endpoint"]),
    (["0", "--detector", "nosuch"], ["There is no detector 'nosuch'"]),
    (["0", "--bundle", "nosuch"], ["No bundle at 'nosuch'"]),
    (["0", "--engine", "gpu"], ["--engine: should be 'auto', 'tensorrt', 'ort-tensorrt', 'cuda', 'cpu' or 'openvino'"]),
    (["0", "--variant", "int4"], ["The bundle has no encoder 'int4'. It has fp32."]),
    (["0", "--config", "nosuch.yaml"], ["There is no nosuch.yaml"]),
    (["0", "--endpoint", "connect:tcp://127.0.0.1:5"], ["can't be watched from here"]),
]


@pytest.mark.parametrize(("arguments", "parts"), WRONG, ids=[" ".join(case[0])[:30] or "none" for case in WRONG])
def test_mistakes_give_one_line_and_exit_code_2(
    call: Call, bundle: Path, arguments: list[str], parts: list[str]
) -> None:
    more = [] if "--bundle" in arguments else ["--bundle", bundle]
    more += [] if "--endpoint" in arguments else FREE
    run = call("live", *arguments, "--plain" if "--json" not in arguments else "--quiet", *more)
    assert run.returncode == 2
    one_line(run.stderr, *parts)
    assert "hunter2" not in run.stdout + run.stderr


def test_missing_file_gives_one_line_and_exit_code_2(clef: Clef, bundle: Path) -> None:
    run = clef("live", "nosuch.mp4", "--bundle", bundle, *FREE)
    assert run.returncode == 2
    one_line(run.stderr, "There is no ", "nosuch.mp4")


def test_wrong_line_of_a_config_file_is_named(call: Call, tmp_path: Path) -> None:
    config = tmp_path / "clef.yaml"
    config.write_text("sources: [0]\ndetect_evry: 3\n")
    run = call("live", "--config", config)
    assert run.returncode == 2
    one_line(run.stderr, f"{config}:2: detect_evry: is no setting. Did you mean detect_every?")


def test_port_in_use_gives_one_line(call: Call, film: Path, bundle: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        run = call("live", film, "--bundle", bundle, "--endpoint", endpoint)
    assert run.returncode == 2
    one_line(run.stderr, f"{endpoint} is in use. Is another publisher running?")


def test_another_process_subscribes(start: Start, film: Path, bundle: Path) -> None:
    process = start("live", film, "--realtime", "--loop", "--bundle", bundle, "--camera", "door", *FREE)
    title = read_until(process, "clef-rt live")
    endpoint = title.split(" · ")[1]
    with subscribe(endpoint, cameras=["door"], timeout_s=10) as subscription:
        observation = next(iter(subscription))
        assert observation.camera == "door"
        hello = subscription.hellos["door"]
        assert hello.aus == ("AU01", "AU12_L")
        process.send_signal(signal.SIGINT)
        states = [getattr(event, "state", None) for event in _until_stopped(subscription)]
    assert states[-1] == "stopped"


def _until_stopped(subscription: object) -> list[object]:
    events = []
    for event in subscription.events():  # type: ignore[attr-defined]
        events.append(event)
        if getattr(event, "state", None) == "stopped":
            break
    return events


def test_network_camera_that_is_lost_and_found_again(start: Start, bundle: Path) -> None:
    with MjpegServer(fps=25) as camera:
        process = start("live", camera.url, "--camera", "door", "--json", "--bundle", bundle, *FREE)
        read_until(process, '"kind":"obs"')
        camera.hang_up()
        lost = json.loads(read_until(process, '"state":"backoff"'))
        assert lost["reason"] == "ended"
        assert "Next attempt in " in lost["detail"]
        found = json.loads(read_until(process, '"state":"live"'))
        assert found["epoch"] > lost["epoch"]
        read_until(process, '"kind":"obs"')
        seconds, _, err = interrupt(process)
    assert seconds < 3
    assert process.returncode == 0, err


def test_source_that_comes_later(start: Start, film: Path, bundle: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.mp4"
    process = start("live", later, "--retry", "--bundle", bundle, *FREE)
    line = read_until(process, "backoff")
    assert "backoff (not_found): There is no " in line
    later.write_bytes(film.read_bytes())
    assert process.wait(timeout=30) == 0
    out, _ = process.communicate()
    assert f"Published {FILM_FRAMES} observations" in out


def test_view_on_a_terminal(film: Path, bundle: Path) -> None:
    pty = pytest.importorskip("pty")
    import os

    from tests.cli.running import command, environment

    ours, theirs = pty.openpty()
    more = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        command("live", film, "--realtime", "--bundle", bundle, *FREE),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment() | more,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:  # Linux' way to say that the other end is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(ours)
    assert process.wait(timeout=20) == 0
    text = written.decode()
    assert "film #0" in text
    assert "█" in text
    assert "AU12_L" in text
    assert "Ran for " in text
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is back
