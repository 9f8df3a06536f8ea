"""TensorRT on a real GPU: its scores, its engines' cache, and its CUDA graphs; and onnxruntime's TensorRT provider."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.encode import Encoder, load_encoder
from clef_rt.encode.engine_cache import EngineCache
from clef_rt.errors import EncoderError
from tests.rigs.bundles import encoder_onnx
from tests.rigs.gpu import assert_alike, crops, skip_unless

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]  # building takes minutes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless("tensorrt")
    return tmp_path_factory.mktemp("cache") / "engines"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def encoder(folder: Path, bundle: Bundle) -> Encoder:
    return load_encoder(bundle, "tensorrt", variant="fp32", cache=EngineCache(folder))


def test_tensorrt_scores_as_the_cpu_does(encoder: Encoder, bundle: Bundle) -> None:
    assert encoder.description.startswith("TensorRT 1")
    assert encoder.description.endswith(", fp32")
    assert_alike(bundle, encoder, cosine=0.9999, score=0.02)  # TF32 multiplies with 10 bits


@pytest.mark.parametrize("variant", ["fp16", "int8"])
def test_other_precisions(folder: Path, bundle: Bundle, variant: str) -> None:
    if variant not in bundle.variants:
        pytest.skip(f"the embedded bundle has no {variant}")
    encoder = load_encoder(bundle, "tensorrt", variant=variant, cache=EngineCache(folder))
    assert encoder.description.endswith(f", {variant}")
    assert_alike(bundle, encoder, cosine=0.99 if variant == "int8" else 0.999, score=0.1)


def test_every_batch_size_has_a_graph(encoder: Encoder, bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    assert sorted(encoder._launches) == [1, 2, 4, 8, 16, 32]  # type: ignore[attr-defined]
    assert "without one, slower" not in caplog.text
    for size in (1, 2, 4, 8, 16, 32):
        faces = crops(bundle, size)
        assert np.array_equal(encoder.encode(faces), encoder.encode(faces))
        assert np.allclose(encoder.encode(faces)[0], encoder.encode(faces[:1])[0], atol=1e-2)


def test_an_engine_is_built_once_and_a_damaged_one_anew(
    encoder: Encoder, folder: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    expected = encoder.encode(crops(bundle, 3))
    caplog.set_level(logging.WARNING)
    again = load_encoder(bundle, "tensorrt", variant="fp32", cache=EngineCache(folder))
    assert not [record for record in caplog.records if "builds an engine" in record.message]
    assert np.array_equal(again.encode(crops(bundle, 3)), expected)
    for path in folder.glob("*.engine"):
        path.write_bytes(path.read_bytes()[:-7])
    anew = load_encoder(bundle, "tensorrt", variant="fp32", cache=EngineCache(folder))
    assert "is damaged" in caplog.text
    assert "builds an engine" in caplog.text
    assert np.allclose(anew.encode(crops(bundle, 3)), expected, atol=1e-2)


def test_a_graph_that_tensorrt_can_not_read_is_an_error(folder: Path) -> None:
    from clef_rt.encode.gpu import find_gpu
    from clef_rt.encode.tensorrt import TensorRtEncoder

    for model in (b"no graph", encoder_onnx()[:900]):
        with pytest.raises(EncoderError, match="TensorRT"):
            TensorRtEncoder(
                model, size=16, channels=1, embedding_dim=8, precision="fp32", gpu=find_gpu(), cache=EngineCache(folder)
            )


def test_onnxruntime_s_tensorrt_scores_as_the_cpu_does(tmp_path: Path, bundle: Bundle) -> None:
    skip_unless("ort-tensorrt")
    cache = EngineCache(tmp_path / "engines")
    encoder = load_encoder(bundle, "ort-tensorrt", variant="fp32", cache=cache)
    assert encoder.description == "onnxruntime TensorrtExecutionProvider, fp32"
    assert_alike(bundle, encoder, cosine=0.9999, score=0.02)
    assert list(cache.folder.glob("*/*.engine"))
