"""The encoder on OpenVINO, where it is installed (`pip install 'clef-rt[openvino]'`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder
from clef_rt.encode.choice import Machine
from clef_rt.encode.onnx import OnnxEncoder
from clef_rt.encode.openvino import OpenVinoEncoder
from clef_rt.errors import EncoderError
from clef_rt.labels import LabelBank
from tests.rigs.bundles import DIM, SIZE, encoder_onnx, make_bundle

pytest.importorskip("openvino", reason="OpenVINO isn't installed")

SHAPE: dict[str, Any] = {"size": SIZE, "channels": 1, "embedding_dim": DIM, "threads": 1}


def crops(count: int, size: int = SIZE) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 1), np.uint8)


def make(model: bytes | None = None, **options: Any) -> OpenVinoEncoder:
    return OpenVinoEncoder(model or encoder_onnx(), precision="fp32", **{**SHAPE, **options})


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_it_gives_what_onnxruntime_gives(count: int) -> None:
    ours, theirs = make(max_batch=4).encode(crops(count)), OnnxEncoder(encoder_onnx(), **SHAPE).encode(crops(count))
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    assert np.allclose(ours, theirs, atol=2e-2)  # bfloat16 has 8 bits


def test_results_are_not_overwritten_by_the_next() -> None:
    encoder = make()
    first = encoder.encode(crops(2))
    kept = first.copy()
    encoder.encode(255 - crops(2))
    assert np.array_equal(first, kept)


def test_the_embedded_bundle_scores_alike() -> None:
    bundle = load_bundle()
    bank = LabelBank.from_bundle(bundle)
    faces = crops(6, bundle.spec.input.size)
    encoder = load_encoder(bundle, "openvino", threads=1)
    assert encoder.description.startswith("OpenVINO ")
    assert encoder.description.endswith("1 threads")
    theirs = load_encoder(bundle, "cpu", threads=1)
    ours, reference = bank.score(encoder.encode(faces)), bank.score(theirs.encode(faces))
    assert np.abs(ours.au - reference.au).max() < 0.02
    assert np.abs(ours.expression - reference.expression).max() < 0.02


def test_it_is_found_and_not_taken_by_itself(tmp_path: Path) -> None:
    found = Machine().look("openvino")
    assert found.ready
    assert found.what.startswith("OpenVINO 20")
    assert "OpenVINO" not in load_encoder(make_bundle(tmp_path / "b")).description


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"no graph at all", "OpenVINO can't load"),
        (encoder_onnx(batch=1), "of fixed batch"),
        (encoder_onnx(size=20), "20"),
        (encoder_onnx(dim=4), "4"),
        (encoder_onnx(output="z"), "'z'"),
        (encoder_onnx(unit=False), "length 1"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(model: bytes, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        make(model)


def test_crops_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        make().encode(crops(1, SIZE + 1))
