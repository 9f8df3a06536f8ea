"""The encoder on onnxruntime: CPU anywhere, CUDA where the installed onnxruntime has it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.cores import usable_cores
from clef_rt.errors import EncoderError

__all__ = ["OnnxEncoder", "choose_providers"]

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
CUDA_HINT: Final = (
    "The GPU build of onnxruntime is its own package (`pip uninstall onnxruntime; pip install onnxruntime-gpu`) and "
    "needs matching CUDA and cuDNN libraries; `clef-rt doctor` shows what is there."
)
_log = logging.getLogger(__name__)


class OnnxEncoder:
    """Runs a bundle's graph: `faces` (n, S, S, C) uint8 in, `embeddings` (n, d) float32 out. Used by one thread.

    Loading runs two crops through it, so a graph that doesn't fit is refused here, and the first frame isn't slow.

    Attributes:
        provider: the execution provider that runs it.
        description: engine, provider and threads, for logs and `clef-rt doctor`.

    Args:
        model: the ONNX graph, its bytes or its path.
        size: side S of the crops, px.
        channels: C.
        embedding_dim: d.
        providers: onnxruntime's names, the one wanted first. None: CUDA where it works, else the CPU.
        threads: of one run; None for all cores that this process may use.
        spinning: let idle threads busy-wait. Off for live work: spinning is 3 ms faster alone, but beside another
            busy thread slower (28 for 22 ms), and doubles the CPU time. On for files.
        max_batch: the most crops in one run; larger batches go in pieces, so memory is bounded.

    Raises:
        EncoderError: the graph can't be loaded or isn't of these shapes, or a provider that was asked for isn't had.
    """

    def __init__(
        self,
        model: bytes | str | Path,
        *,
        size: int,
        channels: int,
        embedding_dim: int,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
        spinning: bool = False,
        max_batch: int = 32,
    ) -> None:
        if max_batch < 1 or (threads is not None and threads < 1):
            raise ValueError(f"max_batch and threads are at least 1; got {max_batch} and {threads}")
        threads = threads or usable_cores()
        self._crop = (size, size, channels)
        self._dim = embedding_dim
        self._max_batch = max_batch
        self._session = _session(model, choose_providers(providers), threads, spinning)
        self.provider = str(self._session.get_providers()[0])
        _check_provider(self.provider, providers)
        self._check_signature()
        self._check_run()
        self.description = f"onnxruntime {self.provider}" + (f", {threads} threads" if self.provider == CPU else "")

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `clef_rt.encode.Encoder.encode`.

        Raises:
            ValueError: the crops are of another shape or dtype.
            EncoderError: the engine fails.
        """
        if crops.dtype != np.uint8 or crops.shape[1:] != self._crop:
            raise ValueError(f"expected uint8 (n, {', '.join(map(str, self._crop))}), got {crops.dtype} {crops.shape}")
        if 0 < len(crops) <= self._max_batch:
            return self._run(crops)
        embeddings = np.empty((len(crops), self._dim), np.float32)
        for start in range(0, len(crops), self._max_batch):
            embeddings[start : start + self._max_batch] = self._run(crops[start : start + self._max_batch])
        return embeddings

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            result: NDArray[np.float32] = self._session.run(["embeddings"], {"faces": np.ascontiguousarray(crops)})[0]
        except Exception as error:  # onnxruntime's classes have no common base
            raise EncoderError(f"{self.provider} failed on {len(crops)} crops: {_first_line(error)}") from error
        return result

    def _check_signature(self) -> None:
        wanted = ("faces", "tensor(uint8)", self._crop, "embeddings", "tensor(float)", (self._dim,))
        ins, outs = self._session.get_inputs(), self._session.get_outputs()
        found = [(side.name, side.type, tuple(side.shape[1:])) for side in (*ins, *outs)]
        fixed = [side.name for side in (*ins, *outs) if side.shape and isinstance(side.shape[0], int)]
        if found != [wanted[:3], wanted[3:]] or fixed:
            batch = f", and {' and '.join(fixed)} of fixed batch" if fixed else ""
            raise EncoderError(
                f"The encoder's graph has {found}{batch}; the bundle says {[wanted[:3], wanted[3:]]}.",
                "Export the bundle again with `python -m export bundle`.",
            )

    def _check_run(self) -> None:
        ramp = np.linspace(0, 255, int(np.prod(self._crop))).astype(np.uint8).reshape(self._crop)
        crops = np.stack([ramp, 255 - ramp])
        out = self._run(crops)
        with np.errstate(all="ignore"):
            unit = out.shape == (2, self._dim) and bool(np.all(np.abs(np.linalg.norm(out, axis=1) - 1) < 1e-2))
        if not unit:  # NaN isn't either
            raise EncoderError(
                f"The encoder gives {out.shape} embeddings that aren't all of length 1.",
                "Export the bundle again with `python -m export bundle`.",
            )


def choose_providers(asked: Sequence[str] | None) -> list[str]:
    """The providers to try, in order.

    Args:
        asked: onnxruntime's names; None to choose.

    Raises:
        EncoderError: the installed onnxruntime doesn't have one that was asked for.
    """
    import onnxruntime as ort

    available = ort.get_available_providers()
    if asked is None:
        return [CUDA, CPU] if CUDA in available else [CPU]
    if not asked:
        raise EncoderError("No execution provider was given.", f"There are {', '.join(available)}.")
    if missing := [name for name in asked if name not in available]:
        hint = CUDA_HINT if CUDA in missing else ""
        what = f"This onnxruntime {ort.__version__} has no {', '.join(missing)}; it has {', '.join(available)}."
        raise EncoderError(what, hint)
    return list(asked)


def _check_provider(got: str, asked: Sequence[str] | None) -> None:
    # onnxruntime falls back to the CPU in silence where CUDA's libraries don't match (its issue 23372).
    if asked is not None and got != asked[0]:
        raise EncoderError(
            f"{asked[0]} was asked for, but onnxruntime runs {got}.", CUDA_HINT if "CUDA" in asked[0] else ""
        )
    if asked is None and got != choose_providers(None)[0]:
        _log.warning("onnxruntime has CUDA but can't use it: running on the CPU, much slower. %s", CUDA_HINT)


def _session(model: bytes | str | Path, providers: list[str], threads: int, spinning: bool) -> Any:
    import onnxruntime as ort

    # Given bytes, onnxruntime looks for weights kept in other files in the working directory, where no hash covers
    # them (1.20 to 1.31). Such a tensor has an entry of the key "location", its length 8 before it (in protobuf's
    # longer forms of 8, a 0).
    if isinstance(model, bytes) and (b"\x08location" in model or b"\x00location" in model):
        raise EncoderError("The encoder's graph keeps weights in other files.", "Export it with external_data=False.")
    options = ort.SessionOptions()
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    options.log_severity_level = 3  # errors; its warnings are about its own optimiser
    name = "its bytes" if isinstance(model, bytes) else str(model)
    try:
        return ort.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=providers)
    except Exception as error:  # onnxruntime's classes have no common base
        raise EncoderError(
            f"onnxruntime {ort.__version__} can't load the encoder from {name}: {_first_line(error)}",
            "A newer onnxruntime may; else export the bundle again with `python -m export bundle`.",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
