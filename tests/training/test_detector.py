"""The embedded detector's training: its pictures, what answers for which face, and that it learns."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from rich.console import Console

from clef_rt.detect import Detections
from clef_rt.detect.boxes import box_from_landmarks
from training.detector import fit, scenes
from training.detector.batches import collate, make_batch
from training.detector.data import Faces, load_backgrounds
from training.detector.export import export
from training.detector.fit import Run, load_run, train
from training.detector.losses import Targets, assign, detector_loss, overlap
from training.detector.model import STRIDES, DetectorModel, Exported, decode
from training.detector.paste import cut_out, jigsaw, mirrored
from training.detector.scenes import SIZE, SceneMaker
from training.detector.scoring import judge, recall_at, threshold_at

LANDMARKS = np.array([[203, 101], [246, 103], [223, 127], [202, 140], [244, 140]], np.float32)


@pytest.fixture(scope="module")
def faces() -> Faces:
    """The one face, dark, with a bright dot on each landmark: so a label that slips is seen."""
    data = pytest.importorskip("skimage.data")
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[40:240, 130:330] // 4
    points = LANDMARKS - (130, 40)
    for x, y in points.astype(int):
        cv2.circle(image, (int(x), int(y)), 5, 255, -1)
    return Faces([image], points[None].astype(np.float32))


@pytest.fixture(scope="module")
def maker(faces: Faces) -> SceneMaker:
    return SceneMaker(faces, [np.full((300, 400), 60, np.uint8), load_backgrounds()[0] // 4])


# The pictures


def test_labels_follow_their_points_into_every_kind_of_scene(
    maker: SceneMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "photograph", lambda image, rng: image)
    monkeypatch.setattr(scenes, "relight", lambda image, rng, strength=1.0: image)
    monkeypatch.setattr(maker, "_cover", lambda image, scene: image)
    monkeypatch.setattr(maker, "_distract", lambda scene, count: None)
    checked = 0
    for make in (maker._composite, maker._close_up, maker._mosaic):
        for _ in range(40):
            scene = make()
            assert len(scene.boxes) == len(scene.landmarks) == len(scene.unsure)
            for box, points, unsure in zip(scene.boxes, scene.landmarks, scene.unsure, strict=True):
                assert np.allclose(box, box_from_landmarks(points[None])[0], atol=1e-3)
                at = np.rint(points).astype(int)
                inside = ((at >= 1) & (at < SIZE - 1)).all(axis=1)
                if not unsure and box[2] > 40:
                    bright = scene.image[at[inside, 1], at[inside, 0]] > 110
                    checked += int(inside.sum())
                    assert bright.mean() > 0.7, make  # a neighbour may hide an edge of a face
    assert checked > 200


def test_scenes_differ_and_a_seed_repeats_them(faces: Faces) -> None:
    photos = load_backgrounds()[:2]
    one, other = (SceneMaker(faces, photos, seed=5) for _ in range(2))
    first, second = one.scene(), other.scene()
    assert np.array_equal(first.image, second.image)
    assert not np.array_equal(first.image, one.scene().image)


def test_a_mirrored_face_keeps_right_on_the_left(faces: Faces) -> None:
    image, points = mirrored(faces.images[0], faces.landmarks[0])
    assert points[0, 0] < points[1, 0]
    at = np.rint(points).astype(int)
    assert (image[at[:, 1], at[:, 0]] > 200).all()


def test_a_jigsaw_shows_no_whole_face(faces: Faces) -> None:
    image = faces.images[0]
    for seed in range(10):
        pieces = jigsaw(image, np.random.default_rng(seed))
        same = cv2.resize(pieces, image.shape[::-1]).astype(int) - image
        assert np.abs(same).mean() > 8


def test_what_is_cut_out_lies_within_the_picture(faces: Faces) -> None:
    rng = np.random.default_rng(0)
    for corner in ((-60, -20), (200, 240), (10, 10)):
        matrix = np.array([[0.6, -0.2, corner[0]], [0.2, 0.6, corner[1]]])
        patch = cut_out(faces.images[0], faces.landmarks[0], matrix, rng, SIZE)
        assert patch is not None
        left, top, width, height = patch.extent
        assert min(left, top) >= 0
        assert max(left + width, top + height) <= SIZE
        assert patch.mask.min() >= 0
        assert patch.mask.max() <= 1 + 1e-6
    assert cut_out(faces.images[0], faces.landmarks[0], np.array([[1.0, 0, 900], [0, 1, 0]]), rng, SIZE) is None


def test_a_batch_is_padded_and_told_apart(maker: SceneMaker) -> None:
    images, targets = make_batch(maker, 12)
    assert (images.shape, images.dtype) == ((12, SIZE, SIZE), torch.uint8)
    assert targets.boxes.shape[:2] == targets.kinds.shape == targets.landmarks.shape[:2]
    assert set(targets.kinds.unique().tolist()) <= {-1, 0, 1}
    real = targets.kinds != 0
    assert (targets.boxes[real][:, 2] > targets.boxes[real][:, 0]).all()
    assert not targets.boxes[~real].any()


# Who answers


def _targets(*boxes: tuple[float, float, float, float], kinds: tuple[int, ...] = ()) -> Targets:
    rows = torch.tensor([boxes], dtype=torch.float32)
    points = (rows[..., None, :2] + rows[..., None, 2:]) / 2 + torch.zeros(1, len(boxes), 5, 2)
    return Targets(rows, points, torch.tensor([kinds or (1,) * len(boxes)], dtype=torch.int8))


@pytest.mark.parametrize("size", [9, 14, 20, 30, 40, 47, 60, 76, 90, 103, 140, 200, 250])
def test_a_face_of_any_size_at_any_place_has_an_answer(size: float) -> None:
    shapes = [(SIZE // stride, SIZE // stride) for stride in STRIDES]
    for x in np.linspace(30, 225, 14):
        owner, empty = assign(_targets((x - size / 2, 100 - size / 2, x + size / 2, 100 + size / 2)), shapes)
        assert (owner == 0).any()
        assert not (empty & (owner >= 0)).any()
        assert empty.float().mean() > 0.7


def test_a_place_between_two_faces_takes_the_nearer_and_doubtful_ones_are_passed_over() -> None:
    shapes = [(SIZE // stride, SIZE // stride) for stride in STRIDES]
    owner, _ = assign(_targets((20, 20, 60, 60), (60, 20, 100, 60)), shapes)
    fine = owner[0, : 32 * 32].reshape(32, 32)
    assert fine[4, 4] == 0
    assert fine[4, 9] == 1
    owner, empty = assign(_targets((20, 20, 60, 60), kinds=(-1,)), shapes)
    assert (owner == -1).all()
    assert not empty[0, : 32 * 32].reshape(32, 32)[4, 4]
    owner, empty = assign(_targets((0, 0, 0, 0), kinds=(0,)), shapes)
    assert bool(empty.all())


def test_the_right_answer_costs_next_to_nothing() -> None:
    """And each kind of error costs more."""
    targets = _targets((100, 90, 140, 140))
    shapes = [(SIZE // stride, SIZE // stride) for stride in STRIDES]
    owner, _ = assign(targets, shapes)
    maps, start = [], 0
    for stride, (rows, columns) in zip(STRIDES, shapes, strict=True):
        level = torch.full((1, 15, rows, columns), 0.0)
        level[:, 0] = -12
        mine = owner[0, start : start + rows * columns].reshape(rows, columns) == 0
        start += rows * columns
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centre = torch.stack([x, y]) * stride + stride / 2 - 0.5
        near = torch.tensor([100.0, 90])[:, None, None], torch.tensor([140.0, 140])[:, None, None]
        reach = torch.cat([centre - near[0], near[1] - centre]).clamp(min=0.1)
        level[0, 1:5] = (reach / stride).log()
        level[0, 5:] = (targets.landmarks[0, 0].reshape(10, 1, 1) - centre.repeat(5, 1, 1)) / stride
        level[0, 0][mine] = 12
        maps.append(level)
    right = detector_loss(maps, targets)
    assert sum(float(value) for value in right.values()) < 0.01
    for channels, part in ((slice(0, 1), "score"), (slice(1, 5), "box"), (slice(5, 15), "landmarks")):
        wrong = [level.clone() for level in maps]
        for level in wrong:
            level[:, channels] = -level[:, channels] if part == "score" else level[:, channels] + 1
        assert detector_loss(wrong, targets)[part] > right[part] + 1e-3


def test_overlap_of_known_boxes() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10]])
    others = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]])
    shared, distance = overlap(boxes, others)
    assert torch.allclose(shared, torch.tensor([1, 1 / 3, 0]), atol=1e-4)
    assert torch.allclose(distance, torch.tensor([0, 25 / 325, 400 / 1000]), atol=1e-4)


# Learning


def test_training_learns_goes_on_after_a_break_and_the_exported_model_gives_the_same(
    maker: SceneMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    checkpoint, quiet = tmp_path / "run.pt", Console(quiet=True)
    run = Run.new()
    images, targets = make_batch(maker, 8)
    before = _loss(run.model, images, targets)
    assert train(run, maker, minutes=0.1, checkpoint=checkpoint, console=quiet, batch=4)
    assert _loss(run.learnt, images, targets) < before
    steps = run.steps
    again = load_run(checkpoint)
    assert (again.steps, again.pictures, again.seconds) == (steps, 4 * steps, run.seconds)
    for own, other in zip(run.model.state_dict().values(), again.model.state_dict().values(), strict=True):
        assert torch.equal(own, other)
    assert train(again, maker, minutes=0.12, checkpoint=checkpoint, console=quiet, batch=4)
    assert again.steps > steps

    monkeypatch.setattr(fit.StopRequest, "__enter__", lambda self: setattr(self, "asked", True) or self)
    assert not train(again, maker, minutes=5, checkpoint=checkpoint, console=quiet)

    path = tmp_path / "detector.onnx"
    export(again.learnt, path)
    assert path.stat().st_size < 1_000_000
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for shape in ((192, 320), (32, 32), (256, 64)):
        image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
        got = session.run(None, {"image": image})
        with torch.no_grad():
            expected = Exported(again.learnt)(torch.from_numpy(image))
        for one, other in zip(got, expected, strict=True):
            assert np.allclose(one, other.numpy(), atol=1e-2)


def test_the_network_does_not_mind_light_and_contrast() -> None:
    model = DetectorModel().eval()
    image = torch.randint(60, 120, (1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        one, other = decode(model(image))[1], decode(model(image * 2))[1]
    assert torch.allclose(one, other, atol=2)


def _loss(model: DetectorModel, images: torch.Tensor, targets: Targets) -> float:
    model.eval()
    with torch.no_grad():
        return sum(float(part) for part in detector_loss(model(images), targets).values())


# Judging


def _detections(*rows: tuple[float, float, float, float, float]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], np.zeros((len(table), 5, 2), np.float32), table[:, 4])


def test_each_face_is_found_once_and_the_rest_is_false() -> None:
    true = np.array([[0, 0, 10, 10], [50, 50, 10, 10], [90, 0, 10, 10]], np.float32)
    found = _detections((1, 0, 10, 10, 0.9), (0, 1, 10, 10, 0.8), (50, 50, 10, 12, 0.7), (20, 20, 10, 10, 0.3))
    judged = judge(found, true)
    assert judged.found.tolist() == pytest.approx([0.9, 0.7, -1])
    assert judged.which.tolist() == [0, 2, -1]
    assert judged.false.tolist() == pytest.approx([0.8, 0.3])
    assert judge(_detections(), true).found.tolist() == [-1, -1, -1]
    assert judge(found, true[:0]).false.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.3])


def test_recall_at_so_many_false_faces_a_picture() -> None:
    true = np.array([[0, 0, 10, 10]], np.float32)
    pictures = [
        judge(_detections((0, 0, 10, 10, 0.9), (50, 0, 9, 9, 0.8)), true),
        judge(_detections((50, 0, 9, 9, 0.6), (0, 0, 10, 10, 0.5)), true),
    ]
    assert recall_at(pictures, threshold_at(pictures, 0.0)) == 0.5
    assert recall_at(pictures, threshold_at(pictures, 0.5)) == 0.5
    assert recall_at(pictures, threshold_at(pictures, 1.0)) == 1
    assert np.isnan(recall_at([judge(_detections(), true[:0])], 0.5))


def test_no_boxes_make_a_batch_too(maker: SceneMaker) -> None:
    _, targets = collate([scenes.Scene(np.zeros((SIZE, SIZE), np.uint8))])
    assert targets.kinds.tolist() == [[0]]
