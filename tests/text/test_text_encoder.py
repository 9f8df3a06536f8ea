"""From sentences to embeddings by a bundle's own text side, and what is said where it can't be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.write import write_bundle
from clef_rt.errors import BundleError
from clef_rt.text import FrozenText, check_probe, load_text_encoder
from clef_rt.text.projection import Projection
from tests.rigs.bundles import DIM, make_bundle, make_files
from tests.rigs.texts import FEATURES, PROBE, SpellingTower, make_text_bundle, text_onnx, text_parts


class OtherTower(SpellingTower):
    def encode(self, sentences: object) -> np.ndarray:  # type: ignore[type-arg]
        return super().encode([f"{sentence}!" for sentence in sentences])  # type: ignore[attr-defined]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_text_bundle(tmp_path / "b")


def test_sentences_become_embeddings_of_length_one(bundle: Bundle) -> None:
    encoder = FrozenText(bundle, SpellingTower())
    found = encoder.embed([PROBE, "a", "b"] * 40)  # more than one batch of the encoder's
    assert (found.shape, found.dtype) == ((120, DIM), np.float32)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(found[0], bundle.embeddings[10], atol=1e-6)
    assert encoder.embed([]).shape == (0, DIM)


def test_another_tower_is_found_out(bundle: Bundle) -> None:
    check_probe(bundle, FrozenText(bundle, SpellingTower()))
    with pytest.raises(BundleError, match=r"isn't the one of the bundle: 'a photo of a person with a smile'"):
        check_probe(bundle, FrozenText(bundle, OtherTower()))


def test_a_bundle_without_a_text_side_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"can't embed texts.*python -m export bundle"):
        load_text_encoder(make_bundle(tmp_path / "b"))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"tower": "clip-vit-b16"}, r"clip-vit-b16, which the runtime doesn't carry.*python -m export labels"),
        ({"tuned": True}, r"minilm, was tuned.*--checkpoint RUN"),
    ],
)
def test_towers_of_the_training_side_are_sent_there(tmp_path: Path, changed: dict[str, object], what: str) -> None:
    spec, files = text_parts(SpellingTower(), **changed)
    if "tuned" in changed:
        del files["text.onnx"]
    with pytest.raises(BundleError, match=what):
        load_text_encoder(write_bundle(tmp_path / "b", spec, files))


def test_a_projection_that_is_promised_must_be_there(tmp_path: Path) -> None:
    spec, files = text_parts(SpellingTower())
    del files["text.onnx"]
    with pytest.raises(BundleError, match=r"lists no text\.onnx"):
        write_bundle(tmp_path / "b", spec, files)


def test_a_probe_beyond_the_table_is_refused(tmp_path: Path) -> None:
    spec, files = text_parts(SpellingTower(), probe_row=11)
    with pytest.raises(BundleError, match="11 rows; the text's probe asks for row 11"):
        write_bundle(tmp_path / "b", spec, files)


def test_a_bundle_without_a_text_side_loads_as_ever(tmp_path: Path) -> None:
    assert make_bundle(tmp_path / "b").spec.text is None
    assert b'"text": {' not in (tmp_path / "b" / "bundle.json").read_bytes()
    assert load_bundle(tmp_path / "b").spec.groups.zero_shot is not None
    assert "text.onnx" not in make_files()


@pytest.mark.parametrize(
    ("graph", "what"),
    [
        (b"", "can't be used"),
        (b"\x08\x0anonsense", "can't be used"),
        (text_onnx(unit=False), "isn't of length 1"),
        (text_onnx(dim=DIM + 1), r"it gives float32 \(2, 9\)"),
        (text_onnx(features=FEATURES + 1), "can't be used"),
        (text_onnx(output="other"), "can't be used"),
    ],
)
def test_a_graph_that_does_something_else_is_refused(graph: bytes, what: str) -> None:
    with pytest.raises(BundleError, match=rf"here: text\.onnx .*{what}"):
        Projection(graph, FEATURES, DIM, "here")(np.ones((2, FEATURES), np.float32))


def test_a_tower_of_another_width_is_refused() -> None:
    with pytest.raises(BundleError, match=r"gives \(3,\) numbers, not 6"):
        Projection(text_onnx(), FEATURES, DIM, "here")(np.ones((2, 3), np.float32))
