"""Bundles that labels can be added to: the tiny ones, with a real projection of texts as ONNX."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from clef_rt.bundle import Bundle
from clef_rt.bundle.spec import BundleSpec, Groups, TextSpec
from clef_rt.bundle.write import write_bundle
from clef_rt.text import TextTower
from clef_rt.text.projection import Projection
from tests.rigs.bundles import DIM, encoder_onnx, make_files, make_groups, make_spec, unit_rows

TEMPLATE = "a photo of a person with {}"
PROBE = "a photo of a person with a smile"
FEATURES = 6


class SpellingTower:
    """Sentences as numbers drawn from their letters: the same sentence, the same numbers."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        seeds = [int.from_bytes(hashlib.sha256(sentence.encode()).digest()[:8], "big") for sentence in sentences]
        rows = [np.random.default_rng(seed).standard_normal(FEATURES) for seed in seeds]
        return np.array(rows, np.float32).reshape(-1, FEATURES)


def text_onnx(features: int = FEATURES, dim: int = DIM, *, unit: bool = True, output: str = "embeddings") -> bytes:
    """A graph that multiplies and (where `unit`) normalises."""
    weights = np.random.default_rng(2).standard_normal((features, dim)).astype(np.float32)
    if unit:
        last = helper.make_node("LpNormalization", ["raw"], [output], axis=1, p=2)
    else:
        last = helper.make_node("Identity", ["raw"], [output])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "weights"], ["raw"]), last],
        "text",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", dim])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def text_parts(
    tower: TextTower, features: int = FEATURES, groups: Groups | None = None, dim: int = DIM, /, **changed: object
) -> tuple[BundleSpec, dict[str, bytes]]:
    """What `write_bundle` takes, for a bundle whose text tower is `tower`.

    Args:
        tower: gives the probe's features.
        features: how many numbers it gives.
        groups: the labels; their rows are among the first ten.
        dim: of the embeddings.
        changed: fields of `TextSpec`.
    """
    graph = text_onnx(features, dim)
    probe = Projection(graph, features, dim, "rig")(tower.encode([PROBE]))
    given = {"tower": "minilm", "features": features, "template": TEMPLATE, "probe": PROBE, "probe_row": 10} | changed
    more = {"text": TextSpec.model_validate(given), "embedding_dim": dim}
    spec = make_spec(groups or make_groups(zero_shot=())).model_copy(update=more)
    table = np.concatenate([unit_rows(10, dim), probe])
    return spec, make_files(table) | {"text.onnx": graph, "encoder.onnx": encoder_onnx(dim=dim)}


def make_text_bundle(
    folder: Path,
    tower: TextTower | None = None,
    features: int = FEATURES,
    groups: Groups | None = None,
    dim: int = DIM,
) -> Bundle:
    """Write one; by default for `SpellingTower`."""
    return write_bundle(folder, *text_parts(tower or SpellingTower(), features, groups, dim))
