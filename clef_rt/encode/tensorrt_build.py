"""TensorRT's own work: engines built of ONNX graphs, and started; its errors as errors of ours."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from clef_rt.encode.batches import Profile
from clef_rt.encode.checks import AGAIN
from clef_rt.encode.engine_cache import EngineCache
from clef_rt.encode.engine_key import timing_key
from clef_rt.encode.gpu import Gpu
from clef_rt.errors import EncoderError, MissingExtra

__all__ = ["OLDEST", "TensorRt", "import_tensorrt"]

OLDEST: Final = (10, 12)
WORKSPACE: Final = 1 << 30  # bytes that a layer may use while it is tried out and run
MEND: Final = "Install it anew: pip install --force-reinstall 'clef-rt[tensorrt]'"
_log = logging.getLogger(__name__)


class TensorRt:
    """TensorRT's logger and runtime, and what is done with them: building and starting engines."""

    def __init__(self, trt: Any) -> None:
        self._trt = trt
        self._words: deque[str] = deque(maxlen=3)
        self._logger = _logger(trt, self._words)
        self._runtime: Any = None

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Make errors of TensorRT's into ours."""
        try:
            yield
        except (TypeError, ValueError, RuntimeError) as error:  # TypeError: `trt.Builder` where CUDA doesn't start
            raise EncoderError(f"TensorRT failed: {error}.", self.last_words()) from error

    def last_words(self) -> str:
        """TensorRT's last errors."""
        return " ".join(self._words)

    def start(self, plan: bytes) -> Any:
        """An engine of its bytes; None if they are of another version or GPU, or no engine."""
        if self._runtime is None:
            self._runtime = self._trt.Runtime(self._logger)
        return self._runtime.deserialize_cuda_engine(plan)

    def build(self, model: bytes, profile: Profile, crop: tuple[int, int, int], cache: EngineCache, gpu: Gpu) -> bytes:
        """An engine's bytes. Takes a minute or more, less with a timing cache.

        Raises:
            EncoderError: TensorRT makes nothing of the graph.
        """
        trt = self._trt
        _log.warning("TensorRT %s builds an engine for %s, once; this takes minutes.", trt.__version__, gpu.name)
        builder = trt.Builder(self._logger)
        strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)  # 11 knows nothing else
        network = builder.create_network(0 if strongly_typed is None else 1 << int(strongly_typed))
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(model):
            reasons = "; ".join(str(parser.get_error(index).desc()) for index in range(parser.num_errors))
            raise EncoderError(f"TensorRT {trt.__version__} can't read the encoder's graph: {reasons}.", AGAIN)
        _ask_shapes_of_floats(trt, network)

        config = builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
        shapes = builder.create_optimization_profile()
        shapes.set_shape("faces", *profile.shapes(crop))
        config.add_optimization_profile(shapes)
        timing = timing_key(gpu, str(trt.__version__))
        _set_timing_cache(config, cache.load(timing))
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise EncoderError(f"TensorRT {trt.__version__} can't build the encoder.", self.last_words())
        if (measured := config.get_timing_cache()) is not None:
            cache.store(timing, bytes(measured.serialize()))
        return bytes(plan)


def import_tensorrt() -> Any:
    """TensorRT's module.

    Raises:
        MissingExtra: it isn't installed.
        EncoderError: its libraries don't load, or it is too old.
    """
    try:
        import tensorrt as trt
    except ModuleNotFoundError as error:
        raise MissingExtra("TensorRT", "tensorrt") from error
    except ImportError as error:  # its bindings without its libraries
        raise EncoderError(f"TensorRT can't be loaded: {error}.", MEND) from error
    version = str(getattr(trt, "__version__", "0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EncoderError(f"TensorRT {version} is too old; {oldest} is the oldest that will do.", MEND)
    return trt


def _logger(trt: Any, words: deque[str]) -> Any:
    """TensorRT's logger: its errors go to `words`, its warnings as well to Python's logging, for whoever debugs."""
    errors = (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR)

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            if severity in errors:
                words.append(msg.strip()[:300])
            if severity in errors or severity == trt.ILogger.Severity.WARNING:
                _log.debug("TensorRT: %s", msg)

    return Logger()


def _set_timing_cache(config: Any, kept: bytes | None) -> None:
    """Start from what was measured before, or from nothing where that is of another GPU or version."""
    if kept is not None and config.set_timing_cache(config.create_timing_cache(kept), False):
        return
    config.set_timing_cache(config.create_timing_cache(b""), False)


def _ask_shapes_of_floats(trt: Any, network: Any) -> None:
    """Let layers that ask for the shape of the uint8 input ask for that of its cast instead.

    TensorRT 10 documents uint8 for casts alone. The normalisation at a graph's end asks for the number of faces.
    """
    faces = network.get_input(0)
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    readers = [layer for layer in layers if layer.num_inputs and getattr(layer.get_input(0), "name", "") == faces.name]
    casts = [layer for layer in readers if layer.type == trt.LayerType.CAST]
    for layer in readers:
        if casts and layer.type == trt.LayerType.SHAPE:
            layer.set_input(0, casts[0].get_output(0))
