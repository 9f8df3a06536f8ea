"""Two processes learn as one does: the same negatives, the same gradients, the same losses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clef_rt.errors import ConfigError
from training.distributed import share_out

ROOT = Path(__file__).parents[2]
SETTINGS = ("--epochs", "2", "--batch", "16", "--precision", "32", "--accelerator", "cpu", "--encoder", "clip-tiny")
# Pictures' random changes are each process's own, so the comparison is made without them.
COMPARED = (*SETTINGS, "--init", "random", "--set", "loop.augment=0", "--set", "model.tune.text=all")


def launched(processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`torchrun`, or one plain process."""
    many = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    return subprocess.run(
        [sys.executable, *many, "-m", "training", *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def curve(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("stage", ["stage1", pytest.param("stage2", marks=pytest.mark.slow)])
def test_two_processes_learn_as_one(made_up: Callable[..., Path], tmp_path: Path, stage: str) -> None:
    data = made_up(rows=120)
    for processes, name in ((1, "one"), (2, "two")):
        done = launched(processes, stage, data, "--out", tmp_path / name, *COMPARED)
        assert done.returncode == 0, done.stderr[-2000:]
    for one, two in zip(curve(tmp_path / "one"), curve(tmp_path / "two"), strict=True):
        terms = [name for name in one if name not in ("epoch", "seconds")]
        assert terms
        assert {name: two[name] for name in terms} == pytest.approx({name: one[name] for name in terms}, rel=2e-3)


GRADIENTS = """
import os, sys, torch, torch.distributed as dist
from training.distributed import gather
from training.losses import image_image
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
z = torch.nn.functional.normalize(torch.randn(8, 5, dtype=torch.float64), dim=1)
groups = torch.tensor([0, 1, 0, 2, 1, 0, 2, 1])
alone = z.clone().requires_grad_()
image_image(alone, groups, 0.2).backward()
mine = z[rank::2].clone().requires_grad_()
image_image(gather(mine), gather(groups[rank::2]), 0.2).backward()
# DDP takes the mean over processes of what each one's rows got.
assert torch.allclose(mine.grad / 2, alone.grad[rank::2], atol=1e-12), (mine.grad / 2 - alone.grad[rank::2])
dist.destroy_process_group()
"""


def test_gathered_rows_pass_their_gradients_back(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(GRADIENTS)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", tmp_path / "check.py"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    assert share_out(16, 2) == 8
    with pytest.raises(ConfigError, match=r"15 can.t be shared out among 2 processes.*--batch 14"):
        share_out(15, 2)
