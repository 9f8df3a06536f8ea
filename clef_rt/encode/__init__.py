"""Encoders: aligned face crops in, unit embeddings out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import EncoderError, MissingExtra

if TYPE_CHECKING:
    from clef_rt.bundle import Bundle
    from clef_rt.encode.choice import Machine
    from clef_rt.encode.engine_cache import EngineCache

__all__ = ["Encoder", "load_encoder"]

_log = logging.getLogger(__name__)


class Encoder(Protocol):
    """Turns crops into embeddings. Used by one thread.

    Attributes:
        description: the engine, the precision and what else matters, for logs and `clef-rt doctor`
            ("onnxruntime CPUExecutionProvider, fp32, 2 threads").
    """

    description: str

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed a batch of crops of any size n ≥ 0.

        Args:
            crops: (n, S, S, C) uint8, as `clef_rt.align` makes them; C is 1 (luminance) or 3 (RGB), by the bundle.

        Returns:
            (n, d) float32, each row of length 1.
        """
        ...


def load_encoder(
    bundle: Bundle,
    engine: str = "auto",
    *,
    variant: str = "auto",
    threads: int | None = None,
    spinning: bool = False,
    max_batch: int = 32,
    machine: Machine | None = None,
    cache: EngineCache | None = None,
) -> Encoder:
    """Make the engine for a bundle's encoder. The choice is made here, once, and logged; `description` tells it.

    Args:
        bundle: the loaded bundle.
        engine: `tensorrt`, `ort-tensorrt` (onnxruntime's TensorRT provider), `cuda`, `cpu` (both onnxruntime's) or
            `openvino`. `auto` takes the first of TensorRT, CUDA and the CPU that can be had.
        variant: which of the bundle's graphs: `fp32`, or as in `Bundle.variants`. `auto` is `fp16` on a GPU, where the
            bundle has it, else `fp32`.
        threads: of one run on the CPU; None for all cores that this process may use.
        spinning: let onnxruntime's idle threads busy-wait; for files, not for live work.
        max_batch: the most crops in one run.
        machine: what is asked for libraries and devices; by default this machine.
        cache: where TensorRT's engines are kept; by default in the user's cache folder.

    Raises:
        ConfigError: there is no such engine or variant.
        EncoderError: the engine that was asked for can't be had, or doesn't run the bundle's graph.
        MissingExtra: it isn't installed.
    """
    from clef_rt.encode.choice import AUTO_ORDER, WHAT, Found, Machine, explain, parse_engine
    from clef_rt.encode.engine_cache import EngineCache
    from clef_rt.encode.make import Wanted

    asked = parse_engine(engine)
    machine, cache = machine or Machine(), cache or EngineCache()
    wanted = Wanted(bundle, variant, threads, spinning, max_batch, machine.gpu, cache)
    if asked != "auto":
        found = machine.look(asked)
        if not found.ready:
            raise EncoderError(f"The engine {asked} can't be had here. {found.what}", found.mend)
        return wanted.on(asked)
    passed: list[Found] = []
    failed = False
    for candidate in AUTO_ORDER:
        found = machine.look(candidate)
        if found.ready or candidate == "cpu":
            try:
                encoder = wanted.on(candidate)
            except (EncoderError, MissingExtra) as error:
                if candidate == "cpu":
                    raise
                failed = True
                found = Found(candidate, False, f"{WHAT[candidate]} fails: {error.what}", error.hint)
            else:
                wasted = failed or (candidate == "cpu" and machine.has_gpu())
                mends = " ".join(dict.fromkeys(own.mend for own in passed if own.mend)) if wasted else ""
                why = f"{encoder.description}: {explain(candidate, passed)} {mends}".rstrip()
                _log.log(logging.WARNING if wasted else logging.INFO, "%s", why)
                return encoder
        passed.append(found)
    raise AssertionError("the CPU is tried last, and works or raises")
