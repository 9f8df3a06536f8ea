"""What is watched while training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.data import Examples
from training.evaluation.proxies import au_agreement
from training.evaluation.scoring import predict
from training.model import ClefModel

__all__ = ["quick_figures"]


def quick_figures(model: ClefModel, examples: Examples) -> Mapping[str, float]:
    """Accuracy of expressions, and mean AUC of Action Units; without those that the faces have no labels of."""
    scores = predict(model, examples.faces)
    agreement = au_agreement(examples.au_names, scores.aus, examples.aus)
    known = examples.voted
    figures = {"val_au_auc": float(np.mean([each["auc"] for each in agreement.values()]))} if agreement else {}
    if known.any():
        right = scores.expressions[known].argmax(1) == examples.votes[known].argmax(1)
        figures["val_accuracy"] = float(right.mean())
    return figures
