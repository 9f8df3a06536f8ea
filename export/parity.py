"""Does the bundle score as the checkpoint does? Torch on the one side; onnxruntime and the label bank on the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle_spec import Groups
from clef_rt.encode import Encoder
from clef_rt.errors import BundleError
from clef_rt.labels import LabelBank

if TYPE_CHECKING:
    from export.checkpoint import ClefModel

__all__ = ["TOLERANCE", "Parity", "measure_parity"]

TOLERANCE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the bundle is from the checkpoint.

    Attributes:
        crops: how many were compared.
        embedding_max_abs: the largest difference of an embedding's component.
        cosine_min: the least cosine between the two embeddings of a crop.
        score_max_abs: the largest difference of a score.
        decisions: labels times crops, compared at the labels' thresholds.
        flips: those that differ; an expression counts where the strongest differs.
    """

    crops: int
    embedding_max_abs: float
    cosine_min: float
    score_max_abs: float
    decisions: int
    flips: int

    def as_dict(self) -> dict[str, float]:
        """For metrics and `parity.json`."""
        return asdict(self)

    def check(self, tolerance: float = TOLERANCE) -> None:
        """Raise BundleError where a difference exceeds the tolerance, or is NaN."""
        for name, value in (("embeddings", self.embedding_max_abs), ("scores", self.score_max_abs)):
            if not value <= tolerance:
                raise BundleError(
                    f"The ONNX graph's {name} differ from the checkpoint's by {value:.2g}, more than {tolerance:g}.",
                    "Nothing was written. A layer may not export as it computes; compare them one by one.",
                )


def measure_parity(
    model: ClefModel,
    encoder: Encoder,
    groups: Groups,
    embeddings: NDArray[np.float32],
    crops: NDArray[np.uint8],
) -> Parity:
    """Compare both sides on crops.

    Args:
        model: the checkpoint's.
        encoder: of the exported graph.
        groups: the labels as the bundle has them.
        embeddings: (rows, d) float32, the bundle's table.
        crops: (n, S, S, C) uint8.
    """
    import torch

    with torch.inference_mode():
        parts = [
            model.encode_image(torch.from_numpy(np.array(part))) for part in np.array_split(crops, -(-len(crops) // 32))
        ]
        expected = torch.cat(parts).float().cpu().numpy()
    actual = encoder.encode(crops)
    bank = LabelBank(groups, embeddings)
    scores, (au, expression) = bank.score(actual), _torch_scores(model, expected)
    differences = [np.abs(scores.au - au), np.abs(scores.expression - expression)]
    flips = int(((scores.au >= bank.au.thresholds) != (au >= bank.au.thresholds)).sum())
    if expression.shape[1]:
        flips += int((scores.expression.argmax(axis=1) != expression.argmax(axis=1)).sum())
    return Parity(
        crops=len(crops),
        embedding_max_abs=float(np.abs(actual - expected).max()),
        cosine_min=float(np.einsum("nd,nd->n", actual, expected).min()),
        score_max_abs=float(max(part.max() if part.size else 0 for part in differences)),
        decisions=len(crops) * (len(bank.au.names) + bool(bank.expression.names)),
        flips=flips,
    )


def _torch_scores(model: ClefModel, embeddings: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores straight from the model's own texts, in float64, not by way of the label bank."""
    import torch

    rows = model.label_rows()
    table = torch.nn.functional.normalize(rows.embeddings.detach().cpu().double(), dim=1)
    images = torch.from_numpy(embeddings).double()
    found, start = {}, 0
    for group in ("au", "expression"):
        logits = []
        for label in rows.groups.get(group, ()):
            direction = torch.nn.functional.normalize(table[start : start + len(label.prompts)].mean(dim=0), dim=0)
            logits.append(model.logit_scale(group) * (images @ direction) + label.bias)
            start += len(label.prompts)
        found[group] = torch.stack(logits, dim=1) if logits else torch.zeros(len(images), 0, dtype=torch.float64)
    return found["au"].sigmoid().numpy(), found["expression"].softmax(dim=1).numpy()
