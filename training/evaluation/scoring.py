"""What a model says of faces, in batches, as the runtime scores them: float32, without gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from training.data import Examples
from training.evaluation.scored import Scored
from training.model import ClefModel

__all__ = ["FaceRows", "Predictions", "embed_all", "predict", "score"]


class FaceRows(Protocol):
    """(n, S, S, C) uint8 faces that can be cut into batches: an array, or a view of files."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Scores of n faces.

    Attributes:
        aus: (n, k) float32 probabilities, 0–1.
        expressions: (n, e) float32 probabilities, rows sum to 1.
        intensities: (n, k) float32, 0–5; NaN for Action Units whose intensity the model doesn't rate.
    """

    aus: NDArray[np.float32]
    expressions: NDArray[np.float32]
    intensities: NDArray[np.float32]


def embed_all(model: ClefModel, faces: FaceRows, batch: int = 256, *, progress: str = "") -> Tensor:
    """Embed all faces; the model is left as it was.

    Args:
        model: on any device.
        faces: (n, S, S, C) uint8.
        batch: faces at a time.
        progress: what a progress bar says; none without it.

    Returns:
        (n, d) float32, of length 1 each, on the model's device.
    """
    training, device = model.training, next(model.parameters()).device
    starts = range(0, len(faces), batch)
    model.eval()
    try:
        with torch.no_grad():
            parts = [
                model.encode_image(torch.from_numpy(np.ascontiguousarray(faces[start : start + batch])).to(device))
                for start in track(starts, description=progress, transient=True, disable=not progress)
            ]
    finally:
        model.train(training)
    return torch.cat(parts) if parts else torch.zeros(0, model.config.embed_dim, device=device)


def predict(model: ClefModel, faces: FaceRows, *, progress: str = "") -> Predictions:
    """Score faces; arguments as for `embed_all`."""
    z = embed_all(model, faces, progress=progress)
    with torch.no_grad():
        aus = model.logits(z, "au").sigmoid().float().cpu().numpy()
        expressions = model.logits(z, "expression").softmax(dim=1).float().cpu().numpy()
        rated = model.intensities(z)
    intensities = np.full_like(aus, np.nan) if rated is None else rated.float().cpu().numpy()
    return Predictions(aus, expressions, intensities)


def score(model: ClefModel, examples: Examples, name: str, *, progress: str = "") -> Scored:
    """Examples with a model's scores, as a dataset of that name; arguments as for `embed_all`."""
    scores = predict(model, examples.faces, progress=progress)
    return Scored(
        dataset=name,
        au_names=examples.au_names,
        expression_names=examples.expression_names,
        aus=scores.aus,
        expressions=scores.expressions,
        intensities=scores.intensities,
        true_aus=examples.aus,
        votes=examples.votes,
        true_intensities=examples.intensities,
        subjects=_words(examples.subjects),
        activities=_words(examples.activities),
        paths=_words(examples.paths),
    )


def _words(values: Any) -> Any:
    return np.array(["" if value is None else str(value) for value in values], np.str_)
