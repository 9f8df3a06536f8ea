"""The encoder on TensorRT (10.12 and up, 11): built from the bundle's graph on this machine, kept, run as CUDA graphs.

Networks are strongly typed: each tensor has the type that it has in the graph, so the precision is the graph's own
(`encoder.onnx`, `encoder.fp16.onnx`) and the builder chooses none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef_rt.encode.batches import Profile, encode_in_runs
from clef_rt.encode.checks import check_crops, check_signature, check_unit, refuse_outside_weights
from clef_rt.encode.cuda import Cuda
from clef_rt.encode.engine_cache import EngineCache, load_or_build
from clef_rt.encode.engine_key import engine_key
from clef_rt.encode.gpu import Gpu
from clef_rt.encode.tensorrt_build import TensorRt, import_tensorrt
from clef_rt.errors import EncoderError

__all__ = ["TensorRtEncoder"]

_log = logging.getLogger(__name__)


class TensorRtEncoder:
    """Runs a bundle's graph on an NVIDIA GPU. Used by one thread.

    Faces are copied into pinned memory; then one CUDA graph for each batch size takes them to the GPU, runs the engine
    and brings the embeddings back. All memory is taken here, once.

    Attributes:
        description: version, GPU and precision, for logs and `clef-rt doctor`.

    Args:
        model: the ONNX graph.
        size: side S of the crops, px.
        channels: C.
        embedding_dim: d.
        precision: of the graph: "fp32", "fp16".
        gpu: the one that runs it.
        cache: where engines are kept.
        max_batch: the most crops in one run.

    Raises:
        MissingExtra: TensorRT or cuda-python isn't installed.
        EncoderError: TensorRT or CUDA don't work here, or make nothing of the graph.
    """

    def __init__(
        self,
        model: bytes,
        *,
        size: int,
        channels: int,
        embedding_dim: int,
        precision: str,
        gpu: Gpu,
        cache: EngineCache,
        max_batch: int = 32,
    ) -> None:
        refuse_outside_weights(model)
        trt = import_tensorrt()
        version = str(trt.__version__)
        self._cuda = Cuda()
        self._crop = (size, size, channels)
        self._dim = embedding_dim
        self._profile = profile = Profile.up_to(max_batch)
        self._trt = TensorRt(trt)  # kept, as TensorRT asks that its logger and runtime outlive the engine
        key = engine_key(model, precision=precision, profile=profile, gpu=gpu, tensorrt=version, crop=self._crop)
        with self._trt.errors():
            self._engine = load_or_build(
                cache,
                key,
                build=lambda: self._trt.build(model, profile, self._crop, cache, gpu),
                start=self._trt.start,
            )
            self._check_signature(trt)
            self._take_memory(trt)
        check_unit(self.encode, self._crop)
        self.description = f"TensorRT {version} on {gpu.name}, {precision}"

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `clef_rt.encode.Encoder.encode`.

        Raises:
            ValueError: the crops are of another shape or dtype.
            EncoderError: the engine fails.
        """
        check_crops(crops, self._crop)
        return encode_in_runs(crops, self._profile, self._dim, self._run)

    def _run(self, crops: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
        self._faces[: len(crops)] = crops
        self._launches[size]()
        self._cuda.wait()
        return self._embeddings[:size]

    def _check_signature(self, trt: Any) -> None:
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        names.sort(key=lambda name: self._engine.get_tensor_mode(name) != trt.TensorIOMode.INPUT)
        dtypes = {trt.DataType.UINT8: "uint8", trt.DataType.FLOAT: "float32"}
        found = []
        for name in names:
            dtype = self._engine.get_tensor_dtype(name)
            found.append((name, dtypes.get(dtype, str(dtype)), tuple(self._engine.get_tensor_shape(name))))
        check_signature(found, self._crop, self._dim)

    def _take_memory(self, trt: Any) -> None:
        most = self._profile.most
        self._faces: NDArray[np.uint8] = self._cuda.pinned((most, *self._crop), np.uint8)
        self._embeddings: NDArray[np.float32] = self._cuda.pinned((most, self._dim), np.float32)
        inputs = self._cuda.device_memory(self._faces.nbytes)
        outputs = self._cuda.device_memory(self._embeddings.nbytes)
        # One run follows the other, so all contexts can work in the same memory.
        nbytes = int(self._engine.device_memory_size_v2)
        scratch = self._cuda.device_memory(nbytes)
        self._contexts = []  # a graph is of one context with one shape, and needs it alive
        self._launches: dict[int, Callable[[], object]] = {}
        for size in self._profile.sizes:
            context = self._engine.create_execution_context(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
            if context is None:
                raise EncoderError("TensorRT can't make an execution context.", self._trt.last_words())
            context.set_device_memory(scratch, nbytes)
            fits = context.set_input_shape("faces", (size, *self._crop))
            fits = context.set_tensor_address("faces", inputs) and fits
            fits = context.set_tensor_address("embeddings", outputs) and fits
            if not fits:
                raise EncoderError(f"TensorRT refuses a batch of {size} crops.", self._trt.last_words())
            self._contexts.append(context)
            self._launches[size] = self._record(context, size, inputs, outputs)

    def _record(self, context: Any, size: int, inputs: int, outputs: int) -> Callable[[], object]:
        def work() -> None:
            self._cuda.to_device(inputs, self._faces[:size])
            if not context.execute_async_v3(self._cuda.stream):
                raise EncoderError(f"TensorRT failed on {size} crops.", self._trt.last_words())
            self._cuda.to_host(self._embeddings[:size], outputs)

        # The first run of a shape sets things up that can't be recorded.
        work()
        self._cuda.wait()
        try:
            return self._cuda.capture(work)
        except EncoderError as error:
            _log.warning("No CUDA graph for batches of %d, which run without one, slower. %s", size, error)
            return work
