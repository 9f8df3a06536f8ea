"""Augmentation: what it may change, and what it must not depend on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from training.augment import Augment


@pytest.fixture
def faces() -> Tensor:
    """64 pictures of a ramp, darkest at the left."""
    ramp = torch.linspace(40, 215, 48)[None, None, :, None]
    return ramp.expand(64, 48, 48, 1).to(torch.uint8)


def changed(faces: Tensor, strength: float = 1.0, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return Augment(strength)(faces)


def test_the_seed_alone_decides(faces: Tensor) -> None:
    assert torch.equal(changed(faces), changed(faces))
    assert not torch.equal(changed(faces), changed(faces, seed=1))
    with torch.autocast("cpu", torch.bfloat16):  # nor does the model's precision count
        assert torch.equal(changed(faces), changed(faces))
        coarse = changed(faces)
    assert torch.equal(coarse, changed(faces))


def test_pictures_are_left_as_they_were_and_colours_change_alike(faces: Tensor) -> None:
    grey = faces.repeat(1, 1, 1, 3)
    before = grey.clone()
    after = changed(grey).float()
    assert torch.equal(grey, before)
    apart = (after.amax(dim=3) - after.amin(dim=3)).amax(dim=(1, 2))
    assert 0.1 < (apart > 0).float().mean() < 0.5  # noise alone has colours


def test_about_half_are_mirrored_and_each_is_lit_on_its_own(faces: Tensor) -> None:
    after = torch.cat([changed(faces, seed=seed) for seed in range(4)]).float()
    middle = after[:, 16:32]
    slopes = middle[..., 26:36, 0].mean(dim=(1, 2)) - middle[..., 12:22, 0].mean(dim=(1, 2))
    assert 0.35 < (slopes < 0).float().mean() < 0.65
    assert middle.mean(dim=(1, 2, 3)).std() > 5


def test_some_are_covered_and_some_are_framed() -> None:
    white = torch.full((256, 48, 48, 1), 200, dtype=torch.uint8)
    after = changed(white)[..., 0]
    black = (after == 0).float().mean(dim=(1, 2))
    assert 0.2 < (black > 0.01).float().mean() < 0.55  # erased, or in a black frame
    inside = after[:, 14:34, 14:34]
    covered = (inside == 0).float().mean(dim=(1, 2)) > 0.02
    assert 0.08 < covered.float().mean() < 0.3
    assert (black[covered] < 0.75).all()


def test_no_strength_leaves_place_and_grain(faces: Tensor) -> None:
    after = changed(faces, strength=0.0).float()
    light = after[:, 24, :, 0]  # a row of a ramp is a ramp still, or a mirrored one, in whatever light
    steps = light.diff(dim=1)[:, 12:36]
    assert ((steps >= 0).all(dim=1) | (steps <= 0).all(dim=1)).all()


def test_a_single_picture_of_any_size_will_do() -> None:
    one = torch.zeros(1, 16, 24, 3, dtype=torch.uint8)
    for seed in range(20):
        assert changed(one, seed=seed, strength=1.2).shape == one.shape
