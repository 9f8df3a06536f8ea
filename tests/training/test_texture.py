"""Random texture: new each time, on the picture's own place, and about as bright."""

from __future__ import annotations

import torch

from training.augment import Augment
from training.texture import texture


def drawn(images: torch.Tensor, strength: float, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return texture(images, strength)


def test_no_strength_changes_nothing() -> None:
    images = torch.rand(4, 1, 32, 32)
    torch.testing.assert_close(drawn(images, 0.0), images, rtol=0, atol=1e-6)


def test_an_even_grey_gets_fields_about_as_bright_that_differ_between_pictures() -> None:
    grey = torch.full((200, 1, 48, 48), 0.5)
    after = drawn(grey, 0.5)
    assert not torch.equal(after, drawn(grey, 0.5, seed=1))
    within = after.std(dim=(1, 2, 3))
    assert 0.1 < (within < 1e-3).float().mean() < 0.5  # a filter leaves an even grey; some get no field
    assert 0.02 < within.mean() < 0.15
    assert abs(after.mean() - 0.5) < 0.05
    lit = after[within > 1e-3][:, 0]
    near = (lit[:, :, 1:] - lit[:, :, :-1]).abs().mean() / lit.std(dim=(1, 2)).mean()
    assert near < 0.6  # smooth: grain would have 1.1


def test_edges_stay_where_they_are_and_their_sharpness_varies() -> None:
    images = torch.zeros(200, 1, 32, 32)
    images[..., 16:] = 0.8
    after = drawn(images, 0.5)
    steps = after[:, 0].mean(dim=1).diff(dim=1)
    assert (steps.abs().argmax(dim=1) - 15).abs().max() <= 1
    edge = after[:, 0, :, 15:17].mean(dim=1)
    assert (edge[:, 1] - edge[:, 0]).std() > 0.05


def test_all_channels_get_the_same() -> None:
    after = drawn(torch.rand(8, 1, 24, 40).expand(-1, 3, -1, -1), 1.0)
    torch.testing.assert_close(after[:, 0], after[:, 2])


def test_augmentation_takes_it_only_where_it_is_asked_for() -> None:
    faces = torch.full((128, 32, 32, 1), 120, dtype=torch.uint8)
    still = {}
    for strength in (0.0, 1.0):
        torch.manual_seed(0)
        after = Augment(0.0, mirror=False, texture=strength)(faces).float()
        still[strength] = float((after.std(dim=(1, 2, 3)) == 0).float().mean())
    assert still[0.0] > 0.5 > 0.3 > still[1.0]
