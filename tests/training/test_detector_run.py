"""`python -m training.detector` as a user runs it, small."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def command(data: Path, folder: Path, minutes: float) -> list[str]:
    options = ["--minutes", str(minutes), "--limit", "200", "--ferplus", "50", "--sheets", "4"]
    places = ["--data", str(data), "--out", str(folder / "clef.onnx"), "--work", str(folder / "work")]
    return [sys.executable, "-m", "training.detector", *places, *options]


def test_it_stops_at_ctrl_c_goes_on_and_writes_model_and_card(shared_data: Path, tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command(shared_data, tmp_path, 30), cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert "photographs without" in process.stdout.readline()
    assert "training from step 0 on" in process.stdout.readline()  # from here on it hears Ctrl-C
    time.sleep(10)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "goes on with it" in rest
    assert not (tmp_path / "clef.onnx").exists()

    done = subprocess.run(command(shared_data, tmp_path, 0.1), cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stdout
    assert (tmp_path / "clef.onnx").stat().st_size < 1_000_000
    card = (tmp_path / "DETECTOR_CARD.md").read_text()
    assert "| recall at 1 |" in card
    assert ("composites" in card) == (importlib.util.find_spec("mediapipe") is not None) or "Composites" in card
