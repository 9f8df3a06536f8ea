"""An export with all graphs: its report's figures, taken again from the written bundle; and what makes it fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from scipy.stats import spearmanr
from sklearn.metrics import f1_score

import export.variants
from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder
from clef_rt.errors import BundleError
from export.bundle import Request, export_bundle
from export.checkpoint import SideFiles
from export.kinds import Variant
from export.report import Report
from export.tolerances import parse_tolerances
from tests.rigs.checkpoint import FakeModel
from tests.rigs.prepared import write_prepared

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
FILES = {"float16-weights": "encoder.onnx", "fp16": "encoder.fp16.onnx", "int8": "encoder.int8.onnx"}
ALL = (Variant.FP16, Variant.INT8)
# The rig's weights are random: its labels say nothing, so F1 and accuracy may jump by whole crops.
LOOSE = parse_tolerances([f"{kind}.{figure}_drop=0.2" for kind in ("fp16", "int8") for figure in ("f1", "accuracy")])


@pytest.fixture(autouse=True)
def traced(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tracing, which other tests do."""
    monkeypatch.setattr("export.bundle.export_onnx", lambda *_: graph)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, heads: NDArray[np.uint8]) -> Path:
    """Prepared faces: half of them to calibrate on; of the others some are labelled, at random."""
    rng = np.random.default_rng(3)
    au = np.where(rng.random(96) < 0.7, rng.integers(0, 2, 96), np.nan)
    top = rng.integers(0, 3, 96)
    votes: dict[str, Any] = {
        name: (top == i).astype(float) for i, name in enumerate(("neutral", "happiness", "sadness"))
    }
    return write_prepared(
        tmp_path_factory.mktemp("prepared") / "heads", heads, ["train", "test"] * 48, AU01=au, **votes
    )


def exported(out: Path, folder: Path | None, **more: Any) -> Report:
    request: dict[str, Any] = {"variants": ALL, "weights": "float16", "tolerances": LOOSE, "crops": folder, **more}
    return export_bundle(FakeModel().eval(), Request(out, SideFiles(out.parent), **request), lambda line: None)[1]


def scores_of(embeddings: NDArray[np.floating[Any]]) -> Scores:
    """The rig's labels, scored from their definition."""
    model = FakeModel()
    rows = model.label_rows().embeddings.double().numpy()
    z = np.asarray(embeddings, np.float64)
    first = (rows[0] + rows[1]) / np.linalg.norm(rows[0] + rows[1])
    aus = 1 / (1 + np.exp(-(14.0 * z @ np.stack([first, rows[2]]).T + [0, -1.5])))
    raised = np.exp(20.0 * z @ rows[3:6].T)
    return aus, raised / raised.sum(axis=1, keepdims=True)


def test_the_figures_are_those_of_the_written_bundle(tmp_path: Path, folder: Path) -> None:
    report = exported(tmp_path / "b", folder)
    bundle = load_bundle(tmp_path / "b")
    told = json.loads(bundle.read("parity.json"))
    crops = np.load(folder / "crops.npy")[1::2]
    with torch.inference_mode():
        aus, expressions = scores_of(FakeModel().eval().encode_image(torch.from_numpy(crops)).numpy())
    truth = pd.read_parquet(folder / "manifest.parquet")[1::2]
    known = truth["AU01"].notna().to_numpy()
    top = truth[["neutral", "happiness", "sadness"]].to_numpy().argmax(axis=1)
    right = (expressions.argmax(1) == top).mean()
    f1 = f1_score(truth["AU01"][known], aus[known, 0] >= 0.5)

    assert told["crops"] == 48
    assert told["calibration_crops"] == 48
    assert told["source"] == "heads, split test"
    assert told["opset"] == 18
    assert told["files"] == FILES
    for kind, file in FILES.items():
        own, data = told["graphs"][kind], bundle.read(file)
        session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
        found = session.run(None, {"faces": crops})[0]
        own_aus, own_expressions = scores_of(found)
        apart = np.abs(np.hstack([own_aus - aus, own_expressions - expressions]))
        assert own["score_max_abs"] == pytest.approx(apart.max(), abs=2e-6)
        assert own["score_mean_abs"] == pytest.approx(apart.mean(), abs=2e-7)
        flips = ((own_aus >= 0.5) != (aus >= 0.5)).sum()
        assert own["decisions"] == 48 * 3
        assert own["flips"] == flips + (own_expressions.argmax(1) != expressions.argmax(1)).sum()
        assert own["top_same"] == (own_expressions.argmax(1) == expressions.argmax(1)).mean()
        pairs = zip(np.hstack([own_aus, own_expressions]).T, np.hstack([aus, expressions]).T, strict=True)
        assert own["rank"] == pytest.approx(np.mean([spearmanr(a, b).statistic for a, b in pairs]), abs=1e-3)
        assert own["f1_change"] == pytest.approx(f1_score(truth["AU01"][known], own_aus[known, 0] >= 0.5) - f1)
        assert own["accuracy_change"] == pytest.approx((own_expressions.argmax(1) == top).mean() - right)
        assert own["bytes"] == len(data)
        assert 0 < own["ms_a_face_batch_8"] < 1000
        assert report.graphs[kind].as_dict() == own
    assert told["graphs"]["float16-weights"]["score_max_abs"] < told["graphs"]["int8"]["score_max_abs"]
    assert bundle.spec.metrics["parity"] == report.figures()


def test_the_runtime_loads_each_graph_by_its_name(tmp_path: Path, folder: Path, graph: bytes) -> None:
    exported(tmp_path / "b", folder)
    bundle = load_bundle(tmp_path / "b")
    assert bundle.variants == ("", "fp16", "int8")
    crops = np.load(folder / "crops.npy")[:7]
    expected = ort.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, {"faces": crops})[0]
    seen = set()
    for variant in ("fp32", "fp16", "int8"):
        found = load_encoder(bundle, "cpu", variant=variant, threads=1).encode(crops)
        assert (found * expected).sum(axis=1).min() > 0.999
        seen.add(found.tobytes())
    assert len(seen) == 3


def test_people_read_the_same_in_words_and_see_it(tmp_path: Path, folder: Path) -> None:
    report = exported(tmp_path / "b", folder)
    text = load_bundle(tmp_path / "b").read("parity.md").decode()
    assert "| | float16-weights | fp16 | int8 |" in text
    assert f"{report.graphs['int8'].parity.score_mean_abs:.2g}" in text
    assert "48 crops (heads, split test)" in text
    assert "INT8 was calibrated on 48 others." in text
    assert "- fp16: score max abs ≤ 0.02, score mean abs ≤ 0.001, f1 drop ≤ 0.2" in text
    picture = (tmp_path / "b.parity.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 100_000


def test_without_labels_nothing_is_said_of_f1(tmp_path: Path, heads: NDArray[np.uint8]) -> None:
    np.save(tmp_path / "heads.npy", heads[:40])
    report = exported(tmp_path / "b", tmp_path / "heads.npy", variants=())
    told = report.graphs["float16-weights"].as_dict()
    assert "f1_change" not in told
    assert "accuracy_change" not in told
    assert "| change of F1, points | – |" in report.to_markdown()
    assert report.calibration == 0


def disturb(graph: bytes, by: float) -> bytes:
    """The graph with noise on its weights."""
    model, rng = onnx.load_from_string(graph), np.random.default_rng(0)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size >= 1024:
            noise = rng.standard_normal(values.shape).astype(np.float32) * by * values.astype(np.float32).std()
            tensor.CopyFrom(numpy_helper.from_array((values + noise).astype(values.dtype), tensor.name))
    return model.SerializeToString()


@pytest.mark.parametrize("kind", ["float16-weights", "fp16", "int8"])
def test_a_graph_that_is_off_stops_the_export_and_is_named(
    tmp_path: Path, folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {"float16-weights": "half_weights", "fp16": "to_float16", "int8": "to_int8"}[kind]
    made = getattr(export.variants, name)
    monkeypatch.setattr(f"export.variants.{name}", lambda graph, *more: made(disturb(graph, 0.5), *more))
    with pytest.raises(BundleError, match=rf"doesn't score as the checkpoint does\. {kind}: score m") as error:
        exported(tmp_path / "b", folder)
    others = {"float16-weights", "fp16", "int8"} - {kind}
    assert not any(f"{other}:" in str(error.value) for other in others)
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_ones_own_lets_it_pass_or_not(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BundleError, match="int8: score mean abs"):
        exported(tmp_path / "b", folder, tolerances={**LOOSE, "int8": {"score_mean_abs": 1e-9}})
    with pytest.raises(BundleError, match="fp16: score max abs"):
        exported(tmp_path / "b", folder, tolerances={**LOOSE, "fp16": {"score_max_abs": 0.0}})


def test_a_picture_that_can_not_be_written_is_an_error_of_ours(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "b.parity.png").mkdir()
    with pytest.raises(BundleError, match=r"b\.parity\.png: can't be written"):
        exported(tmp_path / "b", folder, variants=())
