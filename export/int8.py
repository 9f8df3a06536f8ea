"""The graph in INT8 for CPUs, by onnxruntime's static quantisation: QDQ, weights per channel, ranges of real crops.

Activations are unsigned, with a zero point: so that onnxruntime folds a ReLU into the convolution before it. With
symmetric signed ones, which TensorRT asks for, it computes most of the network in float32, as slowly as before;
TensorRT takes the float16 graph instead. Weights have 7 bits: with 8, sums of two products overflow 16 bits on
processors without VNNI, and scores are wrong there. The layers that see pixels and those that give embeddings stay
float32: they are a few percent of the work.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import EncoderError
from export.ends import find_ends

if TYPE_CHECKING:
    import onnx

__all__ = ["to_int8"]

OPERATORS: Final = ("Conv", "Gemm", "MatMul", "Add", "Relu")
OPTIONS: Final = {
    "WeightSymmetric": True,
    "MatMulConstBOnly": True,
    # Ranges are a running mean of each batch's least and greatest: one odd face doesn't make everyone's coarse.
    "CalibMovingAverage": True,
    "CalibMovingAverageConstant": 0.1,
}
BATCH: Final = 16
LEAST: Final = 32
"""Crops: of fewer, one odd face sets the ranges."""


def to_int8(graph: bytes, crops: NDArray[np.uint8]) -> bytes:
    """Quantise a float32 graph.

    Args:
        graph: an ONNX graph with its weights in it; `faces` uint8 in, `embeddings` float32 out.
        crops: (n, S, S, C) uint8, real faces; on them the ranges are seen.

    Returns:
        The graph, of the same inputs and outputs.

    Raises:
        EncoderError: the graph can't be quantised, or there are fewer than 32 crops.
    """
    if len(crops) < LEAST:
        raise EncoderError(f"INT8 is calibrated on {len(crops)} crops.", f"Give at least {LEAST}, of many people.")
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    try:
        model = onnx.shape_inference.infer_shapes(onnx.load_from_string(graph))
        ends = find_ends(model)
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "int8.onnx"
            with _quiet():
                quantize_static(
                    model,
                    target,
                    _Reader(crops),
                    quant_format=QuantFormat.QDQ,
                    op_types_to_quantize=list(OPERATORS),
                    per_channel=True,
                    reduce_range=True,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                    nodes_to_exclude=sorted(ends.outer | ends.first | ends.last | _shifts(model)),
                    calibrate_method=CalibrationMethod.MinMax,
                    extra_options=dict(OPTIONS),
                )
            model = onnx.load(target)
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # onnx and onnxruntime raise their own kinds
        first = (str(error).strip().splitlines() or [""])[0]
        raise EncoderError(f"The graph can't be made INT8: {type(error).__name__}: {first}") from error
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _shifts(model: onnx.ModelProto) -> set[str]:
    """Additions of a constant, which are parts of other operators (biases, GELU); those of two tensors join paths."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return {node.name for node in model.graph.node if node.op_type == "Add" and constants & set(node.input)}


class _Reader:
    """The crops batch by batch, as onnxruntime's calibration asks for them."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(np.array_split(crops, -(-len(crops) // BATCH)))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"faces": np.ascontiguousarray(batch)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without onnxruntime's advice, by the root logger, on steps that are done."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
