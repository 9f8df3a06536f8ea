"""A checkpoint goes the whole way: ONNX, bundle, runtime; and scores there as it did in torch."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from rich.console import Console

import export.__main__ as cli
from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder
from clef_rt.errors import BundleError, EncoderError, MissingExtra
from clef_rt.labels import LabelBank
from export.bundle import Request, export_bundle
from export.checkpoint import SideFiles, load_model
from export.crops import made_up_crops, read_crops
from export.onnx import export_onnx
from tests.rigs.bundles import make_spec
from tests.rigs.checkpoint import FakeModel


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint that `training.checkpoint.load_checkpoint` loads as the fake model."""

    def load_checkpoint(path: Path) -> FakeModel:
        if path.read_bytes() != b"fake":
            raise RuntimeError("PytorchStreamReader failed\nstack")
        return FakeModel()

    module = ModuleType("training.checkpoint")
    module.load_checkpoint = load_checkpoint  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "training.checkpoint", module)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.pt").write_bytes(b"fake")
    return tmp_path / "run" / "last.pt"


@pytest.fixture
def ready_graph(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tracing where it isn't what is tested."""
    monkeypatch.setattr("export.bundle.export_onnx", lambda *_: graph)


def run(*arguments: str | Path) -> tuple[int, str]:
    """Run the command line: exit code, and what it printed."""
    shown = io.StringIO()
    console, cli.console = cli.console, Console(file=shown, width=100)
    try:
        cli.main([str(argument) for argument in arguments])
    except SystemExit as done:
        return int(done.code or 0), shown.getvalue()
    finally:
        cli.console = console
    return 0, shown.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_model_scores_in_the_runtime_as_in_torch(tmp_path: Path, channels: int) -> None:
    model = FakeModel(channels).eval()
    lines: list[str] = []
    made, report = export_bundle(model, Request(tmp_path / "out", SideFiles(tmp_path)), lines.append)
    assert report.graphs["float32"].parity.score_max_abs < 1e-4
    assert (report.crops, report.source) == (64, "made up")
    assert len(lines) == 3

    bundle = load_bundle(tmp_path / "out")
    assert bundle.sha256 == made.sha256
    crops = np.random.default_rng(5).integers(0, 256, (70, 32, 32, channels), np.uint8)
    with torch.inference_mode():
        expected = model.encode_image(torch.from_numpy(crops)).numpy()
    embeddings = load_encoder(bundle, "cpu", threads=1, max_batch=64).encode(crops)
    assert np.allclose(embeddings, expected, atol=1e-5)
    scores = LabelBank.from_bundle(bundle).score(embeddings)
    smile = 1 / (1 + np.exp(-(14.0 * expected @ model.label_rows().embeddings.numpy()[2] - 1.5)))
    assert np.allclose(scores.au[:, 1], smile, atol=1e-4)


def test_the_graph_tells_nothing_of_the_machine_it_was_made_on(graph: bytes) -> None:
    assert len(graph) < 100_000
    for trace in (b".py", b"stack_trace", b"site-packages", str(Path.cwd()).encode(), b"/home", b"/root"):
        assert trace not in graph


def test_the_same_weights_give_the_same_graph(graph: bytes) -> None:
    assert export_onnx(FakeModel().export_module(), 32, 1) == graph


def test_the_command_line_exports_with_what_lies_beside(checkpoint: Path, tmp_path: Path) -> None:
    side = checkpoint.parent
    (side / "thresholds.json").write_text('{"AU12": 0.3}')
    (side / "metrics.json").write_text('{"ferplus": {"accuracy": 0.71}}')
    (side / "provenance.json").write_text('{"data": ["FERPlus"], "teacher": "MediaPipe"}')
    (side / "MODEL_CARD.md").write_text("# Card of äöü\n", encoding="utf-8")
    code, shown = run("bundle", checkpoint, "--out", tmp_path / "b", "--name", "clef-edge.v1", "--experimental", "AU01")
    assert code == 0, shown
    assert "largest score difference" in shown
    bundle = load_bundle(tmp_path / "b")
    assert bundle.spec.name == "clef-edge.v1"
    assert bundle.card() == "# Card of äöü\n"
    assert bundle.spec.provenance["data"] == ["FERPlus"]
    assert bundle.spec.provenance["encoder"] == "Fake/Conv"
    assert bundle.spec.metrics["ferplus"] == {"accuracy": 0.71}
    assert bundle.spec.metrics["parity"]["graphs"] == json.loads(bundle.read("parity.json"))["graphs"]
    bank = LabelBank.from_bundle(bundle)
    assert bank.au.thresholds.tolist() == pytest.approx([0.5, 0.3])
    assert bank.au.experimental == {"AU01"}

    code, shown = run("pack", tmp_path / "b", tmp_path / "b.clef")
    assert code == 0, shown
    assert load_bundle(tmp_path / "b.clef").sha256 == bundle.sha256


@pytest.mark.usefixtures("ready_graph")
def test_without_files_beside_it_there_are_defaults(checkpoint: Path, tmp_path: Path) -> None:
    assert run("bundle", checkpoint, "--out", tmp_path / "b")[0] == 0
    bundle = load_bundle(tmp_path / "b")
    assert bundle.spec.name == "clef-fake-conv"
    assert "No model card was given" in bundle.card()
    assert {label.threshold for label in bundle.spec.groups.labels} == {0.5}


@pytest.mark.usefixtures("ready_graph")
def test_the_command_line_exports_every_graph(checkpoint: Path, tmp_path: Path, heads: NDArray[np.uint8]) -> None:
    np.save(tmp_path / "heads.npy", heads)
    code, shown = run(
        *("bundle", checkpoint, "--out", tmp_path / "b", "--weights", "float16", "--variant", "fp16"),
        *("--variant", "int8", "--calibrate", tmp_path / "heads.npy", "--tolerance", "int8.score_max_abs=0.5"),
    )
    assert code == 0, shown
    bundle = load_bundle(tmp_path / "b")
    assert bundle.variants == ("", "fp16", "int8")
    assert set(bundle.spec.metrics["parity"]["graphs"]) == {"float16-weights", "fp16", "int8"}
    assert json.loads(bundle.read("parity.json"))["tolerances"]["int8"]["score_max_abs"] == 0.5
    assert "calibrated on 48 crops" in shown


@pytest.mark.usefixtures("ready_graph")
def test_a_bundle_that_scores_otherwise_is_not_written(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeModel, "encode_image", FakeModel(seed=1).eval().encode_image)
    code, shown = run("bundle", checkpoint, "--out", tmp_path / "b")
    assert code == 2
    assert "doesn't score as the checkpoint does. float32: embedding max abs" in shown
    assert not (tmp_path / "b").exists()


@pytest.mark.usefixtures("ready_graph")
def test_scores_are_compared_and_not_the_embeddings_alone(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = iter([14.0, 20.0])  # for the bundle; another for the comparison
    monkeypatch.setattr(FakeModel, "logit_scale", lambda self, group: next(scales, 10.0))
    code, shown = run("bundle", checkpoint, "--out", tmp_path / "b")
    assert code == 2
    assert "does. float32: score max abs" in shown


@pytest.mark.usefixtures("ready_graph")
@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        ({"last.pt": "broken"}, [], "no checkpoint of ours: RuntimeError: PytorchStreamReader failed"),
        ({"thresholds.json": "{"}, [], "thresholds.json is no JSON"),
        ({"thresholds.json": '{"AU99": 0.5}'}, [], "labels that the model lacks: AU99"),
        ({"thresholds.json": '{"AU12": "x"}'}, [], "makes no bundle: threshold"),
        ({"thresholds.json": '{"AU12": 7}'}, [], "makes no bundle: threshold"),
        ({"metrics.json": "[1]"}, [], "holds no JSON object"),
        ({"metrics.json": '{"f1": "good"}'}, [], "metrics.f1 is no number"),
        ({}, ["--metrics", "no.json"], "no.json can't be read"),
        ({}, ["--card", "no.md"], "no.md can't be read"),
        ({}, ["--name", "Not A Name"], "makes no bundle: name"),
        ({}, ["--version", "one"], "makes no bundle: version"),
        ({}, ["--crops", "no.npy"], "no.npy can't be read"),
        ({}, ["--experimental", "AU77"], "AU77"),
        ({}, ["--variant", "int8"], "Give --calibrate"),
        ({}, ["--variant", "int8", "--calibrate", "no.npy"], "no.npy can't be read"),
        ({}, ["--calibrate", "no.npy"], "Only INT8 is calibrated"),
        ({}, ["--tolerance", "int8=3"], "is no tolerance"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    checkpoint: Path, tmp_path: Path, files: dict[str, str], arguments: list[str], message: str
) -> None:
    for name, text in files.items():
        (checkpoint.parent / name).write_text(text)
    code, shown = run("bundle", checkpoint, "--out", tmp_path / "b", *arguments)
    assert code == 2
    assert message in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "b").exists()


def test_a_checkpoint_that_is_not_there_is_named(checkpoint: Path) -> None:
    with pytest.raises(BundleError, match=r"gone\.pt: no such checkpoint"):
        load_model(checkpoint.with_name("gone.pt"))


def test_training_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "training.checkpoint", None)
    with pytest.raises(MissingExtra, match=r"clef-rt\[export,training\]"):
        load_model(tmp_path)


def test_what_torch_can_not_trace_is_an_error_of_ours() -> None:
    class Branches(torch.nn.Module):
        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            return faces.float() if faces.sum() > 3 else faces.double()

    with pytest.raises(EncoderError, match="can't be made an ONNX graph"):
        export_onnx(Branches(), 8, 1)


def test_crops_are_read_from_arrays_and_folders(tmp_path: Path) -> None:
    import cv2

    spec = make_spec().input
    np.save(tmp_path / "a.npy", np.zeros((3, 16, 16, 1), np.uint8))
    assert read_crops(tmp_path / "a.npy", spec).shape == (3, 16, 16, 1)
    (tmp_path / "faces").mkdir()
    cv2.imwrite(str(tmp_path / "faces" / "a.png"), np.full((40, 40, 3), (0, 0, 255), np.uint8))
    assert read_crops(tmp_path / "faces", spec).shape == (1, 16, 16, 1)
    rgb = spec.model_copy(update={"channels": 3})
    assert read_crops(tmp_path / "faces", rgb)[0, 0, 0].tolist() == [255, 0, 0]
    (tmp_path / "faces" / "b.jpg").write_bytes(b"no image")
    with pytest.raises(BundleError, match=r"b\.jpg is no image"):
        read_crops(tmp_path / "faces", spec)


@pytest.mark.parametrize(
    "array", [np.zeros((3, 8, 8, 1), np.uint8), np.zeros((3, 16, 16, 1)), np.zeros((0, 16, 16, 1), np.uint8)]
)
def test_crops_of_another_shape_are_refused(tmp_path: Path, array: Any) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(BundleError, match=r"crops are uint8 \(n, 16, 16, 1\)"):
        read_crops(tmp_path / "a.npy", make_spec().input)


def test_made_up_crops_span_black_to_white_and_are_the_same_each_time() -> None:
    crops = made_up_crops(make_spec().input)
    assert crops[0].max() == 0
    assert crops[1].min() == 255
    assert len({crop.tobytes() for crop in crops}) == 64
    assert np.array_equal(crops, made_up_crops(make_spec().input))
