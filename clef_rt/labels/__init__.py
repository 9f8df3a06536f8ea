"""The label bank: what the labels mean, as text embeddings, and how far a face is like each of them.

Scores are similarities of image and text, so the label set is data: another row is another label, and the rows that
were there score as before, to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle import Bundle
from clef_rt.bundle.spec import Groups, Label
from clef_rt.errors import BundleError
from clef_rt.frame import Scores
from clef_rt.names import labels_hash

__all__ = ["LabelBank", "LabelGroup", "ScoreArrays", "mean_direction"]

MIN_LENGTH: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class LabelGroup:
    """The labels of one group, in the order of their scores.

    Attributes:
        names: as published.
        index: position by name.
        thresholds: (k,) float32, the probability from which each counts as present.
        experimental: those whose figures don't suffice to rely on.
    """

    names: tuple[str, ...]
    index: Mapping[str, int]
    thresholds: NDArray[np.float32]
    experimental: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class ScoreArrays:
    """Scores of n faces by group, each 0–1.

    Attributes:
        au: (n, A) float32, independent probabilities.
        expression: (n, E) float32, rows sum to 1.
        zero_shot: (n, Z) float32, independent.
    """

    au: NDArray[np.float32]
    expression: NDArray[np.float32]
    zero_shot: NDArray[np.float32]


class LabelBank:
    """Scores embeddings against the labels (CLEF, stage 2, inference). Immutable, so any thread may use it.

    A label's embedding is the normalised mean of its prompts' embeddings. Action Units and zero-shot labels are
    sigmoid(logit_scale · cosine + bias); expressions are the softmax of the same. A label that is scored against other
    prompts has their cosine subtracted from its own: the softmax over the two.

    Attributes:
        au: the Action Units.
        expression: the expressions.
        zero_shot: labels added by text alone; may be none.
        labels_hash: 8 hex digits that change when the names or their order do.

    Args:
        groups: the labels.
        embeddings: (rows, d) float32, the prompts' text embeddings, each of length 1.

    Raises:
        BundleError: the prompts of a label cancel out, or mean what it's scored against: it has no direction.
    """

    def __init__(self, groups: Groups, embeddings: NDArray[np.float32]) -> None:
        zero_shot = groups.zero_shot.labels if groups.zero_shot else ()
        self.au = _group(groups.au.labels)
        self.expression = _group(groups.expression.labels)
        self.zero_shot = _group(zero_shot)
        self.labels_hash = labels_hash(self.au.names, self.expression.names, self.zero_shot.names)
        scales = [groups.au.logit_scale] * len(self.au.names)
        scales += [groups.expression.logit_scale] * len(self.expression.names)
        scales += [groups.zero_shot.logit_scale] * len(zero_shot) if groups.zero_shot else []
        directions = np.array([_direction(label, embeddings) for label in groups.labels])
        # The scale is folded in. (K, d, 1): see score().
        self._weights = (directions * np.array(scales)[:, None]).astype(np.float32)[:, :, None]
        self._biases = np.array([label.bias for label in groups.labels], np.float32)
        self._cuts = (len(self.au.names), len(self.au.names) + len(self.expression.names))

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> LabelBank:
        """The bank of a loaded bundle."""
        return cls(bundle.spec.groups, bundle.embeddings)

    def score(self, embeddings: NDArray[np.float32]) -> ScoreArrays:
        """Score n ≥ 0 faces.

        Args:
            embeddings: (n, d) float32, each row of length 1, as `Encoder.encode` returns them.

        Raises:
            ValueError: another shape or dtype.
        """
        dim = self._weights.shape[1]
        if embeddings.dtype != np.float32 or embeddings.ndim != 2 or embeddings.shape[1] != dim:
            raise ValueError(f"expected float32 (n, {dim}), got {embeddings.dtype} {embeddings.shape}")
        # A stack of K products with one label each, not one product with K: BLAS blocks over labels, and with a label
        # more its last bits differ (2 of 3 label counts at n = 1). Costs 9 instead of 5 µs at 16 faces, 30 labels.
        by_label = np.matmul(embeddings, self._weights)[:, :, 0]
        logits = np.add(by_label.T, self._biases, order="C")
        first, second = self._cuts
        scores = ScoreArrays(logits[:, :first], logits[:, first:second], logits[:, second:])
        _sigmoid(scores.au)
        _softmax(scores.expression)
        _sigmoid(scores.zero_shot)
        return scores

    def face_scores(self, scores: ScoreArrays, face: int) -> tuple[Scores, Scores, Scores]:
        """One face's Action Units, expressions and zero-shot scores by name, without copying them."""
        return (
            Scores(self.au.index, scores.au[face]),
            Scores(self.expression.index, scores.expression[face]),
            Scores(self.zero_shot.index, scores.zero_shot[face]),
        )


def _group(labels: tuple[Label, ...]) -> LabelGroup:
    names = tuple(label.name for label in labels)
    thresholds = np.array([label.threshold for label in labels], np.float32)
    thresholds.flags.writeable = False
    index = MappingProxyType({name: i for i, name in enumerate(names)})
    return LabelGroup(names, index, thresholds, frozenset(label.name for label in labels if label.experimental))


def _direction(label: Label, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """(d,) float64: its product with an embedding is the cosine, or the difference of two."""
    own = mean_direction(label.name, embeddings[list(label.rows)])
    if label.against is None:
        return own
    difference = own - mean_direction(label.name, embeddings[list(label.against.rows)])
    if np.linalg.norm(difference) < MIN_LENGTH:
        raise BundleError(f"Label {label.name} means what it's scored against.", "Give it other prompts.")
    return difference


def mean_direction(name: str, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean of a label's prompts (n, d), brought to length 1: (d,) float64.

    Raises:
        BundleError: they cancel out; names the label.
    """
    mean = embeddings.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < MIN_LENGTH:
        raise BundleError(f"The prompts of label {name} cancel out.", "Give it prompts that mean alike.")
    return np.asarray(mean / length)


def _sigmoid(logits: NDArray[np.float32]) -> None:
    """In place; by tanh, which overflows nowhere."""
    logits *= 0.5
    np.tanh(logits, out=logits)
    logits += 1
    logits *= 0.5


def _softmax(logits: NDArray[np.float32]) -> None:
    """In place, over each row."""
    if logits.shape[1] == 0:
        return
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
