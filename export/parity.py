"""Does a graph score as the checkpoint does? Torch on the one side; onnxruntime and the label bank on the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clef_rt.labels import LabelBank
from export.agreement import mean_f1, right, spearman

if TYPE_CHECKING:
    from export.checkpoint import ClefModel
    from export.crops import Crops

__all__ = ["Parity", "Reference", "compare", "differences", "refer"]


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What the checkpoint makes of n crops, in torch.

    Attributes:
        embeddings: (n, d) float32.
        aus: (n, A) float64, 0–1.
        expressions: (n, E) float64, rows sum to 1.
    """

    embeddings: NDArray[np.float32]
    aus: NDArray[np.float64]
    expressions: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far a graph is from the checkpoint.

    Attributes:
        embedding_max_abs: the largest difference of an embedding's component.
        cosine_min: the least cosine between the two embeddings of a crop.
        score_max_abs: the largest difference of a score.
        score_mean_abs: the mean difference, over crops and labels.
        rank: Spearman's correlation over the crops, averaged over the labels; None where no score varies.
        top_same: share of crops with the same strongest expression; None without expressions.
        decisions: labels times crops, compared at the labels' thresholds.
        flips: those that differ; an expression counts where the strongest differs.
        f1_change: of the labelled Action Units' mean F1 at the bundle's thresholds, graph less checkpoint, 0–1; None
            where no crop is labelled.
        accuracy_change: of the expressions', likewise.
    """

    embedding_max_abs: float
    cosine_min: float
    score_max_abs: float
    score_mean_abs: float
    rank: float | None
    top_same: float | None
    decisions: int
    flips: int
    f1_change: float | None
    accuracy_change: float | None

    @property
    def flipped(self) -> float:
        """Share of decisions that differ, 0–1."""
        return self.flips / self.decisions

    @property
    def f1_drop(self) -> float | None:
        """What F1 lost, 0–1."""
        return None if self.f1_change is None else -self.f1_change

    @property
    def accuracy_drop(self) -> float | None:
        """What accuracy lost, 0–1."""
        return None if self.accuracy_change is None else -self.accuracy_change

    def as_dict(self) -> dict[str, float]:
        """For metrics and `parity.json`; without what isn't known."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def refer(model: ClefModel, crops: NDArray[np.uint8]) -> Reference:
    """Score (n, S, S, C) uint8 crops by torch, not by way of the label bank: from the model's own texts, in float64."""
    import torch

    with torch.inference_mode():
        parts = [
            model.encode_image(torch.from_numpy(np.array(part))) for part in np.array_split(crops, -(-len(crops) // 32))
        ]
        embeddings = torch.cat(parts).float().cpu()
    rows = model.label_rows()
    table = torch.nn.functional.normalize(rows.embeddings.detach().cpu().double(), dim=1)
    found, start = {}, 0
    for group in ("au", "expression"):
        logits = []
        for label in rows.groups.get(group, ()):
            direction = torch.nn.functional.normalize(table[start : start + len(label.prompts)].mean(dim=0), dim=0)
            logits.append(model.logit_scale(group) * (embeddings.double() @ direction) + label.bias)
            start += len(label.prompts)
        found[group] = torch.stack(logits, dim=1) if logits else torch.zeros(len(crops), 0, dtype=torch.float64)
    return Reference(embeddings.numpy(), found["au"].sigmoid().numpy(), found["expression"].softmax(dim=1).numpy())


def compare(reference: Reference, embeddings: NDArray[np.float32], bank: LabelBank, crops: Crops) -> Parity:
    """Hold a graph against the checkpoint.

    Args:
        reference: what the checkpoint makes of the crops.
        embeddings: (n, d) float32, what the graph makes of them.
        bank: the labels as the bundle has them.
        crops: the crops, for what is known of them.
    """
    scores = bank.score(embeddings)
    levels = bank.au.thresholds
    flips = int(((scores.au >= levels) != (reference.aus >= levels)).sum())
    top_same = None
    if bank.expression.names:
        same = scores.expression.argmax(axis=1) == reference.expressions.argmax(axis=1)
        flips, top_same = flips + int((~same).sum()), float(same.mean())
    apart = differences(reference, embeddings, bank)
    return Parity(
        embedding_max_abs=float(np.abs(embeddings - reference.embeddings).max()),
        cosine_min=float(np.einsum("nd,nd->n", embeddings, reference.embeddings).min()),
        score_max_abs=float(apart.max()),
        score_mean_abs=float(apart.mean()),
        rank=spearman(np.hstack([scores.au, scores.expression]), np.hstack([reference.aus, reference.expressions])),
        top_same=top_same,
        decisions=len(embeddings) * (len(bank.au.names) + bool(bank.expression.names)),
        flips=flips,
        f1_change=_change(mean_f1(scores.au, crops.aus, levels), mean_f1(reference.aus, crops.aus, levels)),
        accuracy_change=_change(right(scores.expression, crops.votes), right(reference.expressions, crops.votes)),
    )


def differences(reference: Reference, embeddings: NDArray[np.float32], bank: LabelBank) -> NDArray[np.float64]:
    """(n, A + E) float64: by how much each score differs, 0–1."""
    scores = bank.score(embeddings)
    return np.hstack([np.abs(scores.au - reference.aus), np.abs(scores.expression - reference.expressions)])


def _change(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs
