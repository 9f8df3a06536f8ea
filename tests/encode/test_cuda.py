"""onnxruntime's CUDA provider on a real GPU, and cuda-python where there is none."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder
from clef_rt.encode.choice import Machine
from clef_rt.encode.cuda import Cuda
from clef_rt.errors import EncoderError
from tests.rigs.gpu import assert_alike, crops, skip_unless


@pytest.mark.gpu
def test_cuda_scores_as_the_cpu_does() -> None:
    skip_unless("cuda")
    bundle = load_bundle()
    encoder = load_encoder(bundle, "cuda", variant="fp32")
    assert encoder.description == "onnxruntime CUDAExecutionProvider, fp32"
    assert_alike(bundle, encoder, cosine=0.9999, score=0.02)  # TF32 multiplies with 10 bits


@pytest.mark.gpu
def test_results_are_not_overwritten_by_the_next() -> None:
    skip_unless("cuda")
    bundle = load_bundle()
    encoder = load_encoder(bundle, "cuda")
    first = encoder.encode(crops(bundle, 4))
    kept = first.copy()
    encoder.encode(255 - crops(bundle, 4))
    assert np.array_equal(first, kept)


@pytest.mark.gpu
def test_memory_comes_back_zeroed_and_goes_there_and_back() -> None:
    skip_unless("tensorrt")
    cuda = Cuda()
    there, back = cuda.pinned((1000,), np.uint8), cuda.pinned((1000,), np.uint8)
    address = cuda.device_memory(1000)
    assert not there.any()

    def copy() -> None:
        cuda.to_device(address, there)
        cuda.to_host(back, address)

    there[:] = 7
    copy()
    cuda.wait()
    assert np.all(back == 7)
    replay = cuda.capture(copy)
    for value in (8, 9):
        there[:] = value
        replay()
        cuda.wait()
        assert np.all(back == value)
    cuda.close()
    cuda.close()


@pytest.mark.gpu
def test_work_that_can_not_be_recorded_is_an_error_and_the_stream_goes_on() -> None:
    skip_unless("tensorrt")
    cuda = Cuda()
    with pytest.raises(EncoderError):
        cuda.capture(cuda.wait)  # waiting can't be recorded
    cuda.wait()


def test_cuda_without_a_gpu_is_an_error_of_ours() -> None:
    pytest.importorskip("cuda.bindings.runtime", reason="cuda-python isn't installed")
    if Machine().has_gpu():
        pytest.skip("there is a GPU")
    with pytest.raises(EncoderError, match=r"CUDA: cudaStreamCreateWithFlags: .+\(cudaError\w+\)\."):
        Cuda()
    gc.collect()  # what a half-made one leaves is freed without a word
