"""Tiny but real bundles: a linear encoder of 16 px crops as ONNX, and random prompts."""

from __future__ import annotations

import functools
from datetime import date
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from clef_rt.align import face_template
from clef_rt.bundle import Bundle
from clef_rt.bundle.spec import BundleSpec, ExclusiveGroup, Groups, IndependentGroup, InputSpec, Label
from clef_rt.bundle.write import write_bundle

SIZE = 16
DIM = 8


def unit_rows(rows: int, dim: int = DIM, seed: int = 0) -> NDArray[np.float32]:
    """Random rows of length 1."""
    table = np.random.default_rng(seed).standard_normal((rows, dim))
    return (table / np.linalg.norm(table, axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def encoder_onnx(
    *, size: int = SIZE, dim: int = DIM, batch: int | str = "n", unit: bool = True, output: str = "embeddings"
) -> bytes:
    """A graph that flattens, multiplies and (where `unit`) normalises."""
    pixels = size * size
    weights = np.random.default_rng(1).standard_normal((pixels, dim)).astype(np.float32) / size
    last = [helper.make_node("LpNormalization", ["raw"], [output], axis=1, p=2)]
    nodes = [
        helper.make_node("Cast", ["faces"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["raw"]),
        *(last if unit else [helper.make_node("Identity", ["raw"], [output])]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, [batch, size, size, 1])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, dim])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_groups(zero_shot: tuple[str, ...] = ("wink",)) -> Groups:
    """Two Action Units, of two and one prompts, three expressions, and labels added by text."""
    return Groups(
        au=IndependentGroup(
            logit_scale=12.5,
            labels=(
                Label(name="AU01", text="inner brow raiser", prompts=("the inner brows rise", "a brow"), rows=(0, 1)),
                Label(
                    name="AU12_L", text="lip corner", prompts=("a smile",), rows=(2,), bias=-1.5, threshold=0.25,
                    experimental=True,
                ),
            ),
        ),
        expression=ExclusiveGroup(
            logit_scale=20.0,
            labels=tuple(
                Label(name=name, text=name, prompts=(f"a face of {name}",), rows=(3 + i,))
                for i, name in enumerate(("neutral", "happiness", "sadness"))
            ),
        ),
        zero_shot=IndependentGroup(
            logit_scale=12.5,
            labels=tuple(
                Label(name=name, text=name, prompts=(name,), rows=(6 + i,)) for i, name in enumerate(zero_shot)
            ),
        )
        if zero_shot
        else None,
    )  # fmt: skip


def make_spec(groups: Groups | None = None) -> BundleSpec:
    """The description that fits `encoder_onnx` and `make_groups`."""
    return BundleSpec(
        name="tiny.test",
        version="1.0.0",
        created=date(2026, 1, 2),
        licence="Apache-2.0",
        provenance={"data": ["random numbers"], "teacher": "none"},
        input=InputSpec(
            size=SIZE,
            channels=1,
            color="gray",
            template=tuple((float(x), float(y)) for x, y in face_template(SIZE).points),  # type: ignore[arg-type]
            mean=(0.5,),
            std=(0.25,),
        ),
        embedding_dim=DIM,
        groups=groups or make_groups(),
        metrics={"test": {"f1": {"AU01": 0.5}}, "faces": 3},
    )


def make_files(table: NDArray[np.float32] | None = None) -> dict[str, bytes]:
    """The files that go with `make_spec`."""
    return {
        "encoder.onnx": encoder_onnx(),
        "labels.safetensors": save({"embeddings": unit_rows(10) if table is None else table}),
        "MODEL_CARD.md": b"# tiny\n",
    }


def make_bundle(folder: Path) -> Bundle:
    """Write a whole valid bundle."""
    return write_bundle(folder, make_spec(), make_files())
