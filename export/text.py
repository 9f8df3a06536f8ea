"""The text side of a bundle: the learned projection as ONNX, and how sentences are made and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.label_spec import TextSpec
from clef_rt.bundle.spec import TEXT
from clef_rt.errors import BundleError
from clef_rt.text.projection import Projection
from export.checkpoint import ClefModel, TextSide, text_side_of
from export.half import half_weights
from export.kinds import Weights
from export.onnx import export_text_onnx

__all__ = ["TextPart", "export_text"]

TOLERANCE: Final = 1e-5
ROUNDED: Final = 5e-4  # with float16 weights; half of what the runtime allows the probe


@dataclass(frozen=True, slots=True)
class TextPart:
    """What a bundle has of the text side.

    Attributes:
        spec: for `bundle.json`; None where the labels aren't texts, so that none can be added.
        table: (rows, d) float32: the labels' embeddings, and the probe's.
        files: `text.onnx`, unless the tower was tuned: then only the checkpoint can embed sentences.
    """

    spec: TextSpec | None
    table: NDArray[np.float32]
    files: dict[str, bytes]


def export_text(model: ClefModel, table: NDArray[np.float32], weights: Weights = "float32") -> TextPart:
    """Export a model's text side.

    Args:
        model: the checkpoint's.
        table: (rows, d) float32, the labels' embeddings.
        weights: how `text.onnx` keeps its weights.

    Raises:
        BundleError: the graph doesn't embed as the checkpoint does.
        EncoderError: the projection can't be exported.
        MissingExtra: onnx or onnxscript isn't installed.
    """
    import torch

    side = text_side_of(model)
    if side is None:
        return TextPart(None, table, {})
    with torch.inference_mode():
        probe = side.module(side.probe_features).double().numpy()
    # Of a model that compares with names, the probe is a label's own row already.
    near = np.abs(table - probe).max(axis=1) < TOLERANCE
    row = int(near.argmax()) if near.any() else len(table)
    if row == len(table):
        table = np.concatenate([table, probe / np.linalg.norm(probe)]).astype(np.float32)
    spec = TextSpec(
        tower=side.tower,
        tuned=side.tuned,
        features=side.features,
        template=side.template,
        probe=side.probe,
        probe_row=row,
    )
    return TextPart(spec, table, {} if side.tuned else {TEXT: _graph(side, table.shape[1], weights)})


def _graph(side: TextSide, dim: int, weights: Weights) -> bytes:
    """The projection as ONNX, compared with the module on features of all directions and on those that it has seen."""
    import torch

    graph = export_text_onnx(side.module, side.features)
    if weights == "float16":
        graph = half_weights(graph)
    features = torch.randn(65, side.features, generator=torch.Generator().manual_seed(0))
    features = torch.cat([side.probe_features, torch.nn.functional.normalize(features, dim=1)]).float()
    with torch.inference_mode():
        expected = side.module(features).numpy()
    difference = float(np.abs(Projection(graph, side.features, dim, "the export")(features.numpy()) - expected).max())
    if not difference <= (ROUNDED if weights == "float16" else TOLERANCE):
        raise BundleError(f"{TEXT} embeds texts otherwise than the checkpoint does, by {difference:.2g}.")
    return graph
