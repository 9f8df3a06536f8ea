"""Labels by text, tried on prepared faces: the areas are those of the cosines, counted pair by pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.zero_shot import markdown, measure, read_trials
from clef_rt.encode import load_encoder
from clef_rt.errors import ConfigError
from clef_rt.text import FrozenText
from tests.rigs.bundles import SIZE
from tests.rigs.prepared import write_prepared
from tests.rigs.texts import SpellingTower, make_text_bundle

TRIALS = """
grin:
  prompts: [a grin]
  against: [a frown]
  au: AU01
  word: happiness
other:
  text: something else
  au: AU04
"""


def by_pairs(scores: np.ndarray, shown: np.ndarray) -> float:  # type: ignore[type-arg]
    pairs = [(one > other) + 0.5 * (one == other) for one in scores[shown] for other in scores[~shown]]
    return float(np.mean(pairs))


def test_areas_are_those_of_the_cosines(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (40, SIZE, SIZE, 1), np.uint8)
    teacher = rng.random(40).astype(np.float32)
    words = rng.choice(["neutral", "happiness", "sadness"], 40)
    folder = write_prepared(tmp_path / "faces", crops, ["test"] * 40, AU01=teacher, activity=words)
    (tmp_path / "trials.yaml").write_text(TRIALS)
    bundle = make_text_bundle(tmp_path / "b")
    texts = FrozenText(bundle, SpellingTower())
    by_au, by_word = measure(bundle, texts, folder, read_trials(tmp_path / "trials.yaml"))  # nobody knows AU04

    faces = load_encoder(bundle, "cpu").encode(crops)
    grin, frown = texts.embed([f"a photo of a person with {words}" for words in ("a grin", "a frown")])
    shown, known = teacher >= 0.5, words != "sadness"
    assert by_au.alone == pytest.approx(by_pairs(faces @ grin, shown))
    assert by_au.against == pytest.approx(by_pairs(faces @ (grin - frown), shown))
    assert by_word.alone == pytest.approx(by_pairs((faces @ grin)[known], (words == "happiness")[known]))
    assert (by_au.present, by_au.faces) == (shown.sum(), 40)
    assert (by_word.truth, by_word.faces) == ("happiness", known.sum())
    assert by_au.trained is not None
    assert f"| grin | AU01 | {by_au.present} of 40 | {by_au.alone:.2f} | " in markdown([by_au])


def test_the_labels_that_come_along_are_right(tmp_path: Path) -> None:
    assert all(trial.au or trial.word for trial in read_trials().values())
    (tmp_path / "trials.yaml").write_text("grin: {text: a grin, aus: AU12}\n")
    with pytest.raises(ConfigError, match=r"trials\.yaml:1: grin\.aus: is no setting\. Did you mean au"):
        read_trials(tmp_path / "trials.yaml")
