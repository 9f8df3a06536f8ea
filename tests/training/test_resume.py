"""A run that is stopped, however rudely, goes on to the very same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from training.__main__ import main as training
from training.checkpoint import load_checkpoint

SETTINGS = ("--batch", "12", "--precision", "32", "--accelerator", "cpu", "--encoder", "clip-tiny", "--init", "random")


def command(stage: str, data: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "training", stage, str(data), "--out", str(out), "--epochs", "3", *SETTINGS, *more]


def losses(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("stage", ["stage1", pytest.param("stage2", marks=pytest.mark.slow)])
def test_killed_at_any_step_and_resumed_it_gives_the_same_bits(
    made_up: Callable[..., Path], tmp_path: Path, environment: dict[str, str], stage: str
) -> None:
    data = made_up(rows=240)
    subprocess.run(command(stage, data, tmp_path / "whole"), env=environment, check=True, capture_output=True)
    # A slow disk gives the killer time: it strikes between two checkpoints, wherever the run is then.
    start = command(stage, data, tmp_path / "killed", "--set", "loop.save_every=5")
    process = subprocess.Popen(start, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    last = tmp_path / "killed/last.ckpt"
    while not last.exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = torch.load(last, weights_only=False)["step"]
    assert kept in (5, 10, 12, 15)  # no epoch's end was waited for
    subprocess.run([*start, "--resume"], env=environment, check=True, capture_output=True)
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    whole, killed = (load_checkpoint(tmp_path / name).state_dict() for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_ctrl_c_keeps_the_very_step(made_up: Callable[..., Path], tmp_path: Path, environment: dict[str, str]) -> None:
    data, run = made_up(rows=2400), tmp_path / "run"
    start = command("stage2", data, run)
    process = subprocess.Popen(
        start,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A suite in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not list(run.glob("tensorboard/*")) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode not in (0, 2)
    assert "Traceback" not in said
    assert "go on with --resume" in said
    step = torch.load(run / "last.ckpt", weights_only=False)["step"]
    assert f"after step {step % 120} of 120" in said
    assert step % 500  # no round number: where it stood


def test_a_resumed_run_needs_nothing_but_its_folder(made_up: Callable[..., Path], tmp_path: Path) -> None:
    data, run = made_up(rows=60), tmp_path / "r"
    with pytest.raises(SystemExit) as end:
        training(command("stage2", data, run)[3:])
    assert not end.value.code
    for words, code, says in (
        (["stage2", "--out", str(run), "--resume"], 0, ""),  # done already: nothing happens
        (["stage2", "--out", str(run), "--resume", "--seed", "5"], 2, "other settings"),
        (["stage2", str(data), "--out", str(run)], 2, "holds a run"),
    ):
        with pytest.raises(SystemExit) as end:
            training(words)
        assert (end.value.code or 0) == code, says


def test_a_loss_that_is_no_number_names_its_pictures(
    made_up: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = made_up(rows=60)
    with pytest.raises(SystemExit) as end:
        training([*command("stage2", data, tmp_path / "r")[3:], "--learning-rate", "1e30", "--set", "loop.clip=1e30"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "no number" in said
    assert "made-up, " in said
    rows = (tmp_path / "r/broken-batch.csv").read_text().splitlines()
    assert rows[0] == "row,dataset,path"
    assert len(rows) == 13
    assert rows[1].endswith(".png")
