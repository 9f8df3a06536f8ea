"""Weights kept as float16 in the file, computed with as float32: half the bytes, the same speed.

Each large initialiser becomes a float16 one and a Cast to float32. onnxruntime folds such casts as it loads the graph,
so what it then runs is the float32 graph with rounded weights.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from clef_rt.errors import EncoderError

__all__ = ["half_weights"]

SMALL: Final = 1024
"""Tensors of fewer numbers stay float32: biases and norms, which weigh nothing and are added to every face."""


def half_weights(graph: bytes) -> bytes:
    """Round a graph's large float32 initialisers to float16.

    Args:
        graph: an ONNX graph with its weights in it.

    Returns:
        The graph, of the same inputs and outputs. Its initialisers' names gain `.half`.

    Raises:
        EncoderError: a weight is beyond float16's range.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(graph)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALL:
            continue
        name = tensor.name
        with np.errstate(over="ignore"):
            rounded = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(rounded).all():
            raise EncoderError(f"{name} has weights beyond float16's range.", "Export with --weights float32.")
        tensor.CopyFrom(numpy_helper.from_array(rounded, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data
