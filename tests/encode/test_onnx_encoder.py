"""The encoder runs real graphs, at any batch, on the provider that was asked for."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

import clef_rt.encode.onnx as engine
from clef_rt.encode import Encoder, load_encoder
from clef_rt.encode.onnx import CPU, CUDA, OnnxEncoder, choose_providers
from clef_rt.errors import EncoderError
from tests.rigs.bundles import DIM, SIZE, encoder_onnx, make_bundle


def crops(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 1), np.uint8)


def make(model: Any = None, **options: Any) -> OnnxEncoder:
    shape = {"size": SIZE, "channels": 1, "embedding_dim": DIM, "threads": 1}
    return OnnxEncoder(model or encoder_onnx(), **{**shape, **options})


def expected(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the tiny graph computes, by numpy."""
    weights = onnx.numpy_helper.to_array(onnx.load_from_string(encoder_onnx()).graph.initializer[0])
    raw = batch.reshape(len(batch), SIZE * SIZE).astype(np.float32) @ weights
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 9])
def test_any_number_of_crops_is_encoded(count: int) -> None:
    result = make(max_batch=4).encode(crops(count))
    assert result.shape == (count, DIM)
    assert result.dtype == np.float32
    assert np.allclose(result, expected(crops(count)), atol=1e-5)


def test_no_run_is_larger_than_the_limit() -> None:
    encoder = make(max_batch=4)
    real, sizes = encoder._session, []

    def run(names: list[str], feed: dict[str, NDArray[np.uint8]]) -> Any:
        sizes.append(len(feed["faces"]))
        return real.run(names, feed)

    encoder._session = SimpleNamespace(run=run)
    encoder.encode(crops(10))
    assert sizes == [4, 4, 2]


def test_a_path_loads_as_bytes_do(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(encoder_onnx())
    assert np.array_equal(make(tmp_path / "encoder.onnx").encode(crops(2)), make().encode(crops(2)))


def test_crops_that_are_not_contiguous_are_encoded() -> None:
    wide = np.repeat(crops(3), 2, axis=2)
    assert np.allclose(make().encode(wide[:, :, ::2]), expected(crops(3)), atol=1e-5)


def test_a_bundle_gives_its_encoder(tmp_path: Path) -> None:
    encoder: Encoder = load_encoder(make_bundle(tmp_path / "b"), threads=2)
    assert encoder.description == f"onnxruntime {CPU}, 2 threads"
    assert np.allclose(encoder.encode(crops(2)), expected(crops(2)), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, SIZE, SIZE, 3), (1, SIZE, SIZE + 1, 1), (SIZE, SIZE, 1), (0, 4, 4, 1)])
def test_crops_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \(n, 16, 16, 1\)"):
        make().encode(np.zeros(shape, np.uint8))


def test_crops_of_another_dtype_are_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        make().encode(crops(1).astype(np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"", "can't load"),
        (b"no graph at all", "can't load"),
        (encoder_onnx()[:900], "can't load"),
        ("/no/such/encoder.onnx", "/no/such/encoder.onnx"),
        (encoder_onnx(batch=1), "of fixed batch"),
        (encoder_onnx(size=20), "20"),
        (encoder_onnx(dim=4), "4"),
        (encoder_onnx(output="z"), "'z'"),
        (encoder_onnx(unit=False), "length 1"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused_when_loaded(model: bytes | str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        OnnxEncoder(model, size=SIZE, channels=1, embedding_dim=DIM, threads=1)


def test_a_graph_can_not_read_files_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = onnx.load_from_string(encoder_onnx())
    weights = model.graph.initializer[0]
    (tmp_path / "w.bin").write_bytes(weights.raw_data)
    onnx.external_data_helper.set_external_data(weights, "w.bin")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    monkeypatch.chdir(tmp_path)
    data = model.SerializeToString()
    onnxruntime.InferenceSession(data, providers=[CPU])  # left to itself it reads them
    longer = data.replace(b"\x08location", b"\x88\x00location")
    for graph in (data, longer):
        with pytest.raises(EncoderError, match="weights in other files"):
            make(graph)


def test_a_failing_run_is_an_error_of_ours() -> None:
    encoder = make()

    def run(*_: object) -> None:
        raise RuntimeError("CUDA out of memory\nstack")

    encoder._session = SimpleNamespace(run=run)
    with pytest.raises(EncoderError, match=r"failed on 2 crops: CUDA out of memory$"):
        encoder.encode(crops(2))


@pytest.mark.parametrize("options", [{"max_batch": 0}, {"threads": 0}])
def test_limits_below_one_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make(**options)


def test_a_provider_that_is_not_installed_is_refused() -> None:
    with pytest.raises(EncoderError, match=r"no SomeExecutionProvider; it has .*CPUExecutionProvider"):
        make(providers=["SomeExecutionProvider", CPU])
    with pytest.raises(EncoderError, match="No execution provider"):
        make(providers=[])


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="this onnxruntime has CUDA")
def test_cuda_without_the_gpu_build_says_what_to_install() -> None:
    with pytest.raises(EncoderError, match="pip install onnxruntime-gpu"):
        make(providers=[CUDA])


@pytest.fixture
def cuda_that_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime lists CUDA, as its GPU build does on a machine without it, and falls back in silence."""
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda m, o, providers: real(m, o, providers=[CPU]))


@pytest.mark.usefixtures("cuda_that_does_not_work")
def test_a_silent_fall_back_is_an_error_where_cuda_was_asked_for() -> None:
    with pytest.raises(EncoderError, match="CUDAExecutionProvider was asked for, but onnxruntime runs CPU"):
        make(providers=[CUDA, CPU])


@pytest.mark.usefixtures("cuda_that_does_not_work")
def test_a_silent_fall_back_is_a_warning_where_the_choice_was_ours(caplog: pytest.LogCaptureFixture) -> None:
    assert choose_providers(None) == [CUDA, CPU]
    with caplog.at_level(logging.WARNING):
        assert make().provider == CPU
    assert "running on the CPU" in caplog.text


def test_threads_follow_the_cores_and_spinning_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "usable_cores", lambda: 1)
    assert make(threads=None).description == f"onnxruntime {CPU}, 1 threads"
    for spinning in (False, True):
        options = make(spinning=spinning)._session.get_session_options()
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == str(int(spinning))
        assert options.inter_op_num_threads == 1
