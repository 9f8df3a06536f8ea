"""What stage 2 is taught: which labels, of which faces, and how much each counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from clef_rt.errors import ConfigError
from training.config import Stage2Settings
from training.data import Examples, load_examples
from training.prepare import FACTS, MANIFEST
from training.supervision import au_weights, chosen_labels, class_weights, few_labels, words_as_votes


@pytest.fixture(scope="module")
def train(made_up: Callable[..., Path]) -> Examples:
    return load_examples([made_up(rows=100)], "train")


def test_an_expression_left_out_is_neither_label_nor_face(train: Examples) -> None:
    found = chosen_labels(train, Stage2Settings(leave_out=("sadness",)))
    assert "sadness" not in found.expression_names
    assert set(found.activities) == {"happiness"}
    np.testing.assert_allclose(found.votes.sum(axis=1), 1)
    with pytest.raises(ConfigError, match="boredom"):
        chosen_labels(train, Stage2Settings(leave_out=("boredom",)))


def test_one_kind_of_labels_alone(train: Examples) -> None:
    aus = chosen_labels(train, Stage2Settings(only="au"))
    assert (aus.expression_names, aus.au_names) == ((), ("AU12", "AU15"))
    expressions = chosen_labels(train, Stage2Settings(only="expression"))
    assert (len(expressions.expression_names), expressions.au_names, expressions.aus.shape[1]) == (8, (), 0)


def test_faces_without_a_label_are_not_taught(made_up: Callable[..., Path]) -> None:
    both = load_examples([made_up(rows=50, name="a", votes=False), made_up(rows=50, name="b", aus=False)], "train")
    assert len(chosen_labels(both, Stage2Settings())) == 60
    assert set(chosen_labels(both, Stage2Settings(only="au")).datasets) == {"a"}
    with pytest.raises(ConfigError, match="No face has a label"):
        chosen_labels(load_examples([made_up(rows=50, votes=False, aus=False)], "train"), Stage2Settings())


def test_few_labels_are_drawn_by_the_seed(train: Examples) -> None:
    def paths(**options: int) -> list[str]:
        return list(few_labels(train, Stage2Settings(**options), seed=3).paths)

    assert len(paths(labelled=10)) == 10
    assert paths(labelled=10) == paths(labelled=10)
    assert len(set(few_labels(train, Stage2Settings(labelled_subjects=4), 0).subjects)) == 4
    assert paths(labelled=1000) == list(train.paths)
    with pytest.raises(ConfigError, match="60 subjects"):
        few_labels(train, Stage2Settings(labelled_subjects=61), 0)


def test_rare_labels_count_more() -> None:
    votes = np.eye(3, dtype=np.float32)[[0] * 16 + [1] * 4]
    weights = class_weights(votes)
    assert float(weights[1] / weights[0]) == pytest.approx(2.0)  # the root of four
    assert weights[2] == 0  # no face shows it
    assert float((weights * torch.from_numpy(votes).mean(dim=0)).sum()) == pytest.approx(1.0)
    aus = np.array([[1, 1], [1, 0], [0, 0], [0, np.nan]], np.float32)
    assert float(au_weights(aus)[1] / au_weights(aus)[0]) == pytest.approx(1.5)
    assert float(au_weights(aus).mean()) == pytest.approx(1.0)


def test_words_become_votes_where_there_are_none(made_up: Callable[..., Path]) -> None:
    both = load_examples([made_up(rows=50, name="words", votes=False), made_up(rows=50, name="voted")], "train")
    found = words_as_votes(both, 0.6)
    worded = both.datasets == "words"
    np.testing.assert_allclose(found.votes.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(found.votes[~worded], both.votes[~worded])
    own = [found.expression_names.index(word) for word in both.activities[worded]]
    np.testing.assert_allclose(found.votes[worded, own], 0.6 + 0.4 / 8, rtol=1e-6)
    assert words_as_votes(both, 0.0) is both
    assert not both.voted[worded].any()  # what was given stays as it was


def test_a_distrusted_teacher_is_not_asked_but_a_dataset_is(made_up: Callable[..., Path]) -> None:
    coded, taught = made_up(rows=50, name="coded"), made_up(rows=50, name="taught")
    facts = json.loads((taught / FACTS).read_text())
    (taught / FACTS).write_text(json.dumps(facts | {"teacher": "somebody"}))
    found = load_examples([coded, taught], "train", distrusted=["AU15"])
    mine = found.datasets == "taught"
    assert np.isnan(found.aus[mine, found.au_names.index("AU15")]).all()
    assert np.isfinite(found.aus[mine, found.au_names.index("AU12")]).all()
    assert np.isfinite(found.aus[~mine]).all()


def test_a_distrusted_side_is_that_side_alone_and_a_distrusted_whole_has_its_sides(
    made_up: Callable[..., Path],
) -> None:
    folder = made_up(rows=50, name="taught")
    (folder / FACTS).write_text(json.dumps(json.loads((folder / FACTS).read_text()) | {"teacher": "somebody"}))
    table = pd.read_parquet(folder / MANIFEST)
    table.assign(AU12_L=0.5, AU12_R=0.5, AU15_L=0.5).to_parquet(folder / MANIFEST)
    found = load_examples([folder], "train", distrusted=["AU12_L", "AU15"])
    known = {name for name, column in zip(found.au_names, found.aus.T, strict=True) if np.isfinite(column).any()}
    assert {"AU12", "AU12_R"} <= known
    assert not known & {"AU12_L", "AU15", "AU15_L"}


def test_faces_are_shrunk_as_they_are_read(made_up: Callable[..., Path]) -> None:
    folders = [made_up(rows=30, name="a"), made_up(rows=30, name="b")]
    whole, small = load_examples(folders, "val"), load_examples(folders, "val", side=16)
    assert small.faces.shape == (12, 16, 16, 1)
    found = small.faces[np.array([7, 0, 11])]
    for face, row in zip(found, (7, 0, 11), strict=True):
        want = whole.faces[[row]][0, ..., 0].reshape(16, 2, 16, 2).astype(np.float32).mean(axis=(1, 3))
        np.testing.assert_allclose(face[..., 0], want, atol=1)
    assert small.subset(np.arange(3)).faces[:].shape == (3, 16, 16, 1)
    with pytest.raises(ConfigError, match="of 32 px, not 64"):
        load_examples(folders, "val", side=64)
