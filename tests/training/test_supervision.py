"""What stage 2 is taught: which labels, of which faces, and how much each counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from clef_rt.errors import ConfigError
from training.config import Stage2Settings
from training.data import Examples, load_examples
from training.supervision import au_weights, chosen_labels, class_weights, few_labels


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
