"""The encoder runs real graphs, at any batch, on the provider that was asked for."""

from __future__ import annotations

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
from clef_rt.encode.batches import Profile, encode_in_runs
from clef_rt.encode.bound import BoundSession
from clef_rt.encode.onnx import CPU, CUDA, ON_CUDA, OnnxEncoder, on_tensorrt
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
    assert encoder.description == f"onnxruntime {CPU}, fp32, 2 threads"
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


@pytest.mark.parametrize("most", [1, 3, 4])
def test_memory_that_is_bound_gives_the_same(most: int) -> None:
    """As on a GPU, but for the device: onnxruntime binds the CPU's memory by the same calls."""
    session = make()._session
    profile = Profile.up_to(most)
    bound = BoundSession(session, "cpu", (SIZE, SIZE, 1), DIM, profile)
    for count in (1, 2, 3, 5, 9):
        result = encode_in_runs(crops(count, seed=count), profile, DIM, bound.run)
        assert np.allclose(result, expected(crops(count, seed=count)), atol=1e-5)


def test_a_provider_that_onnxruntime_does_not_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime falls back in silence, as where CUDA's libraries don't match."""
    real = onnxruntime.InferenceSession

    def without_cuda(model: Any, options: Any, providers: Any, **more: Any) -> Any:
        return real(model, options, providers=[CPU], **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", without_cuda)
    with pytest.raises(EncoderError, match=r"CUDAExecutionProvider was asked for, but onnxruntime runs CPU.*cudnn"):
        make(place=ON_CUDA)


def test_a_provider_that_fails_is_an_error_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Left to itself onnxruntime prints to stdout, where scores go, and takes the CPU."""
    real = onnxruntime.InferenceSession._create_inference_session

    def failing(self: Any, providers: Any, options: Any, disabled: Any = None) -> None:
        if providers and CUDA in str(providers):
            raise RuntimeError("libcudnn.so.9: cannot open shared object file\nmore")
        real(self, providers, options, disabled)

    monkeypatch.setattr(onnxruntime.InferenceSession, "_create_inference_session", failing)
    with pytest.raises(EncoderError, match=r"can't load the encoder from its bytes: libcudnn\.so\.9.* cuDNN libraries"):
        make(place=ON_CUDA)
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="this onnxruntime has CUDA")
def test_a_provider_that_is_not_there_is_an_error() -> None:
    with pytest.warns(UserWarning, match="not in available provider"), pytest.raises(EncoderError, match="asked for"):
        make(place=ON_CUDA)


def test_tensorrt_is_told_its_folder_its_shapes_and_the_precision(tmp_path: Path) -> None:
    place = on_tensorrt(tmp_path, "fp16", (80, 80, 3), Profile.up_to(16))
    name, options = place.providers[0]
    assert name == place.provider == "TensorrtExecutionProvider"
    assert options["trt_profile_min_shapes"] == "faces:1x80x80x3"
    assert options["trt_profile_opt_shapes"] == "faces:8x80x80x3"
    assert options["trt_profile_max_shapes"] == "faces:16x80x80x3"
    assert options["trt_fp16_enable"] == "1"
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(tmp_path)
    assert [own for own, _ in place.providers[1:]] == [CUDA, CPU]


def test_the_precision_is_told_where_it_is_known() -> None:
    assert make(precision="int8").description == f"onnxruntime {CPU}, int8, 1 threads"
    assert make().description == f"onnxruntime {CPU}, 1 threads"


def test_threads_follow_the_cores_and_spinning_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "usable_cores", lambda: 1)
    assert make(threads=None).description == f"onnxruntime {CPU}, 1 threads"
    for spinning in (False, True):
        options = make(spinning=spinning)._session.get_session_options()
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == str(int(spinning))
        assert options.inter_op_num_threads == 1
