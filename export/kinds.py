"""The kinds of graphs that a bundle may hold, as the command line names them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

__all__ = ["Variant", "Weights"]


class Variant(StrEnum):
    """Graphs besides `encoder.onnx`: `encoder.fp16.onnx`, `encoder.int8.onnx`."""

    FP16 = "fp16"
    INT8 = "int8"


Weights: TypeAlias = Literal["float32", "float16"]
"""How `encoder.onnx` keeps its weights."""
