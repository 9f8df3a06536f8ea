"""The three detectors on the same photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.detect import Detector, load_detector
from clef_rt.detect.boxes import iou
from clef_rt.detect.clef import MODEL, ClefDetector
from clef_rt.errors import DetectorError, MissingExtra
from clef_rt.picture import Picture

PHOTOS = {"astronaut": 1, "obama.jpg": 1, "two_people.jpg": 2, "single_face.jpg": 1}
"""Number of faces in each."""
NAMES = ("clef", "yunet", "scrfd")


@pytest.fixture(params=NAMES)
def detector(request: pytest.FixtureRequest) -> Detector:
    return _detector(request.param, request)


def _detector(name: str, request: pytest.FixtureRequest) -> Detector:
    if name == "clef":
        return load_detector("auto")
    shared: Path = request.getfixturevalue("shared_data")
    if name == "yunet":
        return load_detector(f"yunet:{shared}/yunet/yunet_s_640_640.onnx")
    pytest.importorskip("insightface", reason="insightface isn't installed")
    return load_detector(f"scrfd:{shared}/scrfd_noncommercial/scrfd_500m_bnkps.onnx")


@pytest.mark.parametrize("name", PHOTOS)
def test_every_face_is_found_and_nothing_else(detector: Detector, photo: Callable[[str], Picture], name: str) -> None:
    picture = photo(name)
    found = detector.detect(picture)
    assert len(found) == PHOTOS[name]
    assert found.boxes.shape == (len(found), 4)
    assert found.landmarks.shape == (len(found), 5, 2)
    assert found.boxes.dtype == found.landmarks.dtype == found.scores.dtype == np.float32
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores > 0.5) & (found.scores <= 1)).all()
    for points in found.landmarks:
        right_eye, left_eye, nose, right_mouth, left_mouth = points
        assert right_eye[0] < left_eye[0]
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(("one", "other"), [("clef", "yunet"), ("clef", "scrfd"), ("yunet", "scrfd")])
def test_detectors_agree_on_boxes_and_landmarks(
    request: pytest.FixtureRequest, photo: Callable[[str], Picture], name: str, one: str, other: str
) -> None:
    picture = photo(name)
    some, others = (_detector(kind, request).detect(picture) for kind in (one, other))
    overlaps = iou(some.boxes, others.boxes)
    match = overlaps.argmax(axis=1)
    assert len(set(match)) == len(some) == len(others)
    assert (overlaps.max(axis=1) > 0.5).all()
    eyes = np.linalg.norm(some.landmarks[:, 0] - some.landmarks[:, 1], axis=1)
    errors = np.linalg.norm(some.landmarks - others.landmarks[match], axis=2).mean(axis=1) / eyes
    assert (errors < 0.16).all()


def test_a_picture_without_faces_gives_none(detector: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    for image in (noise, np.zeros_like(noise)):
        found = detector.detect(Picture.from_array(image))
        assert len(found) == 0
        assert found.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (19, 19, 3), (700, 5, 3), (31, 640, 3)])
def test_pictures_of_odd_shapes_are_no_error(detector: Detector, shape: tuple[int, ...]) -> None:
    """Nor do they make OpenCV "find" faces in uninitialised memory."""
    for _ in range(10):
        assert len(detector.detect(Picture.from_array(np.full(shape, 90, np.uint8)))) == 0


def test_one_detector_takes_pictures_of_many_sizes(detector: Detector, astronaut: NDArray[np.uint8]) -> None:
    """The face lies at the same place, relative to the picture."""
    centres = []
    for width in (256, 300, 512, 1280, 256):
        resized = np.asarray(cv2.resize(astronaut, (width, width), interpolation=cv2.INTER_AREA), np.uint8)
        found = detector.detect(Picture.from_array(resized))
        assert len(found) == 1, width
        centres.append((found.landmarks[0].mean(axis=0) + 0.5) / width)
    assert np.ptp(centres, axis=0).max() < 0.02


def test_grey_pictures_are_taken_too(detector: Detector, astronaut: NDArray[np.uint8]) -> None:
    assert len(detector.detect(Picture.from_array(Picture.from_array(astronaut).gray()))) == 1


def test_four_faces_at_once_are_found(detector: Detector, astronaut: NDArray[np.uint8]) -> None:
    head = astronaut[20:240, 110:330]
    scene = np.full((720, 1280, 3), 100, np.uint8)
    for row in range(2):
        for column in range(2):
            scene[80 + 320 * row : 300 + 320 * row, 200 + 600 * column : 420 + 600 * column] = head
    assert len(detector.detect(Picture.from_array(scene))) == 4


def test_the_embedded_one_converts_no_colour(astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture.from_array(Picture.from_array(astronaut).gray())
    monkeypatch.setattr(Picture, "bgr", lambda self: pytest.fail("colour was asked for"))
    assert len(load_detector("clef").detect(picture)) == 1


def test_a_higher_threshold_leaves_faces_out(astronaut: NDArray[np.uint8]) -> None:
    assert len(ClefDetector(threshold=1.1).detect(Picture.from_array(astronaut))) == 0


@pytest.mark.parametrize("name", ["haar", "cascade", "auto:", "", "SCRFD2"])
def test_an_unknown_detector_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(DetectorError, match="clef, yunet, scrfd"):
        load_detector(name)


def test_model_files_that_cannot_be_used_are_refused_with_a_hint(tmp_path: Path, shared_data: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes((shared_data / "yunet" / "yunet_n_640_640.onnx").read_bytes()[:5000])
    for path in (damaged, shared_data / "yunet" / "yunet_n_dynamic.onnx"):
        with pytest.raises(DetectorError, match="fixed size"):
            load_detector(str(path))
    for kind in ("yunet", "scrfd"):
        if kind == "scrfd":
            pytest.importorskip("insightface", reason="insightface isn't installed")
        with pytest.raises(DetectorError, match="doesn't exist"):
            load_detector(f"{kind}:{tmp_path}/none.onnx")


def test_scrfd_refuses_a_model_of_another_kind(tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("insightface", reason="insightface isn't installed")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no model")
    for path in (damaged, Path(str(shared_data / "yunet" / "yunet_n_640_640.onnx"))):
        with pytest.raises(DetectorError, match="SCRFD"):
            load_detector(f"scrfd:{path}")


def test_scrfd_without_insightface_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "insightface", None)
    with pytest.raises(MissingExtra, match=r"clef-rt\[scrfd\]"):
        load_detector("scrfd")


def test_the_embedded_model_is_small_enough_to_ship() -> None:
    assert MODEL.stat().st_size < 1_000_000


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40])
def test_tilted_heads_are_found(astronaut: NDArray[np.uint8], degrees: float) -> None:
    matrix = cv2.getRotationMatrix2D((226, 130), degrees, 1)
    matrix[:, 2] += 100
    tilted = cv2.warpAffine(astronaut, matrix, (700, 700), borderMode=cv2.BORDER_REPLICATE)
    found = load_detector("clef").detect(Picture.from_array(np.asarray(tilted, np.uint8)))
    assert len(found) >= 1  # the suit, turned, has been taken for faces too, with lower scores
    eyes = found.landmarks[0, 1] - found.landmarks[0, 0]
    assert np.degrees(np.arctan2(eyes[1], eyes[0])) == pytest.approx(-degrees, abs=10)
    nose = matrix @ (223, 127, 1)
    assert np.linalg.norm(found.landmarks[0, 2] - nose) < 10


def test_small_faces_are_found_in_a_large_picture(astronaut: NDArray[np.uint8]) -> None:
    """A fortieth of the picture's width: from 50 px heads on."""
    scene = np.full((720, 1280, 3), 120, np.uint8)
    head = cv2.resize(astronaut[0:256, 96:352], (100, 100), interpolation=cv2.INTER_AREA)
    for left in (100, 600, 1100):
        scene[300:400, left : left + 100] = head
    found = ClefDetector(max_side=640).detect(Picture.from_array(scene))
    assert len(found) == 3
    assert np.allclose(np.sort(found.landmarks[:, 2, 0]) - (100, 600, 1100), 50, atol=6)


def test_the_network_alone_places_what_it_proposes(astronaut: NDArray[np.uint8]) -> None:
    detector = ClefDetector()
    gray = Picture.from_array(astronaut).gray()
    proposals = detector.propose(gray)
    found = detector.detect(Picture.from_array(astronaut))
    assert iou(proposals.boxes[:1], found.boxes)[0, 0] > 0.5
    assert np.linalg.norm(proposals.landmarks[0] - found.landmarks[0], axis=1).max() < 16


def test_a_model_of_another_kind_is_refused(tmp_path: Path, shared_data: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(MODEL.read_bytes()[:1000])
    other = shared_data / "yunet" / "yunet_n_640_640.onnx"
    for path, message in [
        (tmp_path / "none.onnx", "missing"),
        (damaged, "can't be loaded"),
        (other, "isn't a detector"),
    ]:
        with pytest.raises(DetectorError, match=message):
            load_detector(f"clef:{path}")
