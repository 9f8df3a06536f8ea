"""Each graph of a bundle run by onnxruntime on the CPU, and held against the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.spec import BundleSpec
from clef_rt.encode.onnx import OnnxEncoder
from clef_rt.labels import LabelBank
from export.crops import Crops
from export.parity import Reference, compare, differences
from export.report import GraphReport
from export.timing import time_encoder
from export.variants import Graph

__all__ = ["Measured", "measure_graphs"]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured of all graphs.

    Attributes:
        engine: what ran them.
        graphs: the figures, by the graph's kind.
        differences: (n, A + E) float64, by how much each score differs, likewise.
    """

    engine: str
    graphs: dict[str, GraphReport]
    differences: dict[str, NDArray[np.float64]]


def measure_graphs(
    graphs: Sequence[Graph], spec: BundleSpec, reference: Reference, bank: LabelBank, crops: Crops
) -> Measured:
    """Run the crops through every graph.

    Args:
        graphs: those of the bundle.
        spec: what they take and give.
        reference: what the checkpoint makes of the crops.
        bank: the labels as the bundle has them.
        crops: what is compared on.

    Raises:
        EncoderError: onnxruntime can't run a graph.
    """
    import onnxruntime

    reports, apart, engine = {}, {}, ""
    for graph in graphs:
        encoder = OnnxEncoder(
            graph.data,
            size=spec.input.size,
            channels=spec.input.channels,
            embedding_dim=spec.embedding_dim,
            max_batch=9,  # odd, so that two batch sizes are compared
        )
        engine = encoder.description.replace("onnxruntime", f"onnxruntime {onnxruntime.__version__}", 1)
        embeddings = encoder.encode(crops.faces)
        parity = compare(reference, embeddings, bank, crops)
        times = time_encoder(encoder, crops.faces)
        reports[graph.kind] = GraphReport(graph.file, len(graph.data), parity, times)
        apart[graph.kind] = differences(reference, embeddings, bank)
    return Measured(engine, reports, apart)
