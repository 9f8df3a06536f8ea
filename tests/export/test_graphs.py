"""The graphs that are made of the traced one: float16 weights, float16, INT8."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from clef_rt.errors import EncoderError
from export.ends import find_ends
from export.fp16 import to_float16
from export.half import half_weights
from export.int8 import to_int8

Crops = NDArray[np.uint8]


@pytest.fixture(scope="module")
def int8(graph: bytes, heads: Crops) -> bytes:
    return to_int8(graph, heads[::2])


def embed(graph: bytes, crops: Crops) -> NDArray[np.float32]:
    session = ort.InferenceSession(graph, quiet(), providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(["embeddings"], {"faces": crops})[0]
    return found


def quiet(optimised: Path | None = None) -> ort.SessionOptions:
    """One thread, no warnings; and where onnxruntime writes what it makes of the graph."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    if optimised:
        options.optimized_model_filepath = str(optimised)
    return options


def tensors(graph: bytes) -> dict[str, NDArray[np.generic]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(graph).graph.initializer}


def kinds(graph: bytes) -> dict[str, int]:
    """The element type of every tensor, inferred."""
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(graph), strict_mode=True)
    return {
        info.name: info.type.tensor_type.elem_type
        for info in (*model.graph.value_info, *model.graph.input, *model.graph.output)
    }


def needed_nodes(graph: bytes) -> int:
    """How many nodes the output hangs on."""
    model = onnx.load_from_string(graph)
    wanted, found = {"embeddings"}, 0
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            found, wanted = found + 1, wanted | set(node.input)
    return found


def test_the_ends_are_what_stands_before_and_after_the_layers(graph: bytes) -> None:
    model = onnx.load_from_string(graph)
    ends = find_ends(model)
    kind = {node.name: node.op_type for node in model.graph.node}
    assert [kind[name] for name in ends.first] == ["Conv"]
    assert [kind[name] for name in ends.last] == ["Gemm"]
    assert Counter(kind[name] for name in ends.outer) == Counter(
        ["Shape", "Concat", "Cast", "Div", "Sub", "Div", "Transpose", "ReduceL2", "Clip", "Expand", "Div"]
    )


def test_float16_weights_compute_what_rounded_weights_compute(graph: bytes, heads: Crops) -> None:
    half = half_weights(graph)
    rounded = onnx.load_from_string(graph)
    for tensor in rounded.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size >= 1024:
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16).astype(np.float32), tensor.name))
    assert np.array_equal(embed(half, heads), embed(rounded.SerializeToString(), heads))
    assert not np.array_equal(embed(half, heads), embed(graph, heads))


def test_float16_weights_take_half_the_bytes_and_small_tensors_stay(graph: bytes) -> None:
    before, after = tensors(graph), tensors(half_weights(graph))
    large = {name for name, values in before.items() if values.size >= 1024}
    assert large == {"body.3.weight", "body.7.weight"}
    for name, values in before.items():
        kept = after[f"{name}.half"] if name in large else after[name]
        assert kept.dtype == (np.float16 if name in large else values.dtype)
        assert kept.shape == values.shape
    saved = 2 * sum(before[name].size for name in large)
    assert len(graph) - len(half_weights(graph)) == pytest.approx(saved, abs=400)


def test_onnxruntime_folds_the_casts_as_it_loads_the_graph(graph: bytes, tmp_path: Path) -> None:
    operators = {}
    for name, data in (("plain", graph), ("half", half_weights(graph))):
        ort.InferenceSession(data, quiet(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        optimised = onnx.load(tmp_path / f"{name}.onnx").graph
        operators[name] = [node.op_type for node in optimised.node]
        assert not any(tensor.data_type == TensorProto.FLOAT16 for tensor in optimised.initializer)
    assert operators["half"] == operators["plain"]


def test_a_weight_beyond_float16_is_named(graph: bytes) -> None:
    model = onnx.load_from_string(graph)
    (tensor,) = (each for each in model.graph.initializer if each.name == "body.3.weight")
    values = numpy_helper.to_array(tensor).copy()
    values[0, 0, 0, 0] = 1e5
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    with pytest.raises(EncoderError, match=r"body\.3\.weight has weights beyond float16.*--weights float32"):
        half_weights(model.SerializeToString())


def test_in_float16_the_layers_are_and_the_ends_are_not(graph: bytes) -> None:
    made = to_float16(graph)
    kind, types = {node.name: node for node in onnx.load_from_string(made).graph.node}, kinds(made)
    ends = find_ends(onnx.load_from_string(graph))
    for name, node in kind.items():
        if name in ends.outer and node.op_type not in ("Shape", "Concat"):
            assert types[node.output[0]] == TensorProto.FLOAT, name
        elif node.op_type in ("Conv", "Gemm", "Mul", "HardSwish", "AveragePool"):
            assert types[node.output[0]] == TensorProto.FLOAT16, name
    assert types["faces"] == TensorProto.UINT8
    assert types["embeddings"] == TensorProto.FLOAT
    assert {values.dtype.name for values in tensors(made).values() if values.size > 16} == {"float16"}


def test_float16_embeddings_are_near_and_of_length_1(graph: bytes, heads: Crops) -> None:
    expected, found = embed(graph, heads), embed(to_float16(graph), heads)
    assert 1e-6 < np.abs(found - expected).max() < 2e-3
    assert np.abs(np.linalg.norm(found.astype(np.float64), axis=1) - 1).max() < 1e-6  # float16 would be off by 1e-4


@pytest.mark.parametrize("convert", [half_weights, to_float16])
def test_no_node_is_dead(graph: bytes, convert: object) -> None:
    made = convert(graph)  # type: ignore[operator]
    assert needed_nodes(made) == len(onnx.load_from_string(made).graph.node)


def test_int8_has_weights_per_channel_of_7_bits_and_unsigned_activations(int8: bytes) -> None:
    model, values = onnx.load_from_string(int8), tensors(int8)
    assert values["body.3.weight_quantized"].dtype == np.int8
    assert values["body.3.weight_scale"].shape == (32,)
    assert np.abs(values["body.3.weight_quantized"].astype(int)).max() <= 64
    zeros = [values[node.input[2]].dtype for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert zeros
    assert set(zeros) == {np.dtype(np.uint8)}


def test_int8_leaves_the_first_and_last_layer_and_inner_sums_alone(graph: bytes, int8: bytes) -> None:
    values = tensors(int8)
    for name in ("body.0.weight", "body.7.weight"):
        assert np.array_equal(values[name], tensors(graph)[name])
    makers = {name: node for node in onnx.load_from_string(int8).graph.node for name in node.output}
    adds = [node for node in makers.values() if node.op_type == "Add"]
    assert adds  # GELU's, of a constant: quantised, it would no longer be a GELU that onnxruntime knows
    assert not any(makers[name].op_type == "DequantizeLinear" for node in adds for name in node.input if name in makers)


def test_int8_runs_the_middle_layer_in_int8(int8: bytes, tmp_path: Path) -> None:
    ort.InferenceSession(int8, quiet(tmp_path / "optimised.onnx"), providers=["CPUExecutionProvider"])
    operators = Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert operators["QLinearConv"] == 1


def test_int8_embeddings_are_near_on_faces_that_did_not_calibrate(graph: bytes, int8: bytes, heads: Crops) -> None:
    expected, found = embed(graph, heads[1::2]), embed(int8, heads[1::2])
    cosines = (expected * found).sum(axis=1)
    assert 0.999 < cosines.min() < 1 - 1e-7


def test_int8_ranges_are_those_of_the_crops(graph: bytes, heads: Crops) -> None:
    scales = [tensors(to_int8(graph, crops))["gelu_scale"] for crops in (heads[:32], heads[:32] // 8 + 100)]
    assert scales[0] > 1.3 * scales[1]


def test_the_same_crops_give_the_same_bytes(graph: bytes, int8: bytes, heads: Crops) -> None:
    assert to_int8(graph, heads[::2]) == int8
    assert to_float16(graph) == to_float16(graph)
    assert half_weights(graph) == half_weights(graph)


def test_int8_of_a_few_crops_is_refused(graph: bytes, heads: Crops) -> None:
    with pytest.raises(EncoderError, match=r"calibrated on 31 crops.*at least 32"):
        to_int8(graph, heads[:31])


def test_what_is_no_graph_is_an_error_of_ours(heads: Crops) -> None:
    with pytest.raises(EncoderError, match="can't be made float16"):
        to_float16(b"\x00\x01 no graph")
    with pytest.raises(EncoderError, match="can't be made INT8"):
        to_int8(b"\x00\x01 no graph", heads)


def test_nothing_is_left_behind(graph: bytes, heads: Crops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    to_int8(graph, heads[:32])
    assert list(tmp_path.iterdir()) == []
