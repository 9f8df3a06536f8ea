"""The way from data to scores, whole and small: stage 1, stage 2, evaluate, export, load, compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder
from clef_rt.errors import ConfigError
from clef_rt.labels import LabelBank
from export.__main__ import main as export
from training.__main__ import main as training
from training.checkpoint import load_checkpoint
from training.data import load_examples
from training.encoders import ENCODERS
from training.encoders.convnet import ConvNet
from training.evaluation.scoring import predict
from training.manifest import EXPRESSIONS

FAST = ("--batch", "24", "--precision", "32", "--accelerator", "cpu")


def run(*arguments: object, main: Callable[[list[str]], None] = training) -> None:
    """`python -m training …`, in this process."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert not end.value.code


@pytest.fixture(scope="module", autouse=True)
def tiny_encoder() -> Iterator[None]:
    """An encoder of a few thousand weights, so that training takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            ENCODERS, "tiny", lambda pictures: ConvNet(pictures.channels, widths=(8, 16, 32), blocks=(1, 1, 1))
        )
        yield


@pytest.fixture(scope="module")
def trained(made_up: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A prepared folder, and the run of both stages on it."""
    data, runs = made_up(), tmp_path_factory.mktemp("runs")
    run("stage1", data, "--out", runs / "one", "--epochs", 2, "--encoder", "tiny", *FAST)
    run("stage2", data, "--out", runs / "two", "--start", runs / "one", "--epochs", 30, "--learning-rate", 0.01, *FAST)
    run("evaluate", runs / "two", data)
    return data, runs / "two"


def test_it_learns_what_is_there_to_learn(trained: tuple[Path, Path]) -> None:
    metrics = json.loads((trained[1] / "metrics.json").read_text())["test"]["made-up"]
    assert metrics["expressions"]["accuracy"] > 0.9
    assert metrics["action_units"]["labels"]["AU12"]["auc"] > 0.95


def test_the_bundle_scores_as_the_checkpoint_does(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, checkpoint = trained
    run("bundle", checkpoint, "--out", tmp_path / "b", "--name", "tiny", main=export)
    bundle = load_bundle(tmp_path / "b")
    faces = load_examples([data], "test").faces[:]
    ours = predict(load_checkpoint(checkpoint), faces)
    scores = LabelBank.from_bundle(bundle).score(load_encoder(bundle, "cpu").encode(faces))
    np.testing.assert_allclose(scores.au, ours.aus, atol=2e-4)
    np.testing.assert_allclose(scores.expression, ours.expressions, atol=2e-4)
    thresholds = json.loads((checkpoint / "thresholds.json").read_text())
    assert {label.name: label.threshold for label in bundle.spec.groups.au.labels} == thresholds
    assert "2 Action Units" in bundle.card()
    marked = {label.name for label in bundle.spec.groups.labels if label.experimental}
    assert {"fear", "contempt"} <= marked  # no face shows them
    assert "happiness" not in marked


@pytest.mark.parametrize(("votes", "aus"), [(True, False), (False, True)])
def test_a_model_has_the_labels_that_its_data_has(
    made_up: Callable[..., Path], tmp_path: Path, votes: bool, aus: bool
) -> None:
    data = made_up(rows=60, votes=votes, aus=aus)
    run("stage1", data, "--out", tmp_path / "one", "--epochs", 1, "--encoder", "tiny", *FAST)
    run("stage2", data, "--out", tmp_path / "two", "--start", tmp_path / "one", "--epochs", 1, *FAST)
    run("evaluate", tmp_path / "two", data)
    run("bundle", tmp_path / "two", "--out", tmp_path / "b", main=export)
    bank = LabelBank.from_bundle(load_bundle(tmp_path / "b"))
    assert (len(bank.au.names), len(bank.expression.names)) == (2 * aus, 8 * votes)


CLIP = ("model.encoder=clip-tiny", "model.init=random")
ALL = {"expression", "au", "intensity", "description"}


@pytest.mark.parametrize(
    ("stage", "settings", "terms"),
    [
        (1, ("stage1.pairs=identity", "stage1.image_activity=false"), {"image_image"}),
        (1, ("stage1.pairs=instance",), {"image_image", "image_activity"}),
        (1, ("stage1.pairs=random",), {"image_image", "image_activity"}),
        (1, ("stage1.image_image=false", *CLIP, "model.tune.text=all"), {"image_activity"}),
        (2, ("stage2.head=index", "stage2.descriptions=false"), ALL - {"description"}),
        (2, ("stage2.head=descriptions",), ALL - {"description"}),
        (2, ("stage2.au_form=contrastive",), (ALL - {"au"}) | {"au_bias", "au_contrastive"}),
        (2, ("stage2.au_form=both",), ALL | {"au_contrastive"}),
        (2, ("stage2.imbalance=asymmetric", "stage2.only=au"), ALL - {"expression"}),
        (2, ("stage2.imbalance=weights", "stage2.sampling=balanced"), ALL),
        (2, (*CLIP, "model.tune.image=1", "loop.encoder_rate=0.1"), ALL),
        (2, (*CLIP, "model.tune.text=all", "loop.checkpoint_activations=true"), ALL),
    ],
)
def test_every_form_of_the_stages_learns_and_scores(
    made_up: Callable[..., Path], tmp_path: Path, stage: int, settings: tuple[str, ...], terms: set[str]
) -> None:
    data = made_up(rows=60)
    table = pd.read_parquet(data / "manifest.parquet")
    table.assign(AU12_intensity=5 * table["AU12"]).to_parquet(data / "manifest.parquet")
    changes = [word for setting in ("model.encoder=tiny", *settings) for word in ("--set", setting)]
    run(f"stage{stage}", data, "--out", tmp_path / "r", *FAST, "--epochs", 5, "--batch", 12, *changes)
    first, *_, last = (json.loads(line) for line in (tmp_path / "r/log.jsonl").read_text().splitlines())
    found = {name for name in last if not name.startswith("val") and name not in ("epoch", "seconds")}
    assert found == terms
    assert all(np.isfinite(last[name]) for name in terms)
    if stage == 2:
        assert sum(last[name] for name in terms) < sum(first[name] for name in terms)
        run("evaluate", tmp_path / "r", data, "--draws", 0)
        rated = json.loads((tmp_path / "r/evaluation.json").read_text())["test"]["made-up"]["intensities"]
        assert "AU12" in json.dumps(rated)


def test_a_clip_makes_a_bundle(made_up: Callable[..., Path], tmp_path: Path) -> None:
    data = made_up(rows=60)
    changes = [word for setting in (*CLIP, "model.tune.text=all") for word in ("--set", setting)]
    run("stage1", data, "--out", tmp_path / "one", "--epochs", 1, *FAST, *changes)
    start = ("--start", tmp_path / "one", "--set", "model.tune.text=all")
    run("stage2", data, "--out", tmp_path / "two", "--epochs", 1, *FAST, *start)
    run("bundle", tmp_path / "two", "--out", tmp_path / "b", main=export)
    bundle = load_bundle(tmp_path / "b")
    faces = load_examples([data], "test").faces[:]
    scores = LabelBank.from_bundle(bundle).score(load_encoder(bundle, "cpu").encode(faces))
    np.testing.assert_allclose(scores.au, predict(load_checkpoint(tmp_path / "two"), faces).aus, atol=2e-4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["prepare", "nothing", "--data", ".", "--out", "x"], "no dataset"),
        (["stage1", "gone", "--out", "x"], "isn't prepared"),
        (["stage2", "DATA", "--out", "x", "--start", "gone"], "no such checkpoint"),
        (["stage2", "DATA", "--out", "x", "--encoder", "vit-9000"], "no encoder"),
        (["stage2", "DATA", "--out", "x", "--resume"], "no run to resume"),
        (["evaluate", "gone", "DATA"], "no such checkpoint"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    arguments: list[str], says: str, made_up: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = made_up(rows=20)
    words = [str(data) if word == "DATA" else str(tmp_path / word) if word == "x" else word for word in arguments]
    with pytest.raises(SystemExit) as end:
        training(words)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_folders_that_do_not_fit(made_up: Callable[..., Path]) -> None:
    data = made_up(rows=20, votes=False)
    examples = load_examples([data, made_up(rows=10, name="other")], "train")
    assert len(examples) == 18
    assert len(examples.of("other")) == 6
    assert np.isnan(examples.of("made-up").votes).all()
    assert not examples.of("made-up").voted.any()
    assert examples.of("other").voted.all()


def test_expressions_that_a_dataset_lacks_got_no_votes(made_up: Callable[..., Path]) -> None:
    two, eight = made_up(rows=20, name="two"), made_up(rows=20, name="eight")
    table = pd.read_parquet(two / "manifest.parquet")
    gone = [name for name in EXPRESSIONS if name not in ("happiness", "sadness")]
    table.drop(columns=gone).to_parquet(two / "manifest.parquet")
    alone = load_examples([two], "train")
    assert alone.expression_names == ("happiness", "sadness")
    assert alone.voted.all()
    both = load_examples([two, eight], "train")
    assert both.expression_names == EXPRESSIONS
    np.testing.assert_array_equal(both.of("two").votes, both.of("eight").votes)


def test_a_model_is_measured_by_its_own_labels(trained: tuple[Path, Path], made_up: Callable[..., Path]) -> None:
    data, checkpoint = made_up(rows=60, name="fewer"), trained[1]
    table = pd.read_parquet(data / "manifest.parquet")
    # Another order, an Action Unit that the model lacks, and one fewer: columns are found by name.
    table.drop(columns=["AU12", *(name for name in EXPRESSIONS if name not in ("happiness", "sadness"))]).assign(
        AU01=0.5
    ).to_parquet(data / "manifest.parquet")
    config = load_checkpoint(checkpoint).config
    examples = load_examples([data], "test", aus=config.au_names, expressions=config.expression_names)
    assert np.isnan(examples.aus[:, config.au_names.index("AU12")]).all()
    scores = predict(load_checkpoint(checkpoint), examples.faces).expressions
    right = scores.argmax(axis=1) == examples.votes.argmax(axis=1)
    assert right.mean() > 0.9
    with pytest.raises(ConfigError, match="no sadness"):
        load_examples([data], "test", expressions=["happiness"])
