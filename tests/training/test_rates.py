from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from clef_rt.errors import ConfigError
from training.losses import rate_bounds
from training.manifest import EXPRESSIONS
from training.rates import load_rates
from training.texts import load_labels

NAN = float("nan")


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_the_bound_by_hand() -> None:
    logits = torch.tensor([[logit(0.2)], [logit(0.4)], [logit(0.5)], [logit(0.5)], [logit(0.9)]])
    votes = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [NAN, NAN]])
    least, most = torch.tensor([[0.0], [0.6]]), torch.tensor([[0.1], [1.0]])
    sad, neutral = math.log(0.6 / 0.3), math.log(0.9 / 0.5)
    assert float(rate_bounds(logits, votes, least, most)) == pytest.approx((sad + neutral) / 2, abs=1e-5)


def test_rates_within_their_bounds_cost_nothing_and_pull_nowhere() -> None:
    logits = torch.tensor([[2.0], [2.0], [-4.0], [-4.0]], requires_grad=True)
    votes = torch.tensor([[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 2)
    loss = rate_bounds(logits, votes, torch.tensor([[0.0], [0.6]]), torch.tensor([[0.1], [1.0]]))
    loss.backward()
    assert loss.item() == 0
    assert float(logits.grad.abs().max()) == 0


def test_the_doubtful_face_moves_most() -> None:
    logits = torch.tensor([[0.0], [-6.0]], requires_grad=True)
    votes = torch.tensor([[1.0], [1.0]])
    rate_bounds(logits, votes, torch.tensor([[0.9]]), torch.tensor([[1.0]])).backward()
    assert float(logits.grad[0]) < 20 * float(logits.grad[1]) < 0


def test_too_few_votes_bound_nothing() -> None:
    logits = torch.zeros(2, 1, requires_grad=True)
    votes = torch.tensor([[0.9, 0.1], [0.9, 0.1]])
    loss = rate_bounds(logits, votes, torch.tensor([[0.0], [0.9]]), torch.ones(2, 1))
    assert loss.item() == 0
    loss.backward()


def test_the_file_fits_the_labels() -> None:
    rates, texts = load_rates(), load_labels()
    assert set(rates.least) <= set(texts.expression)
    assert {name for own in rates.least.values() for name in own} <= set(texts.au)
    for expression, own in rates.least.items():
        assert set(own) <= set(texts.emfacs[expression])  # no Action Unit that isn't in the prototype
    least, most = rates.tables(EXPRESSIONS, ["AU12", "AU12_L", "AU45"])
    assert least[EXPRESSIONS.index("happiness")].tolist() == pytest.approx([0.7, 0, 0])
    assert most[EXPRESSIONS.index("neutral")].tolist() == pytest.approx([0.1, 1, 1])
    assert int((most < 1).sum()) == 1


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rates.yaml").write_text("least: {sadness: {AU15: 1.5}}\nmost: 0.1\n")
    with pytest.raises(ConfigError, match=r"rates\.yaml.*sadness"):
        load_rates(tmp_path / "rates.yaml")
