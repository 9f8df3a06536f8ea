from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks, roll_from_landmarks
from clef_rt.detect.landmarks import CROP_SIZE, MODEL, LandmarkNet, cut_crop, square_around
from clef_rt.errors import DetectorError
from clef_rt.picture import Picture

ASTRONAUT = np.array([[203, 101], [246, 103], [223, 127], [202, 140], [244, 140]], np.float32)
"""Read off the picture by hand, to 1 px: eyes, nose, corners of the mouth."""


@pytest.fixture(scope="module")
def net() -> LandmarkNet:
    return LandmarkNet()


@pytest.fixture
def gray(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return Picture.from_array(astronaut).gray()


def _error(points: NDArray[np.float32], truth: NDArray[np.float32] = ASTRONAUT) -> float:
    return float(np.linalg.norm(points - truth, axis=1).mean() / np.linalg.norm(truth[0] - truth[1]))


def test_the_model_is_small_enough_to_ship() -> None:
    assert MODEL.stat().st_size < 400_000


@pytest.mark.parametrize("shift", [(0, 0), (0.15, 0), (-0.15, 0.1), (0, -0.15)])
@pytest.mark.parametrize("zoom", [0.8, 1.0, 1.3])
def test_landmarks_are_found_from_a_box_that_is_off(
    net: LandmarkNet, gray: NDArray[np.uint8], shift: tuple[float, float], zoom: float
) -> None:
    x, y, width, height = box_from_landmarks(ASTRONAUT[None])[0]
    centre_x, centre_y = x + width * (0.5 + shift[0]), y + height * (0.5 + shift[1])
    rough = np.array([[centre_x - width * zoom / 2, centre_y - height * zoom / 2, width * zoom, height * zoom]])
    [(landmarks, presence)] = net.refine([gray], [rough.astype(np.float32)])
    assert landmarks.shape == (1, 5, 2)
    assert landmarks.dtype == presence.dtype == np.float32
    assert presence[0] > 0.9
    assert _error(landmarks[0]) < 0.12


def test_a_face_is_followed_by_the_network_alone(net: LandmarkNet, gray: NDArray[np.uint8]) -> None:
    """It moves by a tenth of its width in each frame, turns and grows."""
    box = box_from_landmarks(ASTRONAUT[None])
    for frame in range(25):
        matrix = cv2.getRotationMatrix2D((226, 130), np.sin(frame / 6) * 15, 1 + frame / 25)
        matrix[:, 2] += 7 * frame * np.array([1, 0.5])
        moved = cv2.warpAffine(gray, matrix, (700, 700))
        truth = (ASTRONAUT @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        [(landmarks, presence)] = net.refine([moved], [box])
        assert presence[0] > 0.6, frame
        assert _error(landmarks[0], truth) < 0.15, frame
        box = box_from_landmarks(landmarks)


@pytest.mark.parametrize("degrees", [-50, -30, 30, 50])
def test_a_second_pass_finds_the_landmarks_of_tilted_heads(
    net: LandmarkNet, gray: NDArray[np.uint8], degrees: float
) -> None:
    matrix = cv2.getRotationMatrix2D((226, 130), degrees, 1)
    matrix[:, 2] += 100
    tilted = cv2.warpAffine(gray, matrix, (700, 700), borderMode=cv2.BORDER_REPLICATE)
    truth = (ASTRONAUT @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    [(landmarks, presence)] = net.refine([tilted], [box_from_landmarks(truth[None])], passes=2)
    assert presence[0] > 0.9
    assert _error(landmarks[0], truth) < 0.12
    assert roll_from_landmarks(landmarks)[0] == pytest.approx(np.radians(-degrees), abs=0.1)


def test_a_lost_face_is_noticed(net: LandmarkNet, gray: NDArray[np.uint8]) -> None:
    box = box_from_landmarks(ASTRONAUT[None])
    covered = gray.copy()
    covered[60:190, 160:290] = 120
    noise = np.random.default_rng(0).integers(0, 255, gray.shape, np.uint8)
    for picture in (covered, noise, np.zeros_like(gray), gray[::-1].copy()):
        [(_, presence)] = net.refine([picture], [box])
        assert presence[0] < 0.5


def test_what_is_no_face_is_told_from_one(net: LandmarkNet) -> None:
    data = pytest.importorskip("skimage.data")
    alarms = total = 0
    for image in (data.coffee(), data.rocket(), data.brick()):  # none of them was trained on
        picture = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        boxes = [
            (x, y, s, s) for s in (40, 90, 200) for y in range(0, 400 - s, s // 2) for x in range(0, 400 - s, s // 2)
        ]
        [(_, presence)] = net.refine([picture], [np.array(boxes, np.float32)])
        alarms, total = alarms + int((presence > 0.5).sum()), total + len(boxes)
    assert alarms / total < 0.04


def test_all_faces_of_all_pictures_are_found_as_each_alone(net: LandmarkNet, gray: NDArray[np.uint8]) -> None:
    box = box_from_landmarks(ASTRONAUT[None])
    many = np.repeat(box, 150, axis=0) + np.random.default_rng(0).uniform(-5, 5, (150, 4)).astype(np.float32)
    half = np.ascontiguousarray(gray[::2, ::2])
    pictures, boxes = [gray, half, gray, half], [many, np.zeros((0, 4), np.float32), box, box / 2]
    together = net.refine(pictures, boxes)
    assert [len(points) for points, _ in together] == [150, 0, 1, 1]
    for picture, rough, (landmarks, presence) in zip(pictures, boxes, together, strict=True):
        [(alone, sure)] = net.refine([picture], [rough])
        assert np.allclose(landmarks, alone, atol=0.02)
        assert np.allclose(presence, sure, atol=1e-3)


def test_nothing_gives_nothing(net: LandmarkNet, gray: NDArray[np.uint8]) -> None:
    assert net.refine([], []) == []
    [(landmarks, presence)] = net.refine([gray], [np.zeros((0, 4), np.float32)], passes=2)
    assert landmarks.shape == (0, 5, 2)
    assert presence.shape == (0,)
    with pytest.raises(ValueError, match="zip"):
        net.refine([gray], [])


@given(rows=st.lists(st.tuples(*[st.floats(width=32)] * 4), max_size=4))
def test_any_box_gives_finite_landmarks_from_which_a_box_can_be_made(
    rows: list[tuple[float, float, float, float]],
) -> None:
    net, picture = _shared_net(), np.random.default_rng(0).integers(0, 255, (90, 120), np.uint8)
    [(landmarks, presence)] = net.refine([picture], [np.array(rows, np.float32).reshape(-1, 4)], passes=2)
    assert np.isfinite(box_from_landmarks(landmarks)).all()
    assert ((presence >= 0) & (presence <= 1)).all()


def _shared_net(made: list[LandmarkNet] = []) -> LandmarkNet:  # noqa: B006
    if not made:
        made.append(LandmarkNet())
    return made[0]


@pytest.mark.parametrize("side", [30, 64, 200, 500])
@pytest.mark.parametrize("corner", [(-20, -9), (100, 50), (380, 330), (-5, 340)])
def test_a_crop_shows_what_lies_in_its_square(side: int, corner: tuple[int, int]) -> None:
    y, x = np.mgrid[:400, :400]
    for plane in (x, y):
        out = np.empty((CROP_SIZE, CROP_SIZE), np.uint8)
        cut_crop((plane * 255 / 400).astype(np.uint8), np.array([*corner, side]), out)
        along = (np.arange(CROP_SIZE) + 0.5) / CROP_SIZE * side - 0.5
        expected = np.clip((along + corner[0 if plane is x else 1]), 0, 399) * 255 / 400
        got = out if plane is x else out.T
        assert np.abs(got - expected).max() < max(4, 1.5 * side / CROP_SIZE)


@pytest.mark.parametrize("side", [40, 64, 150, 420])
@pytest.mark.parametrize("roll", [-2.0, -0.3, 0.5, 1.2])
def test_a_turned_crop_shows_what_lies_in_its_turned_square(side: int, roll: float) -> None:
    y, x = np.mgrid[:400, :400]
    corner = np.array([120, 90])
    along = ((np.arange(CROP_SIZE) + 0.5) / CROP_SIZE - 0.5) * side
    right, down = np.meshgrid(along, along)
    centre = corner + (side - 1) / 2
    at_x = centre[0] + np.cos(roll) * right - np.sin(roll) * down
    at_y = centre[1] + np.sin(roll) * right + np.cos(roll) * down
    inside = (at_x > 5) & (at_x < 394) & (at_y > 5) & (at_y < 394)
    for plane, at in ((x, at_x), (y, at_y)):
        out = np.empty((CROP_SIZE, CROP_SIZE), np.uint8)
        cut_crop((plane * 255 / 400).astype(np.uint8), np.array([*corner, side]), out, roll)
        assert np.abs(out - at * 255 / 400)[inside].max() < 4


def test_a_square_far_outside_is_black_and_sizes_are_bounded() -> None:
    out = np.full((CROP_SIZE, CROP_SIZE), 9, np.uint8)
    cut_crop(np.full((50, 50), 200, np.uint8), np.array([900, 900, 40]), out)
    assert not out.any()
    squares = square_around(np.array([[0, 0, 0, 0], [1e30, 0, 1e30, 5], [np.nan, 0, 10, 10]], np.float32))
    assert (squares[:, 2] >= 4).all()
    assert (squares[:, 2] <= 20_000).all()


def test_a_model_that_is_missing_damaged_or_of_another_kind_is_refused(tmp_path: Path, shared_data: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(MODEL.read_bytes()[:1000])
    cases = [(tmp_path / "none.onnx", "missing"), (damaged, "can't be loaded")]
    cases.append((shared_data / "yunet" / "yunet_n_640_640.onnx", "isn't a landmark model"))
    for path, message in cases:
        with pytest.raises(DetectorError, match=message):
            LandmarkNet(path)


@pytest.mark.parametrize("name", ["obama.jpg", "two_people.jpg", "single_face.jpg"])
def test_landmarks_agree_with_yunet_on_photographs(
    net: LandmarkNet, photo: Callable[[str], Picture], shared_data: Path, name: str
) -> None:
    from clef_rt.detect import load_detector

    picture = photo(name)
    found = load_detector(f"yunet:{shared_data}/yunet/yunet_s_640_640.onnx").detect(picture)
    [(landmarks, presence)] = net.refine([picture.gray()], [found.boxes])
    assert (presence > 0.9).all()
    for points, truth in zip(landmarks, found.landmarks, strict=True):
        assert _error(points, truth) < 0.15


def test_what_is_hopeless_is_looked_at_once(net: LandmarkNet, gray: NDArray[np.uint8]) -> None:
    boxes = np.concatenate([box_from_landmarks(ASTRONAUT[None]), np.array([[380, 300, 90, 110]], np.float32)])
    [(once, first)] = net.refine([gray], [boxes])
    [(twice, second)] = net.refine([gray], [boxes], passes=2)
    [(landmarks, presence)] = net.refine([gray], [boxes], passes=2, least=0.5)
    assert first[0] > 0.5 > first[1]
    assert np.allclose(landmarks[0], twice[0], atol=0.02)
    assert np.allclose(landmarks[1], once[1], atol=0.02)
    assert presence == pytest.approx([second[0], first[1]], abs=1e-3)
