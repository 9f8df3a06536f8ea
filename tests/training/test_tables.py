"""The paper's tables as commands: which cells, whole and small, stopped and gone on with, and what is refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from clef_rt.errors import ConfigError
from training.__main__ import main as training
from training.encoders import ENCODERS
from training.encoders.convnet import ConvNet
from training.evaluation.paper import load_paper
from training.evaluation.scored import Scored
from training.loop import LAST
from training.manifest import EXPRESSIONS
from training.prepare import MANIFEST
from training.tables import ablation, few_labels, pairs, zero_shot
from training.tables.cells import JOB, RESULT, Cell, jobs_of, run_folder
from training.tables.exams import random_sentences
from training.tables.figures import FIGURES, Outcome, difference, summarise
from training.tables.pool import Process, unfinished
from training.tables.request import PRESETS, Preset, Request, parse_stage_changes
from training.tables.sources import Activities, Labelled, open_activities, open_labelled
from training.tables.worker import run
from training.texts import FOLDER, load_labels

QUICK = ("loop.precision=32-true", "loop.accelerator=cpu", "loop.augment=0", "loop.learning_rate=0.01")
SMALL = Preset(steps1=2, batch1=16, steps2=4, batch2=16, labelled=0, ema=0.5)


@pytest.fixture(scope="module", autouse=True)
def tiny_encoder() -> Iterator[None]:
    """An encoder of a few thousand weights; there is none of this name in other processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            ENCODERS, "tiny", lambda pictures: ConvNet(pictures.channels, widths=(8, 16, 32), blocks=(1, 1, 1))
        )
        yield


def labelled(only: str = "au", **changes: object) -> Labelled:
    values = {
        "folder": Path("faces"), "only": only, "dataset": "made-up", "teacher": "", "train": 5000, "val": 500,
        "test": 500, "subjects": 60, "names": ("AU04", "AU12"), "fold": None,
        "shown": {"happiness": 200, "sadness": 200, "fear": 100} if only == "expression" else {},
    }  # fmt: skip
    return Labelled(**(values | changes))  # type: ignore[arg-type]


def request(name: str, *folders: Labelled, seeds: int = 2, **changes: object) -> Request:
    activities = Activities(Path("deeds"), "deeds", ("joke", "smell"), 4000, 400, 50, None)
    return Request(name, folders, (activities,) * len(folders), seeds, **changes)  # type: ignore[arg-type]


def by_row(cells: tuple[Cell, ...]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.row, []).append(cell)
    return found


# Which cells


def test_the_ablations_rows_are_the_papers() -> None:
    plan = ablation.plan(request("ablation", labelled(), labelled("expression")))
    published = [row for row in load_paper().ablation.rows if row.start != "FaRL"]
    assert len(published) == 10
    for panel, key in zip(plan.panels, ("bp4d", "raf_db"), strict=True):
        assert [set(row.key.split("+")) for row in panel.rows] == [set(row.parts) for row in published]
        assert [float(row.beside[0]) for row in panel.rows] == [getattr(row, key) for row in published]
        assert [row.labels[0] for row in panel.rows] == ["from scratch"] * 3 + ["stage 1"] * 7
    assert len(plan.cells) == 10 * 2 * 2
    for row, cells in by_row(plan.cells).items():
        parts = set(row.split("+"))
        for cell in cells:
            first, second = cell.stage1, cell.stage2.stage2
            assert (first is not None) == bool(parts & {"PA", "PI"})
            if first is not None:
                assert (first.stage1.image_activity, first.stage1.image_image) == ("PA" in parts, "PI" in parts)
                assert first.loop.seed == cell.seed
            assert second.head == (
                "index" if parts <= {"PA", "PI", "I"} else "names" if "N" in parts else "descriptions"
            )
            assert second.descriptions == ({"N", "D"} <= parts)
            assert second.intensity_weight == 0  # levels of intensity are texts, too
            assert cell.stage2.loop.seed == cell.seed


def test_the_whole_grid_has_all_of_it() -> None:
    assert len(ablation.rows(whole=True)) == 16
    assert list(ablation.rows(whole=True))[:10] == list(ablation.rows())
    plan = ablation.plan(request("ablation", labelled(), whole=True))
    assert {row.base for row in plan.panels[0].rows if "PA" in row.key} == {"I", "I+N", "I+N+D", "I+D"}


def test_pairs_and_rows_share_runs() -> None:
    wanted = request("pairs", labelled(), seeds=1)
    cells = pairs.plan(wanted).cells
    kinds = [cell.stage1.stage1.pairs if cell.stage1 else None for cell in cells]
    assert kinds == [None, "activity", "identity", "random", "instance"]
    assert all(cell.stage1 is None or not cell.stage1.stage1.image_activity for cell in cells)
    assert len({cell.stage2 for cell in cells}) == 1


def test_few_labels_takes_fewer_than_there_are_and_steps_alike() -> None:
    plan = few_labels.plan(request("few-labels", labelled(train=2000, subjects=12)))
    taken = {(cell.stage2.stage2.labelled, cell.stage2.stage2.labelled_subjects) for cell in plan.cells}
    assert taken == {(100, 0), (300, 0), (1000, 0), (0, 2), (0, 5), (0, 10), (0, 0)}
    assert len(plan.cells) == 7 * 2 * 2
    for cell in plan.cells:
        faces = {100: 100, 300: 300, 1000: 1000}.get(cell.stage2.stage2.labelled) or (
            2000 * (cell.stage2.stage2.labelled_subjects or 12) // 12
        )
        steps = cell.stage2.loop.epochs * (faces // cell.stage2.loop.batch)
        assert steps == pytest.approx(PRESETS["small"].steps2, rel=0.25)
        assert (cell.stage1 is not None) == cell.row.endswith(", stage 1")
    unknown = few_labels.plan(request("few-labels", labelled(subjects=0)))
    assert not any(cell.stage2.stage2.labelled_subjects for cell in unknown.cells)


def test_zero_shot_leaves_each_shown_expression_out_once() -> None:
    plan = zero_shot.plan(request("zero-shot", labelled(), labelled("expression"), seeds=1))
    others = [cell for cell in plan.cells if cell.exam.kind == "unseen" and cell.stage1 is None]
    assert [cell.stage2.stage2.leave_out for cell in others] == [("happiness",), ("sadness",), ("fear",)]
    seven = labelled("expression", shown={name: 70 for name in EXPRESSIONS if name != "contempt"})
    cells = zero_shot.plan(request("zero-shot", seven, seeds=1)).cells
    groups = [cell.stage2.stage2.leave_out for cell in cells if cell.stage1 is None]
    assert sorted(name for group in groups for name in group) == sorted(seven.classes)
    assert {len(group) for group in groups} == {2, 3}
    assert plan.panels[1].guess == ("chance", 1 / 3)  # joy by AU12; fear and sadness by AU04
    composed = [cell for cell in plan.cells if cell.exam.kind == "composed"]
    assert {cell.stage2.stage2.only for cell in composed} == {"au"}
    with pytest.raises(ConfigError, match="asks for expressions"):
        zero_shot.plan(request("zero-shot", labelled()))


def test_settings_change_by_stage() -> None:
    changes = parse_stage_changes(["loop.batch=32", "1:loop.epochs=7", "2:loop.ema=0.5"])
    assert changes == {1: {"loop.batch": 32, "loop.epochs": 7}, 2: {"loop.batch": 32, "loop.ema": 0.5}}
    with pytest.raises(ConfigError, match=r"loop\.seed"):
        parse_stage_changes(["2:loop.seed=3"])
    with pytest.raises(ConfigError, match=r"stage2\.nothing"):
        ablation.plan(request("ablation", labelled(), changes=parse_stage_changes(["stage2.nothing=1"])))


# Figures


def outcome(right: float, seed: int, faces: int = 400) -> Outcome:
    """Faces of 20 subjects, the given share scored right."""
    rng = np.random.default_rng(seed)
    truth = np.arange(faces) % 2
    said = np.where(rng.random(faces) < right, truth, 1 - truth)
    none = np.zeros((faces, 0), np.float32)
    words = np.array([f"s{k % 20}" for k in range(faces)])
    scored = Scored(
        "made-up", (), ("a", "b"), none, np.eye(2, dtype=np.float32)[said], none, none,
        np.eye(2, dtype=np.float32)[truth], none, words, words, np.arange(faces).astype(np.str_),
    )  # fmt: skip
    return Outcome(scored, {}, (), {})


def test_a_figure_is_the_seeds_mean_and_its_difference_goes_seed_by_seed() -> None:
    ours = {seed: [outcome(0.8, seed)] for seed in range(3)}
    base = {seed: [outcome(0.6, seed)] for seed in range(1, 4)}
    found = summarise(FIGURES["accuracy"], ours, 200)
    assert found is not None
    each = [float((o.scored.expressions.argmax(1) == o.scored.votes.argmax(1)).mean()) for (o,) in ours.values()]
    assert found.values == pytest.approx(each)
    assert found.mean == pytest.approx(np.mean(each))
    assert found.sd == pytest.approx(np.std(each, ddof=1))
    assert found.interval is not None
    assert found.interval[0] < found.mean < found.interval[1]
    gap = difference(FIGURES["accuracy"], ours, base, 200)
    assert gap is not None
    assert gap.seeds == (1, 2)  # which both have
    assert gap.interval is not None
    assert gap.interval[0] > 0  # 0.8 is more than 0.6
    assert summarise(FIGURES["accuracy"], {}, 10) is None


def test_among_the_unseen_a_learnt_expression_cant_win() -> None:
    full = outcome(0.0, 0)  # always the other
    left_out = {name: Outcome(full.scored, {}, (name,), {}) for name in ("a", "b")}
    only_a = summarise(FIGURES["unseen_accuracy"], {0: [left_out["a"]]}, 0)
    assert only_a is not None
    assert only_a.mean == 0.5  # a's own faces
    plain = summarise(FIGURES["accuracy"], {0: [left_out["a"]]}, 0)
    assert plain is not None
    assert plain.mean == 0


def test_random_sentences_are_as_long_but_others() -> None:
    texts = load_labels(FOLDER / "labels.yaml")
    drawn = random_sentences(["fear", "neutral"], list(texts.au), texts, np.random.default_rng(0))
    assert drawn[0].count(",") + drawn[0].count(" and ") >= 4
    assert drawn != random_sentences(["fear", "neutral"], list(texts.au), texts, np.random.default_rng(1))


# What is refused


def test_labels_in_disguise_are_no_activities(made_up: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="its own expression labels"):
        open_activities(made_up())
    assert open_activities(made_up(votes=False)).words == ("happiness", "sadness")


def test_stage_1_sees_no_tested_subject(made_up: Callable[..., Path], tmp_path: Path) -> None:
    data, deeds = made_up(rows=60, votes=False), made_up(rows=60, votes=False, name="deeds")
    table = pd.read_parquet(deeds / MANIFEST)
    table["split"] = np.array(["test", "train", "train", "val", "train"])[np.arange(60) % 5]
    table.to_parquet(deeds / MANIFEST)
    arguments = ["table", "pairs", "--au-data", data, "--au-activity-data", deeds, "--out", tmp_path / "t"]
    assert "12 test subjects" in refused(arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ablation"], "No labelled data"),
        (["ablation", "--au-data", "gone"], "isn't prepared"),
        (["ablation", "--au-data", "DATA", "--activity-data", "gone"], "isn't prepared"),
        (["ablation", "--au-data", "DATA", "--preset", "huge"], "no preset"),
        (["ablation", "--au-data", "DATA", "--encoder", "vit-9000", "--workers", "0"], "vit-9000"),
        (["zero-shot", "--au-data", "DATA", "--set", "loop.epochs"], "name=value"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], says: str, made_up: Callable[..., Path], tmp_path: Path) -> None:
    data = made_up(rows=40, votes=False)
    words = [str(data) if word == "DATA" else word for word in arguments]
    assert says in refused(["table", *words, "--out", tmp_path / "t"])


def refused(arguments: list[object]) -> str:
    """What `python -m training …` says with exit code 2."""
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("training.cli.console.console.print", lambda *words, **_: said.append(" ".join(map(str, words))))
        with pytest.raises(SystemExit) as end:
            training([str(each) for each in arguments])
    assert end.value.code == 2
    return " ".join(said)


# Whole and small


@pytest.fixture(scope="module")
def shown(made_up: Callable[..., Path]) -> Path:
    """A prepared folder with four expressions, whose activities aren't its labels."""
    folder = made_up(rows=160, name="shown")
    table = pd.read_parquet(folder / MANIFEST)
    other = np.arange(len(table)) % 2 == 0
    for before, after in (("happiness", "surprise"), ("sadness", "anger")):
        table[after] = table[before].where(other, 0.0)
        table[before] = table[before].where(~other, 0.0)
    table["activity"] = np.where(table["AU12"] > 0.5, "joke", "smell")
    table["subject"] = [f"s{k % 5}-{k // 5 % 6}" for k in range(len(table))]  # the split goes by k % 5
    table.to_parquet(folder / MANIFEST)
    return folder


def make(name: str, out: Path, *arguments: object) -> dict[str, object]:
    """Run a table in this process; what its JSON says."""
    words = ["table", name, *arguments, "--out", out, "--workers", 0, "--encoder", "tiny", "--draws", 20, "--seeds", 1]
    words += [word for change in QUICK for word in ("--set", change)]
    with pytest.raises(SystemExit) as end:
        training([str(word) for word in words])
    assert not end.value.code
    found: dict[str, object] = json.loads((out / f"{name}.json").read_text())
    return found


@pytest.fixture
def sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the made-up subjects were told."""
    told = {"joke": "Listen to a joke.", "smell": "Smell something bad."}
    monkeypatch.setattr("training.stage1.load_activities", lambda dataset: told)


@pytest.mark.usefixtures("sentences")
def test_the_ablation_is_made_and_told_again_without_training(shown: Path, tmp_path: Path) -> None:
    found = make("ablation", tmp_path, "--au-data", shown, "--preset", "tiny")
    (panel,) = found["panels"]  # type: ignore[misc]
    assert len(found["runs"]) == 12  # type: ignore[arg-type]
    assert all(cell["done"] for cell in found["cells"])  # type: ignore[attr-defined]
    rows = {row["key"]: row for row in panel["rows"]}
    (cell,) = (cell for cell in found["cells"] if cell["row"] == "PA+PI+I+N+D")  # type: ignore[attr-defined]
    folder = run_folder(tmp_path, cell["run"])
    said, scored = json.loads((folder / RESULT).read_text()), Scored.load(folder / "scores-shown.npz")
    levels = [said["thresholds"][name] for name in scored.au_names]
    expected = f1_score(scored.true_aus >= 0.5, scored.aus >= levels, average="macro")
    assert rows["PA+PI+I+N+D"]["figures"]["f1"]["values"] == [pytest.approx(expected)]
    assert rows["PA+PI+I+N+D"]["difference"]["seeds"] == [0]
    assert rows["PA+PI+I+N+D"]["paper"] == {"the paper, BP4D F1": "65.9"}
    told = (tmp_path / "ablation.md").read_text()
    assert "Not comparable" in told
    assert "Stage 2: epochs 2, faces a batch 16, labelled faces at most 400." in told
    assert (tmp_path / "ablation.png").stat().st_size > 10_000
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"runs/*/{RESULT}")}
    again = make("ablation", tmp_path, "--au-data", shown, "--preset", "tiny")
    assert again["panels"] == found["panels"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"runs/*/{RESULT}")} == before


@pytest.mark.usefixtures("sentences")
def test_zero_shot_is_made(shown: Path, tmp_path: Path) -> None:
    found = make(
        "zero-shot", tmp_path, "--au-data", shown, "--expression-data", shown, "--activity-data", shown,
        "--preset", "tiny",
    )  # fmt: skip
    others, units = found["panels"]  # type: ignore[misc]
    assert others["faces"] == 32  # each test face once
    assert others["guess"] == ["chance", 0.25]
    assert units["guess"] == ["chance", 0.5]  # nothing is known of surprise and anger
    assert units["faces"] == 16
    for panel in (others, units):
        assert all(0 <= row["figures"]["accuracy"]["mean"] <= 1 for row in panel["rows"])
    assert 0 <= units["rows"][0]["extras"]["random_text"][0] <= 1
    assert "aren't unseen in the strict sense" not in (tmp_path / "zero-shot.md").read_text()


@pytest.mark.usefixtures("sentences")
def test_a_failing_cell_is_named_and_the_others_go_on(
    shown: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.tables.request.PRESETS", {"tiny": SMALL})
    from training.tables import worker

    train = worker.train_stage1

    def faulty(config, *rest, **named):  # type: ignore[no-untyped-def]
        if config.stage1.pairs == "random":
            raise FloatingPointError("The loss is no number any more.")
        return train(config, *rest, **named)

    monkeypatch.setattr(worker, "train_stage1", faulty)
    found = make("pairs", tmp_path, "--au-data", shown, "--preset", "tiny")
    failed = {run["name"]: run["failed"] for run in found["runs"].values() if run["failed"]}  # type: ignore[attr-defined]
    assert sorted(failed.values()) == ["The loss is no number any more.", "its stage 1 failed"]
    assert [row["figures"]["f1"] is None for row in found["panels"][0]["rows"]] == [False, False, False, True, False]  # type: ignore[index]
    told = (tmp_path / "pairs.md").read_text()
    assert "1 cells are missing" in told
    assert "no number any more" in told


@pytest.mark.usefixtures("sentences")
def test_a_stopped_command_goes_on_where_it_was(
    shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.tables import worker

    monkeypatch.setattr("training.tables.request.PRESETS", {"tiny": SMALL})
    sit, asked = worker.sit, []

    def interrupted(*words):  # type: ignore[no-untyped-def]
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return sit(*words)

    monkeypatch.setattr(worker, "sit", interrupted)
    with pytest.raises(AssertionError):  # exit code 130
        make("pairs", tmp_path, "--au-data", shown, "--preset", "tiny")
    assert "the same command goes on" in capsys.readouterr().err
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"runs/*/{RESULT}")}
    assert len(kept) == 2  # the first cell, and the next one's stage 1
    assert "8 cells are missing" not in (tmp_path / "pairs.md").read_text()
    found = make("pairs", tmp_path, "--au-data", shown, "--preset", "tiny")
    assert len(asked) == 2 + 4
    assert all(cell["done"] for cell in found["cells"])  # type: ignore[attr-defined]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not list(tmp_path.glob("runs/*/last.ckpt"))


@pytest.mark.timeout(300)  # a process begins in seconds, but not on a machine that is busy
def test_a_killed_process_is_named_and_its_run_goes_on(made_up: Callable[..., Path], tmp_path: Path) -> None:
    own = open_labelled(made_up(rows=60), "au")
    wanted = Request("x", (own,), (), 1, SMALL, {1: {}, 2: {"loop.precision": "32-true", "loop.epochs": 30}})
    cell = wanted.cell("row", "column", own, None, wanted.stage2(own, 0))
    (job,) = jobs_of([cell]).values()
    folder = run_folder(tmp_path, job.digest)
    process = Process(tmp_path / "worker.log")

    def kill() -> None:
        while not (folder / LAST).exists():
            time.sleep(0.01)
        assert process._process is not None
        process._process.kill()

    killer = threading.Thread(target=kill)
    folder.mkdir(parents=True)
    (folder / JOB).write_text(job.model_dump_json())
    killer.start()
    assert "was killed by signal 9" in process.run(folder)
    killer.join()
    assert (folder / LAST).exists()
    assert list(unfinished({job.digest: job}, tmp_path)) == [job.digest]
    assert run(folder) == ""
    assert json.loads((folder / RESULT).read_text())["resumed"]
    assert not unfinished({job.digest: job}, tmp_path)
