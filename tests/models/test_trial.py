"""A graph that asks for any memory, or never ends, is refused in a process of its own, and harms no other."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.write import write_bundle
from clef_rt.errors import BundleError
from clef_rt.models import trial as bundle_trial
from clef_rt.models.trial import try_bundle
from tests.rigs.bundles import encoder_onnx, make_bundle, make_files, make_spec

GIB = 1 << 30
Nodes = list[onnx.NodeProto]
Weights = list[onnx.TensorProto]


def numbers(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def giant_constant() -> tuple[Nodes, Weights]:
    """16 GiB of zeros from 16 bytes."""
    return [helper.make_node("ConstantOfShape", ["shape"], ["bomb"])], [numbers("shape", 1 << 16, 1 << 16)]


def doubling() -> tuple[Nodes, Weights]:
    """A tensor of 8 numbers, doubled 30 times: 32 GiB; no node of it is odd."""
    start = numpy_helper.from_array(np.ones((1, 8), np.float32), "step0")
    steps = [helper.make_node("Concat", [f"step{i}"] * 2, [f"step{i + 1}"], axis=0) for i in range(30)]
    return [*steps, helper.make_node("Identity", ["step30"], ["bomb"])], [start]


def outer_product() -> tuple[Nodes, Weights]:
    """16 GiB from two columns of 256 KiB, by broadcasting."""
    side = np.ones(1 << 16, np.float32)
    weights = [numpy_helper.from_array(side[:, None], "a"), numpy_helper.from_array(side[None], "b")]
    return [helper.make_node("Add", ["a", "b"], ["bomb"])], weights


def endless() -> tuple[Nodes, Weights]:
    """A loop of 2^60 turns."""
    whole = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Sin", ["x"], ["y"])],
        "body",
        [whole("turn", TensorProto.INT64, []), whole("go", TensorProto.BOOL, []), whole("x", TensorProto.FLOAT, None)],
        [whole("go_on", TensorProto.BOOL, []), whole("y", TensorProto.FLOAT, None)],
    )
    weights = [numpy_helper.from_array(np.array(1 << 60), "turns"), numpy_helper.from_array(np.array(True), "yes")]
    return [helper.make_node("Loop", ["turns", "yes", "raw"], ["bomb"], body=body)], weights


# In a process of its own, whose only child is the trial's.
TRIED = """
import contextlib, resource, sys
from clef_rt.bundle import load_bundle
from clef_rt.errors import BundleError
from clef_rt.models.trial import try_bundle
with contextlib.suppress(BundleError):
    try_bundle(load_bundle(sys.argv[1]), memory=1 << 30)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def armed(bomb: Callable[[], tuple[Nodes, Weights]]) -> bytes:
    """The tiny encoder with a bomb in it: the sum of its tensor, times 0, is added to the embedding."""
    model = onnx.load_from_string(encoder_onnx())
    nodes, weights = bomb()
    *before, last = model.graph.node
    nodes = [
        *nodes,
        helper.make_node("ReduceSum", ["bomb"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "nought"], ["nothing"]),
        helper.make_node("Add", ["raw", "nothing"], ["all"]),
        helper.make_node("LpNormalization", ["all"], [last.output[0]], axis=1, p=2),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*before, *nodes])
    model.graph.initializer.extend([*weights, numpy_helper.from_array(np.zeros((), np.float32), "nought")])
    return model.SerializeToString()


def bundle_with(folder: Path, graph: bytes, name: str = "encoder.onnx") -> Bundle:
    return write_bundle(folder, make_spec(), {**make_files(), name: graph})


def test_good_bundles_pass(tmp_path: Path) -> None:
    try_bundle(make_bundle(tmp_path / "tiny"))
    variants = {f"encoder.{name}.onnx": encoder_onnx() for name in ("fp16", "int8")}
    try_bundle(write_bundle(tmp_path / "more", make_spec(), {**make_files(), **variants}))


@pytest.mark.slow
def test_the_embedded_bundle_passes() -> None:
    try_bundle(load_bundle())


@pytest.mark.parametrize("bomb", [giant_constant, doubling, outer_product])
def test_a_graph_that_wants_all_memory_is_refused(tmp_path: Path, bomb: Callable[[], tuple[Nodes, Weights]]) -> None:
    bundle = bundle_with(tmp_path / "b", armed(bomb))
    assert bundle.size_of("encoder.onnx") < 600_000
    begun = time.monotonic()
    with pytest.raises(BundleError, match=r"allocate|bad_alloc|need more than") as caught:
        try_bundle(bundle, memory=GIB)
    assert str(bundle.path) in str(caught.value)
    assert "can't be tried" not in str(caught.value)
    assert time.monotonic() - begun < 60
    largest = subprocess.run([sys.executable, "-c", TRIED, bundle.path], stdout=subprocess.PIPE, timeout=90, check=True)
    assert 0 < int(largest.stdout) * 1024 < 1.1 * GIB


def test_a_graph_that_never_ends_is_stopped(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(BundleError, match="didn't end within 4 s"):
        try_bundle(bundle_with(tmp_path / "b", armed(endless)), seconds=4)
    assert time.monotonic() - begun < 10


def test_every_variant_is_tried(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path / "b", b"no graph", "encoder.int8.onnx")
    with pytest.raises(BundleError, match="can't load"):
        try_bundle(bundle)


def test_what_breaks_the_runtime_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_trial, "_CHILD", "import os; os.abort()")
    with pytest.raises(
        BundleError, match=r"graphs break onnxruntime, or need more than \d+ MiB \(was killed by signal 6"
    ):
        try_bundle(make_bundle(tmp_path / "tiny"))


def test_the_working_folder_is_not_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle(tmp_path / "tiny")
    (tmp_path / "json.py").write_text("raise SystemExit('evil')")
    (tmp_path / "numpy.py").write_text("raise SystemExit('evil')")
    monkeypatch.chdir(tmp_path)
    try_bundle(load_bundle("tiny"))


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(encoder_onnx())
    weights = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(weights, "../../etc/passwd")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    bundle = bundle_with(tmp_path / "b", model.SerializeToString())
    with pytest.raises(BundleError, match=r"encoder\.onnx keeps weights in other files"):
        bundle.encoder_bytes()
    with pytest.raises(BundleError, match="keeps weights in other files"):
        try_bundle(bundle)
