from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from training.projection import BentProjection, spread


def names() -> torch.Tensor:
    """Twenty sentences that share most of what they say; the last two are as good as one."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(96, generator=generator)
    own = torch.randn(20, 96, generator=generator)
    own[19] = own[18] + 0.1 * torch.randn(96, generator=generator)
    return normalize(3 * common + own, dim=1)


def cosines(rows: torch.Tensor) -> torch.Tensor:
    rows = normalize(rows, dim=1)
    return rows @ rows.T - torch.eye(len(rows))


def test_names_begin_well_apart() -> None:
    features = names()
    assert cosines(features)[18, 19] > 0.99
    assert cosines(features).max(dim=1).values.min() > 0.85
    torch.manual_seed(0)
    for width in (32, 96, 128):
        head = nn.Linear(96, width)
        spread(head, features)
        found = cosines(head(features))
        assert found[18, 19] < 0.95
        assert found[:18].max() < 0.7
        assert head.weight.std() < 1


def test_two_names_are_left_to_learning() -> None:
    head = nn.Linear(8, 4)
    before = head.weight.clone()
    spread(head, torch.randn(2, 8))
    assert torch.equal(head.weight, before)


def test_the_hidden_layer_begins_at_nothing_and_can_part_sides() -> None:
    """Base and side added up, as a sentence encoder has it: a line can't make the sides' differences differ."""
    torch.manual_seed(0)
    bases, side = torch.randn(6, 32), torch.randn(32)
    features = torch.cat([bases + side, bases - side])
    bent = BentProjection(32, 16, 64)
    assert torch.equal(bent(features), nn.functional.linear(features, bent.weight, bent.bias))
    goal = torch.randn(12, 16)
    straight = nn.Linear(32, 16)
    errors = []
    for head in (bent, straight):
        optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
        for _ in range(300):
            optimizer.zero_grad()
            loss = (head(features) - goal).square().mean()
            loss.backward()
            optimizer.step()
        errors.append(loss.item())
    assert errors[0] < 0.05 * errors[1]
