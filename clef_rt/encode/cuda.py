"""CUDA through cuda-python: memory, a stream and graphs, with its error codes as errors of ours."""

from __future__ import annotations

import contextlib
import ctypes
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from clef_rt.errors import EncoderError, MissingExtra

__all__ = ["Cuda", "import_cuda"]


class Cuda:
    """One stream, and all that is allocated through this object; freed with it, or by `close`. Used by one thread.

    Attributes:
        stream: CUDA's handle, as a number.

    Raises:
        MissingExtra: cuda-python isn't installed.
        EncoderError: CUDA doesn't work here.
    """

    def __init__(self) -> None:
        self._runtime = runtime = import_cuda()
        self._frees: list[tuple[str, Any]] = []
        self.close = weakref.finalize(self, _free, runtime, self._frees)
        # Not the default stream, with which TensorRT would wait for the whole device.
        self._stream = self._call("cudaStreamCreateWithFlags", runtime.cudaStreamNonBlocking)
        self._frees.append(("cudaStreamDestroy", self._stream))
        self.stream = int(self._stream)

    def device_memory(self, nbytes: int) -> int:
        """The address of memory on the GPU; at least a byte."""
        address = int(self._call("cudaMalloc", max(1, nbytes)))
        self._frees.append(("cudaFree", address))
        return address

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros in memory that the GPU reads and writes by itself. Not to be used after `close`."""
        nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = int(self._call("cudaMallocHost", nbytes))
        self._frees.append(("cudaFreeHost", address))
        memory = (ctypes.c_uint8 * nbytes).from_address(address)
        array: NDArray[Any] = np.ctypeslib.as_array(memory).view(dtype).reshape(shape)
        array[:] = 0
        return array

    def to_device(self, address: int, array: NDArray[Any]) -> None:
        """Have a pinned, contiguous array copied to the GPU, in the stream's order."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, array.ctypes.data, array.nbytes, kind, self._stream)

    def to_host(self, array: NDArray[Any], address: int) -> None:
        """Likewise from the GPU."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", array.ctypes.data, address, array.nbytes, kind, self._stream)

    def wait(self) -> None:
        """Wait until all that is in the stream is done."""
        self._call("cudaStreamSynchronize", self._stream)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record work on the stream as a graph.

        Args:
            work: puts its commands on the stream, waits for nothing, allocates nothing.

        Returns:
            Puts all of it on the stream at once.

        Raises:
            EncoderError: the work can't be recorded.
        """
        # Thread-local: what other threads do with CUDA meanwhile doesn't spoil the recording.
        mode = self._runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", self._stream, mode)
        try:
            work()
        except BaseException:
            with contextlib.suppress(EncoderError):
                self._call("cudaStreamEndCapture", self._stream)
            raise
        graph = self._call("cudaStreamEndCapture", self._stream)
        try:
            executable = self._call("cudaGraphInstantiate", graph, 0)
        finally:
            self._call("cudaGraphDestroy", graph)
        self._frees.append(("cudaGraphExecDestroy", executable))
        return lambda: self._call("cudaGraphLaunch", executable, self._stream)

    def _call(self, function: str, *arguments: Any) -> Any:
        """Call one of CUDA's functions; what it gives besides its error code.

        Raises:
            EncoderError: the code isn't that of success.
        """
        code, *results = getattr(self._runtime, function)(*arguments)
        if code != self._runtime.cudaError_t.cudaSuccess:
            _, text = self._runtime.cudaGetErrorString(code)
            raise EncoderError(f"CUDA: {function}: {text.decode(errors='replace')} ({code.name}).", _mend(code.name))
        return results[0] if results else None


def import_cuda() -> Any:
    """cuda-python's `cuda.bindings.runtime`.

    Raises:
        MissingExtra: it isn't installed.
    """
    try:
        from cuda.bindings import runtime
    except ImportError as error:
        raise MissingExtra("cuda-python", "tensorrt") from error
    return runtime


def _mend(code: str) -> str:
    return {
        "cudaErrorMemoryAllocation": "Close other programs that use the GPU, or lower the number of faces.",
        "cudaErrorInsufficientDriver": "The driver is older than cuda-python: update it, or take the cuda-python of "
        "its version (`nvidia-smi` shows it), such as: pip install 'cuda-bindings<13'",
        "cudaErrorNoDevice": "`nvidia-smi` shows whether the driver sees a GPU.",
    }.get(code, "")


def _free(runtime: Any, frees: list[tuple[str, Any]]) -> None:
    while frees:  # the newest first: graphs before the memory that they use, the stream last
        function, thing = frees.pop()
        getattr(runtime, function)(thing)  # at the end there is nobody to tell an error to
