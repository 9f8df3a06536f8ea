"""`clef-rt doctor`: what it finds here, and faults that are put there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clef_rt.cli import checks, selftest
from clef_rt.cli.checks import Check, check_all, find_clashes
from clef_rt.encode.choice import ENGINES, Machine
from tests.cli.conftest import Call
from tests.cli.running import command, environment


def test_report_of_this_installation(call: Call, bundle: Path) -> None:
    run = call("doctor", "--bundle", bundle, "--json")
    report = json.loads(run.stdout)
    by_name = {check["name"]: check for check in report["checks"]}
    assert {"clef-rt", "python", "packages", "OpenCV", "onnxruntime", "libav", "ZeroMQ", "cameras"} <= by_name.keys()
    assert by_name["model"]["found"].startswith("tiny.test 1.0.0 on onnxruntime")
    assert "CPUExecutionProvider" in by_name["onnxruntime"]["found"]
    for engine in ENGINES:
        own = by_name[f"engine {engine}"]
        assert own["state"] == "ok" or (own["state"] == "note" and own["mend"])
    assert by_name["engine cpu"]["state"] == "ok"
    assert by_name["engine auto"]["found"].startswith("auto takes ")
    assert set(report["times_ms"]) == {
        "load bundle", "encode 1 face", "encode 4 faces", "detect in 720p", "publish to subscriber",
    }  # fmt: skip
    assert all(0 < value < 60_000 for value in report["times_ms"].values())
    assert report["ok"] is (run.returncode == 0)
    assert report["ok"] is all(check["state"] != "broken" for check in report["checks"])


@pytest.mark.skipif(Machine().look("cuda").ready, reason="here CUDA works")
def test_an_engine_that_is_not_there_is_told_with_its_mend_and_the_rest_is_tried(call: Call, bundle: Path) -> None:
    run = call("doctor", "--bundle", bundle, "--engine", "cuda")
    assert run.returncode == 1
    assert "The engine cuda can't be had here." in run.stdout
    assert "detect in 720p" in run.stdout


@pytest.mark.parametrize(("installed", "state"), [({"onnxruntime": "1"}, "note"), ({"onnxruntime-gpu": "1"}, "ok")])
def test_the_cpu_build_does_not_pass_for_the_gpu_build(installed: dict[str, str], state: str) -> None:
    assert checks._present("extra gpu", ["onnxruntime-gpu"], installed, "note", "").state == state


def test_broken_model_is_told_with_its_mend_and_the_rest_is_tried(call: Call) -> None:
    run = call("doctor", "--bundle", "nosuch")
    assert run.returncode == 1
    assert "No bundle at 'nosuch'." in run.stdout
    assert "→ Give a bundle's folder, a .clef file, or a name (edge" in run.stdout
    assert "publish to subscriber" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("installed", "mends"),
    [
        ({}, []),
        ({"opencv-python-headless": "4.11", "onnxruntime": "1.20"}, []),
        ({"opencv-python": "4.11"}, []),
        (
            {"opencv-python": "4.11", "opencv-python-headless": "4.10"},
            ["pip uninstall -y opencv-python-headless opencv-python && pip install 'opencv-python-headless>=4.10,<5'"],
        ),
        (
            {"onnxruntime": "1.20", "onnxruntime-gpu": "1.21"},
            ["pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"],
        ),
    ],
)
def test_clashes(installed: dict[str, str], mends: list[str]) -> None:
    assert [check.mend for check in find_clashes(installed)] == mends


def test_clash_in_the_environment_is_found(tmp_path: Path, bundle: Path) -> None:
    for name in ("opencv_python", "onnxruntime_gpu"):
        info = tmp_path / f"{name}-4.0.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 4.0.0\n")
    run = subprocess.run(
        command("doctor", "--bundle", bundle, "--json"),
        env=environment() | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = {check["name"]: check for check in json.loads(run.stdout)["checks"]}
    assert found["cv2 clash"]["state"] == found["onnxruntime clash"]["state"] == "warning"
    assert "opencv-python 4.0.0" in found["cv2 clash"]["found"]


def test_opencv_that_can_not_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Any:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(checks, "_module", fail)
    found = {check.name: check for check in check_all()}
    assert found["OpenCV"].state == "broken"
    assert "libGL.so.1" in found["OpenCV"].found
    assert "opencv-python-headless" in found["OpenCV"].mend
    assert found["onnxruntime"].state == "broken"
    assert found["cameras"].state in ("ok", "note")


def test_opencv_5_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Five:
        __version__ = "5.0.0"

    monkeypatch.setattr(checks, "_module", lambda name: Five)
    found = {check.name: check for check in check_all()}
    assert found["OpenCV"].state == "broken"
    assert "<5" in found["OpenCV"].mend


def test_missing_dependency_and_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_installed", lambda: {"av": "17.0", "onnxruntime-gpu": "1.20"})
    found: dict[str, Check] = {check.name: check for check in check_all()}
    assert found["packages"].state == "broken"
    assert "pyzmq" in found["packages"].found
    assert "onnxruntime" not in found["packages"].found  # its GPU build stands in
    assert found["extra demo"].state == "note"
    assert found["extra demo"].mend == "pip install 'clef-rt[demo]'"
    assert "extra dev" not in found


def test_wire_that_does_not_work_is_broken(monkeypatch: pytest.MonkeyPatch, bundle: Path) -> None:
    def fail(*arguments: object, **more: object) -> Any:
        raise OSError("no sockets here")

    monkeypatch.setattr("clef_rt.publish.Publisher", fail)
    tested = selftest.self_test(str(bundle), "auto")
    assert {check.name: check.state for check in tested.checks} == {"model": "ok", "detector": "ok", "wire": "broken"}
    assert "publish to subscriber" not in tested.times_ms
