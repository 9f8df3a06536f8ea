"""The encoder on onnxruntime: on the CPU, by its CUDA provider, or by its TensorRT provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clef_rt.cores import usable_cores
from clef_rt.encode.batches import Profile, encode_in_runs
from clef_rt.encode.bound import BoundSession
from clef_rt.encode.checks import AGAIN, check_crops, check_signature, check_unit, first_line, refuse_outside_weights
from clef_rt.errors import EncoderError

__all__ = ["ON_CPU", "ON_CUDA", "OnnxEncoder", "Place", "on_tensorrt"]

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
TENSORRT: Final = "TensorrtExecutionProvider"
MEND: Final = (
    "Its CUDA and cuDNN libraries have to match this onnxruntime: `pip install 'onnxruntime-gpu[cuda,cudnn]'` brings "
    "them; `clef-rt doctor` shows what is there."
)

Options: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where onnxruntime runs a graph.

    Attributes:
        providers: its execution providers with their options: the wanted one, then those that take what it can't do.
        device: where input and output lie.
    """

    providers: Sequence[tuple[str, Options]]
    device: str

    @property
    def provider(self) -> str:
        """The wanted one."""
        return self.providers[0][0]


_CUDA_OPTIONS: Final = {"device_id": "0", "arena_extend_strategy": "kSameAsRequested"}
ON_CPU: Final = Place([(CPU, {})], "cpu")
ON_CUDA: Final = Place([(CUDA, _CUDA_OPTIONS), (CPU, {})], "cuda")


def on_tensorrt(folder: Path, precision: str, crop: tuple[int, int, int], profile: Profile) -> Place:
    """TensorRT as onnxruntime drives it; CUDA takes what TensorRT can't do.

    Args:
        folder: for its engine and timing cache; of this graph, GPU and version alone, since onnxruntime's names for
            the files don't tell weights apart.
        precision: "fp32" or "fp16": what the graph holds. Up to TensorRT 10 onnxruntime has to be told.
        crop: (S, S, C).
        profile: the batch sizes.
    """
    least, best, most = ("faces:" + "x".join(map(str, shape)) for shape in profile.shapes(crop))
    options = {
        "device_id": "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_profile_min_shapes": least,
        "trt_profile_opt_shapes": best,
        "trt_profile_max_shapes": most,
        "trt_fp16_enable": str(int(precision == "fp16")),
    }
    return Place([(TENSORRT, options), *ON_CUDA.providers], "cuda")


class OnnxEncoder:
    """Runs a bundle's graph: `faces` (n, S, S, C) uint8 in, `embeddings` (n, d) float32 out. Used by one thread.

    Loading runs two crops through it, so a graph that doesn't fit is refused here, and the first frame isn't slow.

    Attributes:
        description: provider, precision and threads, for logs and `clef-rt doctor`.

    Args:
        model: the ONNX graph, its bytes or its path.
        size: side S of the crops, px.
        channels: C.
        embedding_dim: d.
        place: where it runs.
        precision: of the graph, for the description; empty where it isn't told.
        threads: of one run on the CPU; None for all cores that this process may use.
        spinning: let idle threads busy-wait. Off for live work: spinning is 3 ms faster alone, but beside another
            busy thread slower (28 for 22 ms), and doubles the CPU time. On for files.
        max_batch: the most crops in one run; larger batches go in pieces, so memory is bounded.

    Raises:
        EncoderError: the graph can't be loaded or isn't of these shapes, or isn't run where it should be.
    """

    def __init__(
        self,
        model: bytes | str | Path,
        *,
        size: int,
        channels: int,
        embedding_dim: int,
        place: Place = ON_CPU,
        precision: str = "",
        threads: int | None = None,
        spinning: bool = False,
        max_batch: int = 32,
    ) -> None:
        if max_batch < 1 or (threads is not None and threads < 1):
            raise ValueError(f"max_batch and threads are at least 1; got {max_batch} and {threads}")
        threads = threads or usable_cores()
        self._crop = (size, size, channels)
        self._dim = embedding_dim
        self._profile = Profile.up_to(max_batch)
        self._session = _session(model, place, threads, spinning)
        self._provider = self._check_provider(place)
        self._check_signature()
        self._bound = None if place.device == "cpu" else self._bind(place.device)
        check_unit(self.encode, self._crop)
        parts = [f"onnxruntime {self._provider}", precision, f"{threads} threads" if place.device == "cpu" else ""]
        self.description = ", ".join(part for part in parts if part)

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `clef_rt.encode.Encoder.encode`.

        Raises:
            ValueError: the crops are of another shape or dtype.
            EncoderError: the engine fails.
        """
        check_crops(crops, self._crop)
        run = self._run if self._bound is None else self._bound.run
        try:
            return encode_in_runs(crops, self._profile, self._dim, run)
        except Exception as error:  # onnxruntime's classes have no common base
            raise EncoderError(f"{self._provider} failed on {len(crops)} crops: {first_line(error)}") from error

    def _run(self, crops: NDArray[np.uint8], size: int) -> NDArray[np.float32]:  # unpadded: any size will do
        result: NDArray[np.float32] = self._session.run(["embeddings"], {"faces": np.ascontiguousarray(crops)})[0]
        return result

    def _bind(self, device: str) -> BoundSession:
        try:
            return BoundSession(self._session, device, self._crop, self._dim, self._profile)
        except Exception as error:  # onnxruntime's classes have no common base
            raise EncoderError(f"{self._provider} can't run the encoder: {first_line(error)}", MEND) from error

    def _check_provider(self, place: Place) -> str:
        # onnxruntime falls back to the CPU in silence where CUDA's libraries don't match (its issue 23372).
        got = str(self._session.get_providers()[0])
        if got != place.provider:
            raise EncoderError(f"{place.provider} was asked for, but onnxruntime runs {got}.", MEND)
        return got

    def _check_signature(self) -> None:
        sides = (*self._session.get_inputs(), *self._session.get_outputs())
        dtypes = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}
        found = [(side.name, dtypes.get(side.type, str(side.type)), tuple(side.shape)) for side in sides]
        check_signature(found, self._crop, self._dim)


def _session(model: bytes | str | Path, place: Place, threads: int, spinning: bool) -> Any:
    import onnxruntime as ort

    if isinstance(model, bytes):
        refuse_outside_weights(model)
    options = ort.SessionOptions()
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    options.log_severity_level = 3  # errors; its warnings are about its own optimiser
    if place.device == "cuda" and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # from 1.21 on: CUDA and cuDNN as pip installs them, where the system has none
    name = "its bytes" if isinstance(model, bytes) else str(model)
    try:
        return ort.InferenceSession(
            model if isinstance(model, bytes) else str(model),
            options,
            providers=[(provider, dict(own)) for provider, own in place.providers],
            enable_fallback=0,  # which would print to stdout, and take the CPU
        )
    except Exception as error:  # onnxruntime's classes have no common base
        raise EncoderError(
            f"onnxruntime {ort.__version__} can't load the encoder from {name}: {first_line(error)}",
            f"A newer onnxruntime may; else: {AGAIN}" if place.device == "cpu" else MEND,
        ) from error
