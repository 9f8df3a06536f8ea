"""Which engine is taken on which machine, why, and what is said where one is missing."""

from __future__ import annotations

import ctypes
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

import clef_rt
from clef_rt.bundle import Bundle
from clef_rt.bundle.write import write_bundle
from clef_rt.encode import load_encoder
from clef_rt.encode.choice import ENGINES, Engine, EngineName, Machine, choose_variant, parse_engine, survey
from clef_rt.encode.gpu import Gpu, find_gpu
from clef_rt.errors import ClefError, ConfigError, EncoderError, MissingExtra
from tests.rigs.bundles import SIZE, make_bundle, make_files, make_spec

GPU = Gpu("NVIDIA Something", (8, 9), (13, 0))
NO_GPU = EncoderError("There is no NVIDIA driver here.", "Install it.")
NO_TENSORRT = MissingExtra("TensorRT", "tensorrt")
NO_CUDA_PYTHON = MissingExtra("cuda-python", "tensorrt")
NO_OPENVINO = MissingExtra("OpenVINO", "openvino")
CPU_BUILD = ("AzureExecutionProvider", "CPUExecutionProvider")
GPU_BUILD = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")

T = TypeVar("T")


def saying(answer: T | ClefError) -> Callable[[], T]:
    def say() -> T:
        if isinstance(answer, ClefError):
            raise answer
        return answer

    return say


def machine(
    gpu: Gpu | ClefError = NO_GPU,
    providers: tuple[str, ...] = CPU_BUILD,
    tensorrt: str | ClefError = NO_TENSORRT,
    cuda_python: str | ClefError = NO_CUDA_PYTHON,
    openvino: str | ClefError = NO_OPENVINO,
) -> Machine:
    return Machine(saying(gpu), saying(providers), saying(tensorrt), saying(cuda_python), saying(openvino))


@pytest.mark.parametrize(
    ("gpu", "build", "tensorrt", "cuda_python", "openvino"), list(itertools.product([0, 1], repeat=5))
)
def test_auto_takes_the_fastest_that_is_there(
    gpu: int, build: int, tensorrt: int, cuda_python: int, openvino: int
) -> None:
    asked = machine(
        GPU if gpu else NO_GPU,
        GPU_BUILD if build else CPU_BUILD,
        "11.4" if tensorrt else NO_TENSORRT,
        "13.5" if cuda_python else NO_CUDA_PYTHON,
        "2026.4" if openvino else NO_OPENVINO,
    )
    found, taken, why = survey(asked)
    expected: dict[Engine, int] = {
        "tensorrt": gpu & tensorrt & cuda_python,
        "ort-tensorrt": gpu & build,
        "cuda": gpu & build,
        "cpu": 1,
        "openvino": openvino,
    }
    assert {own.engine: own.ready for own in found} == expected
    assert taken == next(engine for engine in ("tensorrt", "cuda", "cpu") if expected[engine])  # type: ignore[index]
    assert why.startswith("auto takes ")
    assert why.endswith(".")
    assert "\n" not in why
    missing = [own for own in found if not own.ready]
    assert all(own.what and own.mend for own in missing)
    for own in missing:
        if own.engine in ("tensorrt", "cuda") and taken == "cpu":
            assert own.what.rstrip(".") in why


def test_one_cause_is_told_once() -> None:
    assert survey(machine())[2] == "auto takes onnxruntime on the CPU: There is no NVIDIA driver here."


def test_the_cpu_build_beside_a_gpu_is_told_with_both_names() -> None:
    found = machine(GPU).look("cuda")
    assert "no CUDAExecutionProvider, only AzureExecutionProvider, CPUExecutionProvider" in found.what
    assert "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu[cuda,cudnn]'" in found.mend


def test_names_of_engines() -> None:
    assert set(get_args(EngineName)) == {"auto", *ENGINES}
    for name in get_args(EngineName):
        assert parse_engine(name) == name
    with pytest.raises(ConfigError, match=r"no engine 'gpu'\. Known are auto, tensorrt"):
        parse_engine("gpu")


@pytest.mark.parametrize(
    ("asked", "engine", "chosen"),
    [
        ("auto", "cpu", ""),
        ("auto", "openvino", ""),
        ("auto", "cuda", "fp16"),
        ("auto", "tensorrt", "fp16"),
        ("auto", "ort-tensorrt", "fp16"),
        ("fp32", "cuda", ""),
        ("", "cuda", ""),
        ("int8", "cpu", "int8"),
        ("fp16", "cpu", "fp16"),
    ],
)
def test_variants_by_rule_or_as_asked_for(asked: str, engine: Engine, chosen: str) -> None:
    assert choose_variant(asked, ("", "fp16", "int8"), engine) == chosen


@pytest.mark.parametrize("engine", ["tensorrt", "ort-tensorrt", "cuda"])
def test_int8_is_for_cpus(engine: Engine) -> None:
    with pytest.raises(EncoderError, match=f"quantised for CPUs, not for {engine}"):
        choose_variant("int8", ("", "int8"), engine)


def test_variants_that_the_bundle_has_not() -> None:
    assert choose_variant("auto", ("",), "cuda") == ""
    with pytest.raises(ConfigError, match=r"no encoder 'int8'\. It has fp32, fp16\."):
        choose_variant("int8", ("", "fp16"), "cpu")


# --- the driver


class Driver:
    """A driver's library with the functions of CUDA's that are asked, and codes that fail."""

    def __init__(self, *, count: int = 1, **codes: int) -> None:
        self.count = count
        self.codes = codes

    def __getattr__(self, name: str) -> Callable[..., int]:
        values = {"cuDeviceGetCount": self.count, "cuDeviceGet": 0, "cuDriverGetVersion": 12080}

        def call(*arguments: Any) -> int:
            if name == "cuDeviceGetName":
                arguments[0].value = b"NVIDIA Something"
            elif name == "cuDeviceGetAttribute":
                arguments[0]._obj.value = {75: 8, 76: 9}[arguments[1]]
            elif name in values:
                arguments[0]._obj.value = values[name]
            return self.codes.get(name, 0)

        return call


def test_the_gpu_of_a_driver() -> None:
    gpu = find_gpu(lambda name: Driver())
    assert gpu == Gpu("NVIDIA Something", (8, 9), (12, 8))
    assert str(gpu) == "NVIDIA Something (compute 8.9, CUDA 12.8)"


@pytest.mark.parametrize(
    ("driver", "what"),
    [
        (Driver(cuInit=100), "finds no GPU"),
        (Driver(count=0), "finds no GPU"),
        (Driver(cuInit=803), "cuInit says 803"),
        (Driver(cuDeviceGet=101), "cuDeviceGet says 101"),
        (Driver(cuDeviceGetName=999), "cuDeviceGetName says 999"),
        (Driver(cuDeviceGetAttribute=999), "cuDeviceGetAttribute says 999"),
    ],
)
def test_a_driver_without_a_gpu_that_answers(driver: Driver, what: str) -> None:
    with pytest.raises(EncoderError, match=f"{what}.*nvidia-smi"):
        find_gpu(lambda name: driver)


def test_no_driver() -> None:
    with pytest.raises(EncoderError, match=r"no NVIDIA driver here .*cuda.*--gpus all"):
        find_gpu(lambda name: ctypes.CDLL("/no/such/library.so"))


# --- loading


def crops() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 1), np.uint8)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "b")


@pytest.fixture
def two_graphs(tmp_path: Path) -> Bundle:
    """A bundle with an INT8 encoder besides."""
    files = make_files()
    (tmp_path / "fp32.onnx").write_bytes(files["encoder.onnx"])
    quantize_dynamic(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", weight_type=QuantType.QInt8)
    files["encoder.int8.onnx"] = (tmp_path / "int8.onnx").read_bytes()
    return write_bundle(tmp_path / "two", make_spec(), files)


def test_without_a_gpu_the_cpu_is_taken_and_it_is_no_warning(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "clef_rt"):
        encoder = load_encoder(bundle, machine=machine(), threads=1)
    assert encoder.description == "onnxruntime CPUExecutionProvider, fp32, 1 threads"
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert record.message == f"{encoder.description}: {survey(machine())[2]}"


def test_a_gpu_that_is_not_used_is_a_warning_with_the_mends(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    load_encoder(bundle, machine=machine(GPU), threads=1)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "TensorRT is not installed; This onnxruntime has no CUDAExecutionProvider" in record.message
    assert "pip install 'clef-rt[tensorrt]'" in record.message
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]'" in record.message


@pytest.mark.filterwarnings("ignore:Specified provider:UserWarning")
def test_auto_goes_on_where_an_engine_fails(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    """All libraries answer, and none works, as with a CUDA of another version."""
    if find_gpu_or_none() is not None:
        pytest.skip("here they do work")
    encoder = load_encoder(bundle, machine=machine(GPU, GPU_BUILD, "11.4", "13.5"), threads=1)
    assert encoder.description.startswith("onnxruntime CPU")
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "TensorRT fails: " in record.message
    assert "onnxruntime's CUDA provider fails: CUDAExecutionProvider was asked for" in record.message


def find_gpu_or_none() -> Gpu | None:
    try:
        return find_gpu()
    except EncoderError:
        return None


@pytest.mark.parametrize(
    ("engine", "there", "message"),
    [
        ("tensorrt", machine(), "engine tensorrt can't be had here. There is no NVIDIA driver here. Install it."),
        ("tensorrt", machine(GPU), r"TensorRT is not installed. Install it with: pip install 'clef-rt\[tensorrt\]'"),
        ("tensorrt", machine(GPU, tensorrt="11.4"), "cuda-python is not installed"),
        ("ort-tensorrt", machine(GPU), "no TensorrtExecutionProvider.*onnxruntime-gpu"),
        ("cuda", machine(GPU), "no CUDAExecutionProvider.*onnxruntime-gpu"),
        ("openvino", machine(), r"OpenVINO is not installed. Install it with: pip install 'clef-rt\[openvino\]'"),
    ],
)
def test_an_engine_that_was_asked_for_and_is_not_there_is_an_error(
    bundle: Bundle, engine: str, there: Machine, message: str
) -> None:
    with pytest.raises(EncoderError, match=message):
        load_encoder(bundle, engine, machine=there)


def test_an_engine_that_nobody_knows(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="no engine 'gpu'"):
        load_encoder(bundle, "gpu")


def test_variants_are_loaded_as_asked_for(two_graphs: Bundle) -> None:
    assert two_graphs.variants == ("", "int8")
    plain = load_encoder(two_graphs, "cpu", threads=1)
    int8 = load_encoder(two_graphs, "cpu", variant="int8", threads=1)
    assert "fp32" in plain.description
    assert "int8" in int8.description
    same = (plain.encode(crops()) * int8.encode(crops())).sum(axis=1)
    assert np.all(same > 0.99)
    assert np.any(same < 0.999999)  # it is another graph


@pytest.mark.parametrize("engine", ["auto", "cpu"])
def test_a_variant_that_the_bundle_has_not_is_an_error(bundle: Bundle, engine: str) -> None:
    with pytest.raises(ConfigError, match=r"no encoder 'int8'\. It has fp32\."):
        load_encoder(bundle, engine, variant="int8", machine=machine())


def test_load_and_stream_take_an_engine(bundle: Bundle, video: Path) -> None:
    analyzer = clef_rt.load(bundle.path, engine="cpu", variant="fp32", threads=1)
    assert analyzer.encoder.description == "onnxruntime CPUExecutionProvider, fp32, 1 threads"
    with pytest.raises(ConfigError, match="no engine 'gpu'"):
        clef_rt.load(bundle.path, engine="gpu")
    with pytest.raises(ConfigError, match="has its engine already"):
        clef_rt.stream(str(video), analyzer=analyzer, engine="cpu")
    with pytest.raises(ConfigError, match="no engine 'gpu'"):
        clef_rt.stream(str(video), engine="gpu")
    with clef_rt.stream(str(video), engine="cpu") as stream:
        assert stream.analyzer.encoder.description.startswith("onnxruntime CPU")
