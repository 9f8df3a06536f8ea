from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from clef_rt.detect.landmarks import LandmarkNet
from training.landmarks.card import write_card
from training.landmarks.data import PHOTOS, Faces, cut_negatives
from training.landmarks.evaluate import auc, evaluate
from training.landmarks.fit import export, train, update_average
from training.landmarks.model import LandmarkModel
from training.landmarks.sampler import Sampler

LANDMARKS = np.array([[203, 101], [246, 103], [223, 127], [202, 140], [244, 140]], np.float32)


@pytest.fixture(scope="module")
def faces() -> Faces:
    """The one face, a bright dot on each landmark: so a label that slips is seen."""
    data = pytest.importorskip("skimage.data")
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[40:240, 130:330] // 3
    points = LANDMARKS - (130, 40)
    for x, y in points.astype(int):
        cv2.circle(image, (int(x), int(y)), 4, 255, -1)
    return Faces([image], points[None].astype(np.float32))


@pytest.fixture(scope="module")
def patches() -> list[np.ndarray]:
    pytest.importorskip("skimage")
    return cut_negatives(PHOTOS[:3], 60, np.random.default_rng(0))


def test_labels_follow_their_points_through_every_warp_and_mirroring(
    faces: Faces, patches: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Sampler(faces, patches)
    monkeypatch.setattr(sampler, "_augment", lambda crop: crop)
    monkeypatch.setattr(sampler, "_occlude", lambda crop, *_: crop)
    for _ in range(60):
        crop, points = sampler.face()
        at = np.rint((points + 0.5) * 64 - 0.5).astype(int)
        inside = ((at >= 1) & (at < 63)).all(axis=1)
        assert inside.sum() >= 3
        assert (crop[at[inside, 1], at[inside, 0]] > 140).all()
        assert points[0, 0] < points[1, 0] or abs(points[0, 1] - points[1, 1]) > 0.1


def test_a_batch_holds_faces_and_others_in_the_given_share(faces: Faces, patches: list[np.ndarray]) -> None:
    crops, landmarks, presence = Sampler(faces, patches).batch(400)
    assert (crops.shape, crops.dtype) == ((400, 64, 64), torch.uint8)
    assert landmarks.shape == (400, 5, 2)
    assert 0.5 < float(presence.mean()) < 0.7
    assert set(presence.unique().tolist()) == {0.0, 1.0}
    assert float(landmarks[presence == 1].abs().max()) < 1
    other, *_ = Sampler(faces, patches).batch(400)
    assert torch.equal(crops, other)


def test_training_learns_and_the_exported_model_gives_the_same(
    faces: Faces, patches: list[np.ndarray], tmp_path: Path
) -> None:
    model = train(Sampler(faces, patches), minutes=0.3, batch=32)
    path = tmp_path / "landmarks.onnx"
    export(model, path)
    assert path.stat().st_size < 400_000
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    crops, landmarks, presence = Sampler(faces, patches, seed=5).batch(64)
    with torch.no_grad():
        points, logit = model(crops)
    for count in (1, 7, 64):
        got = session.run(None, {"crops": crops[:count].numpy()})
        assert np.allclose(got[0], points[:count].numpy(), atol=1e-4)
        assert np.allclose(got[1], logit[:count].sigmoid().numpy(), atol=1e-4)
    error = (points - landmarks).norm(dim=2)[presence == 1].mean()
    spread = (landmarks - landmarks[presence == 1].mean(dim=0)).norm(dim=2)[presence == 1].mean()
    assert error < spread
    figures = evaluate(LandmarkNet(path), faces, patches)
    card = write_card({"val": figures, "test": figures}, faces=1, patches=len(patches), minutes=0.1)
    assert f"| NME, one pass | {figures['nme_1']:.2%} | {figures['nme_1']:.2%} |" in card


def test_the_network_does_not_mind_light_and_contrast() -> None:
    model = LandmarkModel().eval()
    crop = torch.randint(60, 120, (1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        one, other = model(crop)[0], model(crop * 2)[0]
    assert torch.allclose(one, other, atol=0.02)


def test_the_average_follows_the_model() -> None:
    average, model = LandmarkModel(), LandmarkModel()
    update_average(average, model, 0.0)
    for own, new in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        assert torch.equal(own, new)


def test_auc_of_known_scores() -> None:
    assert auc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1
    assert auc(np.array([0.1, 0.5]), np.array([0.5, 0.9])) == pytest.approx(0.125)
    assert auc(np.array([0.5]), np.array([0.5, 0.5])) == 0.5
