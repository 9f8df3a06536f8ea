"""How good a model is: expressions by FERPlus' votes, Action Units by proxies, thresholds from the validation split.

No figure here is accuracy against human FACS coding: there is no openly licensed set of it. The proxies are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_f1_score,
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
)

from training.data import Examples
from training.faces import Faces
from training.model import ClefModel

__all__ = [
    "EMFACS",
    "Predictions",
    "au_agreement",
    "best_thresholds",
    "embed_all",
    "emotion_proxy",
    "expression_figures",
    "predict",
    "quick_figures",
]

EMFACS: Final[dict[str, tuple[str, ...]]] = {
    "happiness": ("AU06", "AU12"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
    "sadness": ("AU01", "AU04", "AU15"),
    "anger": ("AU04", "AU05", "AU07", "AU24"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20"),
    "disgust": ("AU09", "AU10", "AU17"),
}
"""Which Action Units an emotion's prototype has (Ekman & Friesen's EMFACS, as it is commonly tabled)."""

_FEWEST: Final = 8  # of either kind: with fewer faces, an AUC says nothing


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Scores of n faces: `aus` (n, k) and `expressions` (n, e) float32, 0–1."""

    aus: NDArray[np.float32]
    expressions: NDArray[np.float32]


def embed_all(model: ClefModel, faces: NDArray[np.uint8] | Faces, batch: int = 256) -> Tensor:
    """Embed all faces, (n, d) float32, in batches; the model is left as it was."""
    training, device = model.training, next(model.parameters()).device
    model.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(faces), batch):
            parts.append(model.encode_image(torch.from_numpy(faces[start : start + batch]).to(device)))
    model.train(training)
    return torch.cat(parts) if parts else torch.zeros(0, model.config.embed_dim, device=device)


def predict(model: ClefModel, faces: NDArray[np.uint8] | Faces) -> Predictions:
    """Score faces, in float32, as the runtime does."""
    z = embed_all(model, faces)
    with torch.no_grad():
        return Predictions(
            model.logits(z, "au").sigmoid().cpu().numpy(), model.logits(z, "expression").softmax(dim=1).cpu().numpy()
        )


def expression_figures(scores: NDArray[np.float32], votes: NDArray[np.float32], names: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro F1, recalls, and the confusion matrix (by true, then by scored expression).

    The truth is the commonest vote; rows without votes are left out.

    Args:
        scores: (n, e).
        votes: (n, e); NaN where unknown.
        names: of the e expressions.
    """
    known = np.isfinite(votes).all(axis=1)
    ours, truth = torch.from_numpy(scores[known].argmax(1)), torch.from_numpy(votes[known].argmax(1))
    classes = scores.shape[1]
    confusion = multiclass_confusion_matrix(ours, truth, classes)
    recall = confusion.diag() / confusion.sum(dim=1).clamp(min=1)
    return {
        "faces": int(known.sum()),
        "accuracy": float(multiclass_accuracy(ours, truth, classes, average="micro")),
        "macro_f1": float(multiclass_f1_score(ours, truth, classes, average="macro")),
        "recall": dict(zip(names, recall.tolist(), strict=True)),
        "confusion": {
            label: dict(zip(names, counts, strict=True))
            for label, counts in zip(names, confusion.tolist(), strict=True)
        },
    }


def emotion_proxy(examples: Examples, aus: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    """AUC by emotion and Action Unit: faces of that word against faces called neutral.

    Args:
        examples: faces with an emotion word each, as their activity.
        aus: (n, k) scores in the order of `examples.au_names`; NaN where there is none.
    """
    found: dict[str, dict[str, float]] = {}
    for emotion, names in EMFACS.items():
        for name in names:
            if name not in examples.au_names:
                continue
            scores = aus[:, examples.au_names.index(name)]
            rows = np.isin(examples.activities, (emotion, "neutral")) & np.isfinite(scores)
            auc = _auc(scores[rows], examples.activities[rows] == emotion)
            if auc is not None:
                found.setdefault(emotion, {})[name] = auc
    return found


def au_agreement(examples: Examples, aus: NDArray[np.float32]) -> dict[str, dict[str, float]]:
    """Agreement with the teacher by Action Unit: AUC against its label ≥ 0.5, and Pearson's r with its probability.

    Args:
        examples: faces labelled by the teacher.
        aus: (n, k) scores in the order of `examples.au_names`.
    """
    found: dict[str, dict[str, float]] = {}
    for column, name in enumerate(examples.au_names):
        known = np.isfinite(examples.aus[:, column])
        truth, scores = examples.aus[known, column], aus[known, column]
        auc = _auc(scores, truth >= 0.5)
        if auc is not None:
            found[name] = {
                "auc": auc,
                "r": float(np.corrcoef(truth, scores)[0, 1]),
                "present": float((truth >= 0.5).mean()),
            }
    return found


def best_thresholds(examples: Examples, aus: NDArray[np.float32]) -> dict[str, float]:
    """For each Action Unit the threshold with the best F1 against the teacher. Only ever give validation faces."""
    found = {}
    grid = np.round(np.arange(0.05, 0.96, 0.01), 2)
    for column, name in enumerate(examples.au_names):
        known = np.isfinite(examples.aus[:, column])
        truth = torch.from_numpy(examples.aus[known, column] >= 0.5).int()
        scores = torch.from_numpy(aus[known, column])
        if truth.any():
            f1 = [float(binary_f1_score(scores, truth, threshold=float(level))) for level in grid]
            found[name] = float(grid[int(np.argmax(f1))])
    return found


def quick_figures(model: ClefModel, examples: Examples) -> Mapping[str, float]:
    """What is watched while training: accuracy of expressions, and mean agreement with the teacher."""
    scores = predict(model, examples.faces)
    agreement = au_agreement(examples, scores.aus)
    known = examples.voted
    figures = {"val_au_auc": float(np.mean([each["auc"] for each in agreement.values()]))} if agreement else {}
    if known.any():
        right = scores.expressions[known].argmax(1) == examples.votes[known].argmax(1)
        figures["val_accuracy"] = float(right.mean())
    return figures


def _auc(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float | None:
    if min(int(truth.sum()), int((~truth).sum())) < _FEWEST:
        return None
    return float(binary_auroc(torch.from_numpy(scores), torch.from_numpy(truth.astype(np.int64))))
