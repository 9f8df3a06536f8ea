"""The parity report: each graph against the checkpoint, as JSON for programs and as Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from export.parity import Parity
from export.tolerances import Tolerances

__all__ = ["GraphReport", "Report"]


@dataclass(frozen=True, slots=True)
class GraphReport:
    """What was measured of one graph.

    Attributes:
        file: its name in the bundle.
        size: bytes.
        parity: against the checkpoint.
        ms: a face, by batch size.
    """

    file: str
    size: int
    parity: Parity
    ms: Mapping[int, float]

    def as_dict(self) -> dict[str, float]:
        """The figures."""
        times = {f"ms_a_face_batch_{batch}": value for batch, value in self.ms.items()}
        return {**self.parity.as_dict(), "bytes": self.size, **times}

    def cells(self) -> dict[str, str]:
        """The figures in words, by what they are."""
        parity = self.parity
        cells = {
            "file": self.file,
            "size, MB": f"{self.size / 1e6:.2f}",
            "largest score difference": f"{parity.score_max_abs:.2g}",
            "mean score difference": f"{parity.score_mean_abs:.2g}",
            "rank agreement": _or_dash(parity.rank, "{:.4f}"),
            "same strongest expression": _or_dash(parity.top_same, "{:.1%}"),
            "decisions that differ": f"{parity.flips} of {parity.decisions}",
            "change of F1, points": _or_dash(parity.f1_change, "{:+.2f}", 100),
            "change of accuracy, points": _or_dash(parity.accuracy_change, "{:+.2f}", 100),
            "least cosine of embeddings": f"{parity.cosine_min:.6f}",
        }
        return cells | {f"ms a face, batch of {batch}": f"{value:.2f}" for batch, value in self.ms.items()}


@dataclass(frozen=True, slots=True)
class Report:
    """One export's.

    Attributes:
        model: name and version.
        opset: of ONNX.
        source: where the crops are from.
        crops: how many were compared.
        calibration: how many calibrated INT8; 0 without.
        engine: what ran the graphs.
        graphs: by kind; `encoder.onnx` first.
        tolerances: the limits that they were held to, by kind.
    """

    model: str
    opset: int
    source: str
    crops: int
    calibration: int
    engine: str
    graphs: Mapping[str, GraphReport]
    tolerances: Tolerances

    def figures(self) -> dict[str, Any]:
        """Numbers only, for the bundle's metrics."""
        return {
            "opset": self.opset,
            "crops": self.crops,
            "calibration_crops": self.calibration,
            "graphs": {kind: graph.as_dict() for kind, graph in self.graphs.items()},
        }

    def to_json(self) -> bytes:
        """`parity.json`."""
        limits = {kind: dict(self.tolerances[kind]) for kind in self.graphs}
        files = {kind: graph.file for kind, graph in self.graphs.items()}
        whole = {
            "model": self.model,
            "source": self.source,
            "engine": self.engine,
            **self.figures(),
            "files": files,
            "tolerances": limits,
        }
        return json.dumps(whole, indent=1).encode() + b"\n"

    def to_markdown(self) -> str:
        """`parity.md`."""
        rows = {kind: graph.cells() for kind, graph in self.graphs.items()}
        heads = list(next(iter(rows.values())))
        calibrated = f" INT8 was calibrated on {self.calibration} others." if self.calibration else ""
        lines = [
            f"# {self.model}: bundle against checkpoint",
            "",
            f"Scores of {self.crops} crops ({self.source}) by each graph, held against torch's.{calibrated} "
            f"ONNX opset {self.opset}; {self.engine}.",
            "",
            f"| | {' | '.join(rows)} |",
            "| --- |" + " ---: |" * len(rows),
            *(f"| {head} | {' | '.join(own[head] for own in rows.values())} |" for head in heads),
            "",
            "Differences are of scores, 0–1, over all crops and labels. Rank agreement is Spearman's correlation over "
            "the crops, averaged over the labels. F1 is the mean of the labelled Action Units' at the bundle's "
            "thresholds; its change and accuracy's are in points of 100, graph less checkpoint. Times are the "
            "least of several runs on the machine that exported.",
            "",
            "Limits, above which the export fails:",
            "",
            *(f"- {kind}: {_limits(self.tolerances[kind])}" for kind in rows),
        ]
        return "\n".join(lines) + "\n"


def _limits(limits: Mapping[str, float]) -> str:
    return ", ".join(f"{figure.replace('_', ' ')} ≤ {limit:g}" for figure, limit in limits.items())


def _or_dash(value: float | None, form: str, scale: float = 1) -> str:
    return "–" if value is None else form.format(value * scale)
