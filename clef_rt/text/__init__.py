"""From sentences to embeddings beside those of the labels, by the bundle's text tower and its `text.onnx`. No torch.

encoder = load_text_encoder(bundle)
encoder.embed(["a photo of a person with closed eyes"])     # (1, d) float32
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle import Bundle
from clef_rt.bundle.label_spec import TextSpec
from clef_rt.bundle.spec import TEXT
from clef_rt.errors import BundleError

__all__ = ["FrozenText", "TextEncoder", "TextTower", "check_probe", "load_text_encoder", "text_of"]

PROBE_TOLERANCE: Final = 1e-3


class TextTower(Protocol):
    """A sentence encoder, as it was before this model was trained."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """(n, f) float32: the features that the bundle's `text.onnx` takes."""
        ...


class TextEncoder(Protocol):
    """From sentences to the space where pictures and labels are compared."""

    def embed(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32, of length 1."""
        ...


class FrozenText:
    """A text tower that wasn't trained, and the projection behind it, which was.

    Args:
        bundle: has the projection.
        tower: gives what it takes.

    Raises:
        BundleError: the bundle has no projection, or a damaged one.
    """

    def __init__(self, bundle: Bundle, tower: TextTower) -> None:
        from clef_rt.text.projection import Projection

        spec = text_of(bundle)
        self._projection = Projection(bundle.read(TEXT), spec.features, bundle.spec.embedding_dim, str(bundle.path))
        self._tower = tower

    def embed(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """See `TextEncoder`."""
        return self._projection(self._tower.encode(sentences))


def text_of(bundle: Bundle) -> TextSpec:
    """How the bundle makes embeddings of sentences.

    Raises:
        BundleError: it doesn't say.
    """
    if bundle.spec.text is None:
        raise BundleError(
            f"{bundle.path}: the bundle can't embed texts, so no label can be added to it.",
            "Export its checkpoint again: python -m export bundle.",
        )
    return bundle.spec.text


def load_text_encoder(bundle: Bundle) -> TextEncoder:
    """The bundle's text side, run without torch.

    Raises:
        BundleError: the bundle has none, or one that only torch can run, or another one than is installed here.
        MissingExtra: what runs it isn't installed.
    """
    spec = text_of(bundle)
    if spec.tuned or spec.tower != "minilm":
        why = f"its text tower, {spec.tower}, was tuned, and only the checkpoint has it" if spec.tuned else ""
        why = why or f"its text tower is {spec.tower}, which the runtime doesn't carry"
        more = " --checkpoint RUN" if spec.tuned else ""
        raise BundleError(
            f"{bundle.path}: {why}.",
            f"With the extras export and training: python -m export labels BUNDLE labels.yaml --out NEW{more}.",
        )
    from clef_rt.text.minilm import MiniLM

    encoder = FrozenText(bundle, MiniLM())
    check_probe(bundle, encoder)
    return encoder


def check_probe(bundle: Bundle, encoder: TextEncoder) -> None:
    """Embed a sentence whose embedding is known.

    Raises:
        BundleError: it isn't the known one: another tower, or another checkpoint, made the bundle.
    """
    spec = text_of(bundle)
    difference = float(np.abs(encoder.embed([spec.probe])[0] - bundle.embeddings[spec.probe_row]).max())
    if not difference <= PROBE_TOLERANCE:
        raise BundleError(
            f"{bundle.path}: the text tower here isn't the one of the bundle: {spec.probe!r} comes out otherwise "
            f"(by {difference:.2g}).",
            "Use the weights, or the checkpoint, that the bundle was made with.",
        )
