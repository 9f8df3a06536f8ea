"""The graph in float16: what a GPU computes twice as fast with, at half the bytes."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final

from clef_rt.errors import EncoderError
from export.ends import find_ends

if TYPE_CHECKING:
    import onnx

__all__ = ["to_float16"]

WIDE: Final = ("LayerNormalization", "ReduceL2", "ReduceMean", "Softmax")
"""Operators that stay float32 wherever they stand: their sums overflow float16, or lose what is small."""


def to_float16(graph: bytes) -> bytes:
    """Convert a float32 graph; pixels are normalised and embeddings brought to length 1 in float32 still.

    Args:
        graph: an ONNX graph with its weights in it; `faces` uint8 in, `embeddings` float32 out.

    Returns:
        The graph, of the same inputs and outputs.

    Raises:
        EncoderError: the graph can't be converted.
    """
    import onnx
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    try:
        model = onnx.load_from_string(graph)
        model.graph.ClearField("value_info")  # inferred anew; those of weights would make the converter cast them
        model = convert_float_to_float16(
            model,
            keep_io_types=True,
            op_block_list=[*DEFAULT_OP_BLOCK_LIST, *WIDE],
            node_block_list=sorted(find_ends(model).outer),
        )
        _join_casts(model)
        _put_nodes(model, _in_order(_used(model)))
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # onnx and onnxruntime raise their own kinds
        first = (str(error).strip().splitlines() or [""])[0]
        raise EncoderError(f"The graph can't be made float16: {type(error).__name__}: {first}") from error
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _join_casts(model: onnx.ModelProto) -> None:
    """Between two float32 operators the converter casts to float16 and back, which rounds for nothing: skip both."""
    from onnx import TensorProto

    nodes, outputs = model.graph.node, {info.name for info in model.graph.output}
    down = {node.output[0]: node.input[0] for node in nodes if _casts(node, TensorProto.FLOAT16)}
    back = {
        node.output[0]: down[node.input[0]]
        for node in nodes
        if _casts(node, TensorProto.FLOAT) and node.input[0] in down
    }
    last = {wide: name for name, wide in back.items() if name in outputs}  # these keep their names
    for node in nodes:
        if node.output[0] in last.values():
            node.output[0] += "_unused"
    for node in nodes:
        node.output[:] = [last.get(name, name) for name in node.output]
        node.input[:] = [last.get(wide, wide) for wide in (back.get(name, name) for name in node.input)]


def _casts(node: onnx.NodeProto, kind: int) -> bool:
    return node.op_type == "Cast" and node.attribute[0].i == kind


def _used(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The nodes that the outputs need."""
    makers = {name: node for node in model.graph.node for name in node.output}
    wanted, found = [info.name for info in model.graph.output], set()
    while wanted:
        name = wanted.pop()
        if name in makers and name not in found:
            found |= set(makers[name].output)
            wanted += makers[name].input
    return [node for node in model.graph.node if found & set(node.output)]


def _in_order(nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Each after those that it needs: the converter appends its casts, but checker and TensorRT go by the order."""
    makers = {name: index for index, node in enumerate(nodes) for name in node.output}
    needs = {index: [makers[name] for name in node.input if name in makers] for index, node in enumerate(nodes)}
    return [nodes[index] for index in TopologicalSorter(needs).static_order()]


def _put_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    import onnx

    own = onnx.GraphProto()
    own.node.extend(nodes)  # copies: the next line empties what they are part of
    model.graph.ClearField("node")
    model.graph.ClearField("value_info")  # of tensors that are gone, some
    model.graph.node.extend(own.node)
