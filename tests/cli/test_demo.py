"""`clef-rt demo`, on its own clip."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from clef_rt.errors import PublishError
from clef_rt.publish import DEFAULT_ENDPOINT, Publisher
from clef_rt.sources import CameraDevice
from tests.cli.conftest import Call, Clef


def test_demo_plays_its_clip_as_if_live(clef: Clef, bundle: Path) -> None:
    pytest.importorskip("skimage")
    run = clef("demo", "--bundle", bundle, "--json", "--duration", "2", "--endpoint", "tcp://127.0.0.1:0", timeout=110)
    assert run.returncode == 0, run.stderr
    assert "camera" in run.stderr.splitlines()[0]
    assert "clef-rt live" in run.stderr.splitlines()[0]
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    observations = [line for line in lines if line["kind"] == "obs"]
    assert {line["camera"] for line in lines} == {"demo"}
    assert observations
    spent_s = (observations[-1]["captured_mono_ns"] - observations[0]["captured_mono_ns"]) / 1e9
    played_s = (observations[-1]["pts_ns"] - observations[0]["pts_ns"]) / 1e9
    assert spent_s == pytest.approx(played_s, abs=0.5)


def test_demo_takes_a_free_port_where_the_usual_one_is_taken(
    call: Call, bundle: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clef_rt.demo_clip.ensure_clip", lambda *, say: film)
    with contextlib.suppress(PublishError), Publisher() as _:  # if it fails, somebody else has it
        run = call("demo", "--bundle", bundle, "--json")
        assert run.returncode == 0, run.stderr
        assert f"{DEFAULT_ENDPOINT} is in use. The demo takes a free port instead." in run.stderr
        assert '"state":"stopped"' in run.stdout


def test_demo_tells_how_to_use_a_camera_that_is_there(
    call: Call, bundle: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clef_rt.demo_clip.ensure_clip", lambda *, say: film)
    monkeypatch.setattr("clef_rt.sources.list_cameras", lambda: [CameraDevice("2", "Fine Cam")])
    run = call("demo", "--bundle", bundle, "--plain", "--endpoint", "tcp://127.0.0.1:0")
    assert run.returncode == 0, run.stderr
    assert "There is a camera, Fine Cam: for it, run `clef-rt live 2`." in run.stderr


def test_demo_without_photographs_tells_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clef_rt.demo_clip._find_photographs", dict)
    run = call("demo")
    assert run.returncode == 2
    assert "pip install 'clef-rt[demo]'" in run.stderr
    assert "Traceback" not in run.stderr
