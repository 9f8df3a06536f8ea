"""The graphs of a bundle: the encoder as it was traced, and what else is made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.spec import ENCODER
from clef_rt.errors import ConfigError
from export.fp16 import to_float16
from export.half import half_weights
from export.int8 import to_int8
from export.kinds import Variant, Weights

__all__ = ["Graph", "calibration_source", "make_graphs"]


@dataclass(frozen=True, slots=True)
class Graph:
    """One of the bundle's graphs.

    Attributes:
        kind: float32, float16-weights, fp16 or int8, as the report and the tolerances call it.
        file: its name in the bundle.
        data: ONNX.
    """

    kind: str
    file: str
    data: bytes


def calibration_source(variants: Sequence[Variant], calibrate: Path | None, crops: Path | None) -> Path | None:
    """Where the crops are that INT8 is calibrated on; None where it isn't wanted.

    Args:
        variants: what is wanted besides `encoder.onnx`.
        calibrate: as it was given.
        crops: those to compare on; real faces too.

    Raises:
        ConfigError: INT8 is wanted without crops, or they are given without it.
    """
    if Variant.INT8 not in variants:
        if calibrate is not None:
            raise ConfigError("Only INT8 is calibrated.", "Add --variant int8, or leave --calibrate out.")
        return None
    if calibrate is None and crops is None:
        raise ConfigError(
            "INT8 is calibrated on real faces, and none were given.",
            "Give --calibrate: a prepared folder, an .npy file of aligned crops, or a folder of images of such.",
        )
    return calibrate or crops


def make_graphs(
    traced: bytes,
    weights: Weights,
    variants: Sequence[Variant],
    calibration: NDArray[np.uint8] | None,
    say: Callable[[str], None],
) -> list[Graph]:
    """Make all graphs of a bundle.

    Args:
        traced: the encoder, float32.
        weights: how `encoder.onnx` keeps them; it computes in float32 either way.
        variants: what else is wanted.
        calibration: (n, S, S, C) uint8, real crops; INT8 needs them.
        say: told what is being done, a line each.

    Returns:
        `encoder.onnx` first.

    Raises:
        EncoderError: a graph can't be made.
    """
    main = Graph("float32", ENCODER, traced)
    if weights == "float16":
        main = Graph("float16-weights", ENCODER, half_weights(traced))
    graphs = [main]
    for variant in dict.fromkeys(variants):
        if variant is Variant.FP16:
            say("converting to float16")
            made = to_float16(traced)
        else:
            assert calibration is not None
            say(f"quantising to INT8, calibrated on {len(calibration)} crops")
            made = to_int8(traced, calibration)
        graphs.append(Graph(variant.value, f"encoder.{variant}.onnx", made))
    return graphs
