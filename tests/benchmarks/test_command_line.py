"""`python -m benchmarks` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.report import read_report
from tests.rigs.mjpeg import CREDENTIALS, MjpegServer

pytestmark = pytest.mark.timeout(180)

ROOT = Path(__file__).parents[2]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks", *map(str, arguments)]


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command(*arguments), cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_fps_prints_a_table_and_writes_its_files(clip: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--bundle", tiny_bundle.name, "--seconds", 1, "--repeats", 1, "--out", tmp_path)
    done = run("fps", clip, *options, cwd=tiny_bundle.parent)
    assert done.returncode == 0, done.stderr
    assert "whole runtime" in done.stdout
    assert "tiny.test 1.0.0" in done.stdout
    [path] = tmp_path.glob("*-fps.json")
    assert path.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
    report = read_report(path)
    assert report.command.startswith("python -m benchmarks fps")
    assert report.cases[0].source.name == clip.name

    again = run("compare", path, path)
    assert again.returncode == 0, again.stderr
    assert "encode, per second" in again.stdout
    assert "1.000" in again.stdout
    assert "better" not in again.stdout


def test_ctrl_c_keeps_what_was_measured(clip: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    arguments = ("latency", clip, "--via", "file", "--seconds", 60, "--repeats", 60, "--no-plot", "--out", tmp_path)
    process = subprocess.Popen(
        command(*arguments, "--bundle", tiny_bundle),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "2/60" in line:
            break
    parent = psutil.Process(process.pid)
    while len(parent.children()) < 2:
        time.sleep(0.01)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that the command has started
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Broken off" in stdout
    assert "Traceback" not in stderr
    [path] = tmp_path.iterdir()
    report = read_report(path)
    assert report.interrupted
    assert report.cases[0].counts["frames"].value >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fps", "missing.mp4"], "There is no"),
        (["fps", "--bundle", "missing.clef"], "No bundle at"),
        (["fps", "--faces", "99"], "--faces is 99"),
        (["latency", "missing.mp4"], "There is no"),
        (["latency", "rtsp://user:secret@127.0.0.1:9/cam"], "refuses the connection"),
        (["latency", "film.mp4", "--faces", "1"], "either SOURCE or --faces"),
        (["compare", "missing.json", "missing.json"], "can't be read"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, tiny_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    if arguments[0] != "compare":
        arguments = [*arguments, "--out", str(tmp_path / "results")]
        if "--bundle" in arguments:
            arguments.append(str(clip))
        else:
            arguments += ["--bundle", str(tiny_bundle)]
    done = run(*arguments)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if " s  " not in line]  # but for those that tell of progress
    assert len(lines) == 1, done.stderr
    assert message.lower() in lines[0].lower()
    assert "secret" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("arguments", [["latency", "--via", "pigeon"], ["fps", "--repeats", "0"], ["nonsense"]])
def test_a_wrong_option_is_exit_code_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_credentials_stay_out_of_the_report(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--bundle", tiny_bundle, "--seconds", 1, "--repeats", 1, "--no-plot", "--out", tmp_path)
    with MjpegServer() as camera:
        done = run("latency", f"http://{CREDENTIALS}@127.0.0.1:{camera.port}/secret", *options)
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.iterdir()
    assert f"http://***@127.0.0.1:{camera.port}/secret" in read_report(path).command
    for text in (done.stdout, done.stderr, path.read_text()):
        assert CREDENTIALS not in text
