"""What a model has seen, followed through its runs; and the card that tells it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clef_rt.errors import ConfigError
from training.config import RunConfig
from training.evaluation.card import model_card, write_card
from training.evaluation.lineage import lineage
from training.prepare import CROPS, FACTS, MANIFEST, Facts


def prepared(folder: Path, dataset: str, rows: int = 10, teacher: str = "", **columns: Any) -> Path:
    """A folder of as many faces, eight in ten of them to train on, of half as many people."""
    split = np.array(["train"] * 8 + ["val", "test"])[np.arange(rows) % 10]
    table = pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(rows)],
            "subject": [f"{split[row]}{row // 2}" for row in range(rows)],
            "sequence": "",
            "frame": 0,
            "activity": "neutral",
            "split": split,
            **columns,
        }
    )
    folder.mkdir(parents=True)
    np.save(folder / CROPS, np.zeros((rows, 32, 32, 1), np.uint8))
    table.to_parquet(folder / MANIFEST)
    facts = Facts(dataset=dataset, size=32, rows=rows, faces_unseen=0, teacher=teacher, teacher_missed=0)
    (folder / FACTS).write_text(json.dumps(asdict(facts)))
    return folder


def trained(folder: Path, stage: int, *data: Path, start: Path | None = None, **more: Any) -> Path:
    RunConfig.of({"stage": stage, "data": [str(each) for each in data], "start": start, **more}).save(folder)
    return folder


def card(
    past: Path, test: dict[str, Any] | None = None, experimental: dict[str, str] | None = None, **audits: Any
) -> str:
    model = {
        "encoder": "convnet-s", "weights": 900_000, "text_tower": "minilm", "embed_dim": 256, "image_size": 80,
        "channels": 1, "action_units": ["AU12", "AU12_L", "AU12_R"], "expressions": ["neutral", "happiness"],
    }  # fmt: skip
    evaluation = {"model": model, "thresholds_from": list(test or {}), "test": test or {}}
    return model_card(
        evaluation=evaluation,
        lineage=lineage(past).as_dict(),
        thresholds={},
        experimental=experimental or {},
        **audits,
    )


def test_the_chain_of_runs_is_followed_to_its_first(tmp_path: Path) -> None:
    activities = prepared(tmp_path / "real", "real_faces", 20, "A teacher, soft", AU12=0.5)
    drawn = prepared(tmp_path / "drawn", "rendered", 30, AU12=1.0, AU12_intensity=3.0)
    votes = prepared(tmp_path / "votes", "ferplus", 10, neutral=1.0, happiness=0.0)
    first = trained(tmp_path / "a", 1, activities)
    second = trained(tmp_path / "b", 2, drawn, start=first)
    third = trained(tmp_path / "c", 2, drawn, votes, start=second / "model.pt")
    (second / "log.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n')  # it was ended after two
    past = lineage(third)
    assert [run["epochs"] for run in past.runs] == [12, 2, 12]
    assert [(run["run"], run["stage"], run["data"]) for run in past.runs] == [
        ("a", 1, ["real_faces"]),
        ("b", 2, ["rendered"]),
        ("c", 2, ["rendered", "ferplus"]),
    ]
    seen = {each.dataset: each for each in past.seen}
    assert {name: each.faces for name, each in seen.items()} == {"real_faces": 16, "rendered": 24, "ferplus": 8}
    assert seen["rendered"].stages == (2,)  # in two runs, counted once
    assert seen["rendered"].learnt == ("Action Units and their intensities",)
    assert seen["real_faces"].learnt == ("emotion words, as activities",)
    assert seen["real_faces"].teacher == ""  # stage 1 doesn't look at Action Units
    assert seen["ferplus"].learnt == ("raters' votes for expressions",)
    assert (past.photographs, past.teachers, past.unknown) == (True, [], "")


def test_words_that_taught_action_units_are_told(tmp_path: Path) -> None:
    shares = {"neutral": 1.0, "happiness": 0.0}
    votes = prepared(tmp_path / "votes", "ferplus", 10, "A teacher", AU04=0.5, AU12=0.5, **shares)
    words = prepared(tmp_path / "words", "real_faces", 10, "A teacher", AU04=0.5)
    options = {"rates": 0.5, "words": 0.7, "distrust": ["AU04"]}
    run = trained(tmp_path / "run", 2, votes, words, stage2=options)
    past = lineage(run)
    bounds = "bounds on how often an emotion's faces show which Action Units"
    assert past.taught
    assert {each.dataset: each.learnt for each in past.seen} == {
        "ferplus": ("raters' votes for expressions", "the teacher's Action Units (but AU04)", bounds),
        "real_faces": ("emotion words as votes for expressions", bounds),
    }
    assert past.teachers == ["A teacher"]
    pairs = {"auc": 0.9, "auc_interval": None, "peers": {}}
    test = {"ferplus": {"faces": 9, "emotion_proxy": {"pairs": {"happiness": {"AU12": pairs}}, "headline": pairs}}}
    assert "no independent test of this model" in " ".join(card(run, test).split())
    plain = trained(tmp_path / "plain", 2, votes, words)
    assert not lineage(plain).taught
    assert "no independent test" not in " ".join(card(plain, test).split())


def test_a_dataset_in_two_folders_counts_with_both(tmp_path: Path) -> None:
    folders = [prepared(tmp_path / name, "rendered", rows, AU12=1.0) for name, rows in (("a", 20), ("b", 30))]
    past = lineage(trained(tmp_path / "run", 2, *folders))
    assert [(each.dataset, each.faces) for each in past.seen] == [("rendered", 40)]


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    drawn = prepared(tmp_path / "drawn", "rendered", AU12=1.0)
    past = lineage(trained(tmp_path / "run", 2, drawn, tmp_path / "lost", start=tmp_path / "gone/model.pt"))
    assert past.unknown == "gone"
    assert past.photographs  # nobody knows that it saw none
    assert [(each.dataset, each.faces) for each in past.seen] == [("rendered", 8), ("lost", None)]
    text = card(tmp_path / "run")
    assert "What `gone` was trained on" in text
    assert "no photograph" not in text


def test_a_model_of_rendered_faces_alone_claims_no_photograph(tmp_path: Path) -> None:
    drawn = prepared(tmp_path / "drawn", "rendered", AU12=1.0)
    first = trained(tmp_path / "a", 1, drawn)
    text = card(trained(tmp_path / "b", 2, drawn, start=first))
    assert "trained on rendered faces alone: no photograph" in text
    assert "Rendered from the" not in text
    assert "Faces rendered from the ICT-FaceKit" in text
    assert "FER2013" not in text
    assert "ferplus" not in text
    assert "teacher" not in text.split("## How good it is")[0]


def test_photographs_are_disclosed_with_their_rights(tmp_path: Path) -> None:
    votes = prepared(tmp_path / "votes", "ferplus", 20, "MediaPipe, blendshapes", neutral=1.0, happiness=0.0, AU12=0.3)
    text = card(trained(tmp_path / "run", 2, votes))
    assert "gathered from the web without a licence" in text
    assert "Teacher of its Action Units: MediaPipe, blendshapes." in text
    assert "No photograph was coded" in " ".join(text.split())
    assert "rendered faces alone" not in text
    only = trained(tmp_path / "votes-only", 2, votes, stage2={"only": "expression"})
    assert "Teacher of" not in card(only)


def test_the_card_says_what_it_must(tmp_path: Path) -> None:
    drawn = prepared(tmp_path / "drawn", "rendered", AU12=1.0)
    text = card(trained(tmp_path / "run", 2, drawn), experimental={"AU12_L": "why not", "AU12_R": "why not"})
    assert "**AU12_L, AU12_R**: why not." in text
    for words in ("Article 5(1)(f)", "hiring", "schools", "policing", "borders", "isn't a feeling"):
        assert words in " ".join(text.split())
    assert "1 Action Units (2 more of one side" in text
    assert "python -m training synthetic" in text
    assert "wasn't measured" in text  # nothing was audited
    assert text.endswith("\n")
    assert len(text.splitlines()) < 150


def test_a_run_without_figures_has_no_card(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="isn't evaluated"):
        write_card(tmp_path)
