"""A protocol with folds, whole and small: each fold's stages see its own training subjects alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from training.__main__ import main as training
from training.data import load_examples
from training.prepare.folder import MANIFEST


@pytest.fixture
def folded(made_up: Callable[..., Path]) -> Path:
    """A dataset of 24 subjects in 2 folds."""
    data = made_up(rows=240, name="folded", votes=False)
    table = pd.read_parquet(data / MANIFEST)
    subject = np.arange(len(table)) % 24
    table = table.assign(subject=[f"s{n}" for n in subject], fold=subject % 2, split="")
    table.to_parquet(data / MANIFEST)
    return data


def test_all_folds_by_one_command(folded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(yaml.safe_dump({"loop": {"epochs": 1, "batch": 24, "precision": "32"}}))
    start = ["protocol", str(folded), "--out", str(tmp_path / "runs"), "--activities", str(folded), "--draws", "20"]
    start += ["--stage1-config", str(settings), "--stage2-config", str(settings), "--set", "loop.accelerator=cpu"]
    with pytest.raises(SystemExit) as end:
        training(start)
    assert not end.value.code
    for fold in (0, 1):
        for stage in ("stage1", "stage2"):
            config = yaml.safe_load((tmp_path / f"runs/fold{fold}/{stage}/config.yaml").read_text())
            assert config["fold"] == fold
        assert config["start"].endswith(f"fold{fold}/stage1")
    train, test = (set(load_examples([folded], split, fold=0).subjects) for split in ("train", "test"))
    assert not train & test
    assert test == {f"s{n}" for n in range(0, 24, 2)}
    result = json.loads((tmp_path / "runs/folds.json").read_text())
    assert "AU12" in json.dumps(result)
    before = (tmp_path / "runs/fold1/stage2/last.ckpt").stat().st_mtime_ns
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:  # by the same command: nothing is left to do
        training(start)
    assert not end.value.code
    assert (tmp_path / "runs/fold1/stage2/last.ckpt").stat().st_mtime_ns == before


def test_a_fold_must_be_said(folded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        training(["stage1", str(folded), "--out", str(tmp_path / "r")])
    assert end.value.code == 2
    assert "2 folds" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        training(["stage2", str(folded), "--out", str(tmp_path / "r"), "--fold", "7"])
    assert "no fold 7" in capsys.readouterr().err
