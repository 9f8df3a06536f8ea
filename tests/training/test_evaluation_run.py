"""`python -m training evaluate`, `folds`, `compare` and `paper` on small prepared folders and untrained models."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from training.__main__ import main
from training.checkpoint import save_checkpoint
from training.config import RunConfig
from training.evaluation.scored import Scored
from training.manifest import EXPRESSIONS
from training.model import ClefModel
from training.model_config import ModelConfig
from training.prepare import CROPS, FACTS, MANIFEST, Facts
from training.texts import load_labels

SIZE, SUBJECTS, EACH = 32, 24, 8


def run(*arguments: object) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert not end.value.code


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return " ".join(error.split())


def prepare(folder: Path, dataset: str = "disfa", teacher: str = "", **columns: Any) -> Path:
    """24 subjects in three folds, 8 faces each; the brighter, the more AU12."""
    rng = np.random.default_rng(0)
    rows = SUBJECTS * EACH
    who = np.arange(rows) // EACH
    intensity = rng.integers(0, 6, rows).astype(np.float32)
    faces = rng.integers(0, 60, (rows, SIZE, SIZE, 1)) + (30 * intensity).astype(int)[:, None, None, None]
    table = pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(rows)],
            "subject": [f"SN{each:03}" for each in who],
            "sequence": "",
            "frame": 0,
            "activity": np.where(intensity > 3, "happiness", "neutral"),
            "split": None,
            "fold": who % 3,
            "AU12": (intensity >= 2).astype(np.float32),
            "AU04": np.where(rng.random(rows) < 0.2, np.nan, rng.integers(0, 2, rows)).astype(np.float32),
            "AU12_intensity": intensity,
            "presence": 1.0,
            **columns,
        }
    )
    folder.mkdir(parents=True)
    np.save(folder / CROPS, faces.astype(np.uint8))
    table.to_parquet(folder / MANIFEST)
    facts = Facts(dataset=dataset, size=SIZE, rows=rows, faces_unseen=0, teacher=teacher, teacher_missed=0, rejected=3)
    (folder / FACTS).write_text(json.dumps(asdict(facts)))
    return folder


def checkpoint(folder: Path, data: Path, seed: int = 0, fold: int | None = None, expressions: bool = False) -> Path:
    texts = load_labels().chosen(["AU04", "AU12"], EXPRESSIONS if expressions else [])
    torch.manual_seed(seed)
    tower = {"text_tower": "clip-tiny", "init": "random"}
    model = ClefModel(ModelConfig(image_size=SIZE, embed_dim=16, rated=("AU12",), texts=texts, **tower)).eval()
    model.refresh_texts()
    with torch.no_grad():  # about half of the faces show something, so that thresholds matter
        model.au_bias -= model.logits(model.encode_image(torch.from_numpy(np.load(data / CROPS))), "au").median(dim=0)[
            0
        ]
    save_checkpoint(model, folder / "model.pt")
    RunConfig(stage=2, data=(data,), fold=fold).save(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("data") / "prepared")


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A model for each fold, evaluated."""
    home = tmp_path_factory.mktemp("runs")
    found = [checkpoint(home / f"fold{fold}", data, fold, fold) for fold in range(3)]
    for each in found:
        run("evaluate", each, data, "--draws", 50)
    return found


def test_figures_are_of_the_test_fold_alone(runs: list[Path], data: Path) -> None:
    found = json.loads((runs[1] / "evaluation.json").read_text())
    scored = Scored.load(runs[1] / "scores-disfa.npz")
    table = pd.read_parquet(data / MANIFEST)
    assert found["fold"] == 1
    assert set(scored.subjects) == set(table.loc[table["fold"] == 1, "subject"])
    own = found["test"]["disfa"]
    assert (own["faces"], own["subjects"]) == (SUBJECTS // 3 * EACH, SUBJECTS // 3)
    thresholds = json.loads((runs[1] / "thresholds.json").read_text())
    for name in ("AU04", "AU12"):
        column = scored.au_names.index(name)
        known = np.isfinite(scored.true_aus[:, column])
        truth, scores = scored.true_aus[known, column] >= 0.5, scored.aus[known, column]
        each = own["action_units"]["labels"][name]
        assert each["frames"] == known.sum()
        assert each["f1"] == pytest.approx(f1_score(truth, scores >= 0.5, zero_division=0))
        assert each["f1_tuned"] == pytest.approx(f1_score(truth, scores >= np.float32(thresholds[name])))
        assert each["auc"] == pytest.approx(roc_auc_score(truth, scores))
        assert each["f1_tuned_interval"][0] <= each["f1_tuned"] <= each["f1_tuned_interval"][1]
    rated = own["intensities"]["labels"]
    assert set(rated) == {"AU12"}
    column = scored.au_names.index("AU12")
    error = np.abs(scored.intensities - scored.true_intensities)[:, column].mean()
    assert rated["AU12"]["mae"] == pytest.approx(error, abs=1e-5)
    assert 0 <= own["calibration"]["action_units"]["error"] <= 1
    numbers = json.loads((runs[1] / "metrics.json").read_text())["test"]["disfa"]["action_units"]["labels"]["AU12"]
    assert numbers["auc_interval"] == dict(
        zip(("low", "high"), own["action_units"]["labels"]["AU12"]["auc_interval"], strict=True)
    )


def test_the_report_shows_what_it_names(runs: list[Path]) -> None:
    report = (runs[0] / "report.md").read_text()
    pictures = [line.split("](")[1].rstrip(")") for line in report.splitlines() if line.startswith("![")]
    assert pictures == ["action-units-disfa.png", "calibration-disfa.png"]
    assert all((runs[0] / picture).stat().st_size > 1000 for picture in pictures)
    assert "Fold 0 alone" in report
    assert "3 of the dataset's pictures were left out" in report
    assert "without AU01, AU02" in report
    card = (runs[0] / "MODEL_CARD.md").read_text()
    assert "Against the dataset's own labels" in card
    assert "ICC(3,1)" in card
    assert "teacher" not in card
    assert "128 faces of" not in card  # train is without the validation subjects
    assert "faces of its training split" in card


def test_thresholds_come_from_validation_alone(runs: list[Path], data: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(data / MANIFEST)
    before = json.loads((runs[0] / "thresholds.json").read_text())
    assert set(before) == {"AU04", "AU12"}
    for name, rows in (("test", table["fold"] == 0), ("rest", table["fold"] != 0)):
        other = tmp_path / name
        shutil.copytree(data, other)
        table.assign(AU12=np.where(rows, 0, table["AU12"])).to_parquet(other / MANIFEST)
        again = checkpoint(tmp_path / f"run-{name}", other, 0, 0)
        run("evaluate", again, other, "--draws", 0)
        after = json.loads((again / "thresholds.json").read_text())
        assert after == before if name == "test" else "AU12" not in after


def test_a_run_is_not_tested_on_a_fold_that_it_has_seen(
    runs: list[Path], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "trained for fold 0: it has seen subjects of fold 2" in refused(
        capsys, "evaluate", runs[0], data, "--fold", 2
    )


def test_a_device_that_is_not_there_is_named(runs: list[Path], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no device nonsense" in refused(capsys, "evaluate", runs[0], data, "--device", "nonsense")


def test_folds_are_joined(runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("folds", *runs, "--out", tmp_path / "all", "--draws", 50)
    own = json.loads((tmp_path / "all/folds.json").read_text())["test"]["disfa"]
    each = [json.loads((one / "evaluation.json").read_text())["test"]["disfa"] for one in runs]
    f1 = [one["action_units"]["labels"]["AU12"]["f1"] for one in each]
    assert own["action_units"]["labels"]["AU12"]["f1"] == pytest.approx(np.mean(f1))
    assert (own["faces"], own["subjects"]) == (SUBJECTS * EACH, SUBJECTS)
    assert (tmp_path / "all/action-units-disfa.png").exists()
    report = (tmp_path / "all/report.md").read_text()
    assert "Means over 3 folds, 192 faces" in report
    assert "Beside the paper, DISFA" in report
    capsys.readouterr()
    assert "is tested on in runs 1 and 2" in refused(capsys, "folds", runs[0], runs[0], "--out", tmp_path / "twice")
    assert "but one run" in refused(capsys, "folds", runs[0], "--out", tmp_path / "one")
    assert "isn't evaluated" in refused(capsys, "folds", runs[0], tmp_path, "--out", tmp_path / "none")


def test_runs_are_compared(runs: list[Path], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = checkpoint(tmp_path / "other", data, 9, 0)
    run("evaluate", other, data, "--draws", 0)
    capsys.readouterr()
    run("compare", runs[0], other, "--draws", 50)
    assert "mean AUC" in capsys.readouterr().err
    assert "same faces" in refused(capsys, "compare", runs[0], runs[1])
    (other / "scores-disfa.npz").write_bytes(b"no archive")
    assert "scores-disfa.npz: no scores" in refused(capsys, "compare", runs[0], other)


def test_expressions_and_a_teachers_action_units(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shares = pd.DataFrame(np.eye(8)[rng.integers(0, 3, SUBJECTS * EACH)], columns=list(EXPRESSIONS))
    split = np.array(["train", "val", "test"])[np.arange(SUBJECTS * EACH) // EACH % 3]
    data = prepare(tmp_path / "mine", "my faces", "a teacher", fold=np.nan, split=split, **shares)
    own = checkpoint(tmp_path / "run", data, expressions=True)
    run("evaluate", own, data, "--draws", 50)
    found = json.loads((own / "evaluation.json").read_text())["test"]["my faces"]
    scored = Scored.load(own / "scores-my_faces.npz")
    truth, best = scored.votes.argmax(axis=1), scored.expressions.argmax(axis=1)
    assert found["expressions"]["accuracy"] == pytest.approx(accuracy_score(truth, best))
    assert found["action_units"]["labelled_by"] == "a teacher"
    assert set(found["teacher_agreement"]) == {"AU04", "AU12"}
    happy, column = scored.activities == "happiness", scored.au_names.index("AU12")
    proxy = found["emotion_proxy"]["pairs"]["happiness"]["AU12"]
    assert proxy["auc"] == pytest.approx(roc_auc_score(happy, scored.aus[:, column]))
    assert proxy["peers"]["a teacher"]["auc"] == pytest.approx(roc_auc_score(happy, scored.true_aus[:, column]))
    assert (proxy["faces"], proxy["neutral"]) == (happy.sum(), (~happy).sum())
    assert (own / "confusion-my_faces.png").exists()
    assert "no validation face shows it" in json.loads((own / "experimental.json").read_text())["contempt"]
    report = (own / "report.md").read_text()
    assert "Not comparable to the paper: other data." in report
    assert "a teacher (a teacher), not of people" in report
    card = (own / "MODEL_CARD.md").read_text()
    assert "| happiness AU12 |" in card
    assert "a teacher" in card
    assert len(card.splitlines()) < 250


def test_the_papers_tables_are_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    run("paper")
    error = capsys.readouterr().err
    assert all(figure in error for figure in ("65.9", "90.09", "34.40", "89.74"))
    assert "unverified" in error
