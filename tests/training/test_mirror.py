from __future__ import annotations

import torch

from training.loader import Batch
from training.mirror import exchanged, mirror_some

NAMES = ("AU04", "AU12", "AU12_L", "AU12_R")


def batch(n: int) -> Batch:
    faces = torch.zeros(n, 4, 4, 1, dtype=torch.uint8)
    faces[:, :, 3] = 255  # light on the picture's right: the subject's left
    aus = torch.tensor([[0.1, 0.9, 0.9, 0.0]]).repeat(n, 1)
    unknown = torch.full((n, 4), torch.nan)
    return Batch(faces, torch.ones(n, 2) / 2, aus, unknown, torch.zeros(n, dtype=torch.int64), torch.arange(n))


def test_sides_change_places() -> None:
    assert exchanged(NAMES) == [0, 1, 3, 2]
    assert exchanged(["AU12_R", "AU45", "AU12_L"]) == [2, 1, 0]


def test_a_mirrored_face_has_its_sides_labels_exchanged() -> None:
    torch.manual_seed(0)
    before = batch(200)
    after = mirror_some(before, NAMES)
    mirrored = after.faces[:, 0, 0, 0] == 255
    assert 70 < int(mirrored.sum()) < 130
    assert (after.aus[mirrored, 3] == 0.9).all()
    assert (after.aus[mirrored, 2] == 0).all()
    assert (after.aus[~mirrored] == before.aus[~mirrored]).all()
    assert (after.aus[:, :2] == before.aus[:, :2]).all()
    assert torch.equal(after.activities, before.activities)
    assert (before.faces[:, :, 0] == 0).all()  # what was given stays as it was


def test_a_side_without_its_other_forbids_mirroring() -> None:
    before = batch(50)
    assert mirror_some(before, ("AU04", "AU12", "AU12_L", "AU15")) is before
