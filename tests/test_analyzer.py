"""The analyzer, on real photographs through real detectors and encoders."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.align import align_crops, face_template
from clef_rt.analyzer import Analyzer, load
from clef_rt.bundle import Bundle
from clef_rt.detect import Detections, Detector, load_detector
from clef_rt.errors import BundleError, ConfigError, DetectorError
from clef_rt.frame import STAGES, Face, Frame, Observation
from clef_rt.picture import Picture
from clef_rt.sources import open_source
from clef_rt.wire import Decoder, encode, topic_of
from tests.rigs import bundles
from tests.rigs.faces import Place, portrait, scene

STEP_NS = 40_000_000


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundles.make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def embedded() -> Detector:
    return load_detector("clef")


@pytest.fixture
def analyzer(bundle: Bundle, embedded: Detector) -> Analyzer:
    return Analyzer(bundle, detector=embedded)


class Counting:
    """A detector that says in which calls it was asked."""

    name = "counting"

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.calls = 0

    def detect(self, picture: Picture) -> Detections:
        self.calls += 1
        return self._detector.detect(picture)


class Giving:
    """A detector that gives what it's told."""

    name = "giving"

    def __init__(self, detections: Detections) -> None:
        self.detections = detections

    def detect(self, picture: Picture) -> Detections:
        return self.detections


class Recording:
    """An encoder that keeps its crops; each embedding points along the first axis."""

    description = "recording"

    def __init__(self) -> None:
        self.batches: list[NDArray[np.uint8]] = []

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(crops.copy())
        return np.eye(1, bundles.DIM, dtype=np.float32).repeat(len(crops), axis=0)


def frame(
    image: NDArray[np.uint8] | Sequence[Place], index: int = 0, *, camera: str = "front", epoch: int = 0
) -> Frame:
    pixels = image if isinstance(image, np.ndarray) else scene(image)
    now = time.monotonic_ns()
    return Frame(camera, epoch, index, Picture.from_array(pixels), index * STEP_NS, now, time.time_ns())


def ids(observation: Observation) -> list[int]:
    return [face.track_id for face in observation.faces]


def same(face: Face, other: Face, tolerance: float = 1e-5) -> bool:
    pairs = (
        (face.box, other.box),
        (face.landmarks, other.landmarks),
        (face.aus.values_array, other.aus.values_array),
        (face.expressions.values_array, other.expressions.values_array),
        (face.zero_shot.values_array, other.zero_shot.values_array),
    )
    return face.track_id == other.track_id and all(np.allclose(a, b, atol=tolerance) for a, b in pairs)


# Single pictures


def test_a_photograph_gives_its_face(analyzer: Analyzer) -> None:
    [face] = analyzer.analyze(portrait())
    assert face.track_id == -1
    x, y, width, height = face.box
    assert abs(x + width / 2 - 224) < 15
    assert abs(y + height / 2 - 112) < 20
    assert 80 < width < 120
    assert face.landmarks[0, 0] < face.landmarks[1, 0] < 260
    assert face.det_score > 0.9
    assert face.quality > 0.8
    assert list(face.aus) == ["AU01", "AU12_L"]
    assert sum(face.expressions.values()) == pytest.approx(1, abs=1e-5)
    assert list(face.zero_shot) == ["wink"]


def test_scores_are_those_of_the_aligned_crop(analyzer: Analyzer) -> None:
    [face] = analyzer.analyze(portrait())
    size = bundles.SIZE
    crop = np.zeros((1, size, size, 1), np.uint8)
    gray = Picture.from_array(portrait()).gray()
    align_crops(gray, face.landmarks, face_template(size), crop)
    scores = analyzer.labels.score(analyzer.encoder.encode(crop))
    assert np.allclose(face.aus.values_array, scores.au[0], atol=1e-6)
    assert np.allclose(face.expressions.values_array, scores.expression[0], atol=1e-6)


def test_colour_luminance_and_pictures_are_taken_alike(analyzer: Analyzer) -> None:
    image = portrait()
    [face] = analyzer.analyze(image)
    gray = Picture.from_array(image).gray()
    for other in (Picture.from_array(image), gray, np.asfortranarray(image), gray[:, ::-1].copy()[:, ::-1]):
        [found] = analyzer.analyze(other)
        assert same(face, found)


def test_landmarks_are_the_same_whatever_the_detector(bundle: Bundle, embedded: Detector) -> None:
    picture = portrait()
    [face] = Analyzer(bundle, detector=embedded).analyze(picture)
    off = face.landmarks + np.array([[4, -3], [-4, 3], [3, 5], [-5, 2], [2, -6]], np.float32)
    box = face.box + np.array([-6, 4, 8, -6], np.float32)
    other = Analyzer(bundle, detector=Giving(Detections(box[None], off[None], np.full(1, 0.8, np.float32))))
    [found] = other.analyze(picture)
    assert np.abs(found.landmarks - face.landmarks).max() < 1.5
    assert found.det_score == pytest.approx(0.8)
    [observation] = other.observe([frame(picture)])
    assert np.abs(observation.faces[0].landmarks - face.landmarks).max() < 1.5


def test_an_encoder_of_colour_gets_rgb(bundle: Bundle, embedded: Detector) -> None:
    spec = bundle.spec.model_copy(
        update={"input": bundle.spec.input.model_copy(update={"channels": 3, "color": "rgb"})}
    )
    encoder = Recording()
    image = portrait()
    [face] = Analyzer(replace(bundle, spec=spec), detector=embedded, encoder=encoder).analyze(image)
    [[crop]] = encoder.batches
    expected = np.zeros((1, bundles.SIZE, bundles.SIZE, 3), np.uint8)
    align_crops(np.ascontiguousarray(image[..., ::-1]), face.landmarks, face_template(bundles.SIZE), expected)
    assert np.array_equal(crop, expected[0])
    assert crop[..., 0].mean() > crop[..., 2].mean() + 20  # skin is red, not blue


def test_faces_come_best_first_and_at_most_so_many(bundle: Bundle, embedded: Detector) -> None:
    picture = scene([(110, 180, 130), (300, 180, 160), (500, 180, 230)])
    faces = Analyzer(bundle, detector=embedded).analyze(picture)
    assert len(faces) == 3
    scores = [face.det_score for face in faces]
    assert scores == sorted(scores, reverse=True)
    largest = Analyzer(bundle, detector=embedded, max_faces=2).analyze(picture)
    assert sorted(round(face.box[0]) for face in largest) == sorted(round(face.box[0]) for face in faces)[1:]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3, 3), (4, 900), (100, 40_000)])
def test_a_picture_without_a_face_gives_none(analyzer: Analyzer, shape: tuple[int, ...]) -> None:
    assert analyzer.analyze(np.full(shape, 128, np.uint8)) == []


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((9, 9), np.float32), ValueError, r"uint8; got \(9, 9\) float32"),
        (np.zeros((9, 9, 4), np.uint8), ValueError, r"got \(9, 9, 4\)"),
        (np.zeros((3,), np.uint8), ValueError, r"got \(3,\)"),
        (np.zeros((0, 9), np.uint8), ValueError, "at least one pixel"),
        (None, TypeError, "None, which cv2.imread returns"),
        ("face.jpg", TypeError, "takes an array; got str"),
    ],
)
def test_what_is_no_image_is_refused(analyzer: Analyzer, image: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        analyzer.analyze(image)  # type: ignore[arg-type]


def test_analyzing_a_picture_leaves_the_tracks_alone(analyzer: Analyzer) -> None:
    places = [(300, 180, 230)]
    [before] = analyzer.observe([frame(places, 0)])
    analyzer.analyze(portrait())
    [after] = analyzer.observe([frame(places, 1)])
    assert ids(before) == ids(after) == [0]


# Cameras


def test_an_observation_says_what_frame_it_is_of(analyzer: Analyzer) -> None:
    stamped = replace(
        frame([(300, 180, 230)], 7, epoch=3),
        captured_mono_ns=time.monotonic_ns() - 50_000_000,
        dropped=2,
        decode_ms=1.5,
    )
    [observation] = analyzer.observe([stamped])
    for name in ("camera", "epoch", "seq", "pts_ns", "captured_mono_ns", "captured_utc_ns", "dropped"):
        assert getattr(observation, name) == getattr(stamped, name)
    assert (observation.width, observation.height) == (640, 360)
    assert observation.labels_hash == analyzer.labels.labels_hash
    assert tuple(observation.ms) == STAGES
    assert observation.ms["decode"] == 1.5
    work = sum(observation.ms[stage] for stage in ("detect", "align", "encode"))
    assert 50 + work <= observation.ms["total"] < 50 + work + 1000
    assert all(value > 0 for value in observation.ms.values())


def test_a_face_that_moves_keeps_its_number_between_detections(bundle: Bundle, embedded: Detector) -> None:
    detector = Counting(embedded)
    analyzer = Analyzer(bundle, detector=detector)
    for index in range(30):
        x = 150 + 10 * index
        [observation] = analyzer.observe([frame([(x, 180, 200)], index)])
        assert ids(observation) == [0]
        assert abs(observation.faces[0].box[[0, 2]] @ (1, 0.5) - x) < 20
    assert detector.calls <= 4  # the first frame, and every tenth


@pytest.mark.parametrize("stamps", ["stream", "capture"])
def test_faces_are_followed_by_the_clock_that_runs_evenly(bundle: Bundle, embedded: Detector, stamps: str) -> None:
    # A file is decoded as fast as may be, with pauses; a stream without time stamps has its capture stamps alone.
    detector = Counting(embedded)
    analyzer = Analyzer(bundle, detector=detector, detect_every=1000)
    mono_ns = 0
    for index in range(12):
        mono_ns += STEP_NS if stamps == "capture" else 1_000_000 if index % 4 else 500_000_000
        moving = frame([(50 + 4 * index * (index + 1), 180, 200)], index)  # at last by its own width in each
        moving = replace(moving, captured_mono_ns=mono_ns, pts_ns=0 if stamps == "capture" else moving.pts_ns)
        [observation] = analyzer.observe([moving])
        assert ids(observation) == [0]
    assert detector.calls == 1


def test_two_faces_that_cross_keep_their_numbers(analyzer: Analyzer) -> None:
    for index in range(30):
        places = [(120 + 14 * index, 130, 150), (530 - 14 * index, 230, 150)]
        [observation] = analyzer.observe([frame(places, index)])
        assert ids(observation) == [0, 1]
        if index == 0:
            first = observation.faces[0].box[1]
    assert abs(observation.faces[0].box[1] - first) < 20


def test_only_faces_seen_now_are_reported_and_the_number_comes_back(analyzer: Analyzer) -> None:
    here, gone = [(300, 180, 230)], []
    places = [here] * 5 + [gone] * 4 + [here] * 5
    seen = [ids(analyzer.observe([frame(p, index)])[0]) for index, p in enumerate(places)]
    assert seen[:5] == [[0]] * 5
    assert seen[5:9] == [[]] * 4
    assert seen[-1] == [0]


def test_a_new_epoch_and_a_forgotten_camera_begin_anew(analyzer: Analyzer) -> None:
    left, right = [(150, 180, 230)], [(480, 180, 230)]
    for index in range(3):
        assert ids(analyzer.observe([frame(left, index)])[0]) == [0]
    # In the same epoch, another place is another face.
    assert ids(analyzer.observe([frame(right, 3, epoch=1)])[0]) == [0]
    assert ids(analyzer.observe([frame(right, 4, epoch=1)])[0]) == [0]
    analyzer.forget("front")
    assert ids(analyzer.observe([frame(left, 5, epoch=1)])[0]) == [0]
    analyzer.forget("nobody")


def test_cameras_in_one_batch_score_as_each_alone(bundle: Bundle, embedded: Detector) -> None:
    def front(index: int) -> Frame:
        return frame([(150 + 8 * index, 180, 200)], index, camera="front")

    def back(index: int) -> Frame:
        places = [(480 - 6 * index, 120, 150), (200, 250, 180)] if index > 4 else []
        return frame(places, index, camera="back", epoch=2)

    together = Analyzer(bundle, detector=embedded)
    alone = {name: Analyzer(bundle, detector=embedded) for name in ("front", "back")}
    most = 0
    for index in range(14):
        frames = [front(index), back(index)]
        observations = together.observe(frames)
        assert [observation.camera for observation in observations] == ["front", "back"]
        for one, observation in zip(frames, observations, strict=True):
            [expected] = alone[one.camera].observe([one])
            assert len(expected.faces) == len(observation.faces)
            assert all(same(a, b) for a, b in zip(expected.faces, observation.faces, strict=True))
        most = max(most, sum(len(observation.faces) for observation in observations))
    assert most == 3


def test_all_faces_of_all_cameras_are_encoded_at_once(bundle: Bundle, embedded: Detector) -> None:
    encoder = Recording()
    analyzer = Analyzer(bundle, detector=embedded, encoder=encoder)
    observations = analyzer.observe(
        [
            frame([(150, 180, 200), (450, 180, 200)], camera="one"),
            frame(np.full((50, 60), 90, np.uint8), camera="two"),
            frame([(300, 180, 230)], camera="three"),
        ]
    )
    assert [len(observation.faces) for observation in observations] == [2, 0, 1]
    assert [batch.shape for batch in encoder.batches] == [(3, bundles.SIZE, bundles.SIZE, 1)]


def test_there_is_room_for_any_number_of_faces(bundle: Bundle) -> None:
    steps = np.array([(x, y) for y in range(5) for x in range(8)], np.float32) * 80
    picture = scene([(x + 40, y + 40, 80) for x, y in steps], (640, 400))
    [face] = Analyzer(bundle).analyze(scene([(40, 40, 80)], (80, 80)))
    landmarks = face.landmarks + steps[:, None]
    boxes = np.concatenate([face.box[:2] + steps, face.box[None, 2:].repeat(40, 0)], axis=1)
    detector = Giving(Detections(boxes, landmarks, np.full(40, 0.9, np.float32)))
    analyzer = Analyzer(bundle, detector=detector, max_faces=256)
    for _ in range(2):
        faces = analyzer.analyze(picture)
        assert len(faces) == 40
        for found, step in zip(faces, steps, strict=True):
            assert np.allclose(found.landmarks - step, face.landmarks, atol=1)
            assert np.allclose(found.aus.values_array, face.aus.values_array, atol=0.1)


def around(found: Detections) -> Detections:
    """The same faces with their hair, as cascades give them beside the faces."""
    larger = found.boxes * (1, 1, 1.7, 1.6) - found.boxes[:, [2, 3, 0, 0]] * (0.35, 0.45, 0, 0)
    return Detections(larger.astype(np.float32), found.landmarks, found.scores * np.float32(0.8))


def test_a_box_around_another_is_no_second_face(bundle: Bundle, embedded: Detector) -> None:
    picture = scene([(310, 180, 200)])
    true = embedded.detect(Picture.from_array(picture))
    analyzer = Analyzer(bundle, detector=Giving(Detections.joined(true, around(true))))
    assert len(analyzer.analyze(picture)) == len(true) == 1
    [observation] = analyzer.observe([frame(picture)])
    assert len(observation.faces) == 1


def test_a_box_around_a_followed_face_is_no_second_face(bundle: Bundle, embedded: Detector) -> None:
    picture = scene([(310, 180, 200)])
    true = embedded.detect(Picture.from_array(picture))
    larger = around(true)
    detector = Giving(true)
    analyzer = Analyzer(bundle, detector=detector, detect_every=1)
    assert ids(analyzer.observe([frame(picture, 0)])[0]) == [0]
    detector.detections = larger
    assert [ids(analyzer.observe([frame(picture, index)])[0]) for index in range(1, 5)] == [[0]] * 4


def test_a_detector_is_asked_seldom_but_more_often_without_a_face(bundle: Bundle, embedded: Detector) -> None:
    def calls(places: Sequence[Place], every: int) -> list[int]:
        detector = Counting(embedded)
        analyzer = Analyzer(bundle, detector=detector, detect_every=every)
        picture = scene(places, (240, 180))
        counts = [0]
        for index in range(31):
            analyzer.observe([frame(picture, index)])
            counts.append(detector.calls)
        return list(np.flatnonzero(np.diff(counts)))

    here = [(120, 90, 170)]
    assert calls(here, 1) == list(range(31))
    steady, empty = calls(here, 10), calls([], 10)
    assert steady[0] == empty[0] == 0
    assert list(np.diff(steady[1:])) == [10] * (len(steady) - 2)
    assert list(np.diff(empty[1:])) == [3] * (len(empty) - 2)


def test_a_face_that_jumps_is_searched_for_in_the_same_frame(bundle: Bundle, embedded: Detector) -> None:
    analyzer = Analyzer(bundle, detector=embedded, detect_every=1000)
    analyzer.observe([frame([(150, 180, 200)], 0)])
    analyzer.observe([frame([(150, 180, 200)], 1)])
    [observation] = analyzer.observe([frame([(480, 180, 200)], 2)])
    assert len(observation.faces) == 1
    assert observation.faces[0].box[0] > 350


def test_cameras_take_turns_to_search(bundle: Bundle, embedded: Detector) -> None:
    detector = Counting(embedded)
    analyzer = Analyzer(bundle, detector=detector)
    counts = [0]
    picture = scene([(120, 90, 170)], (240, 180))
    for index in range(21):
        analyzer.observe([frame(picture, index, camera=f"camera-{number}") for number in range(4)])
        counts.append(detector.calls)
    per_tick = np.diff(counts)
    assert per_tick[0] == 4
    assert per_tick[1:].sum() == 8
    assert per_tick[1:].max() <= 2


def test_faces_that_can_not_be_aligned_are_left_out(bundle: Bundle) -> None:
    picture = portrait()
    [face] = Analyzer(bundle).analyze(picture)
    away = np.array([400, 300, 20, 20], np.float32)  # no face there
    bad = [
        np.full((5, 2), 410.0) - (0, 100),
        np.full((5, 2), np.nan),
        np.full((5, 2), np.inf),
        np.full((5, 2), 7.0),
        np.zeros((5, 2)),
        np.full((5, 2), 1e30),
    ]
    landmarks = np.array([*bad, face.landmarks], np.float32)
    boxes = np.array([*[away] * len(bad), face.box], np.float32)
    analyzer = Analyzer(bundle, detector=Giving(Detections(boxes, landmarks, np.full(len(boxes), 0.9, np.float32))))
    [found] = analyzer.analyze(picture)
    assert np.allclose(found.box, face.box, atol=3)
    for index in range(12):
        [observation] = analyzer.observe([frame(picture, index)])
        [found] = observation.faces
        assert np.allclose(found.box, face.box, atol=5)


def test_boxes_without_sense_do_no_harm(bundle: Bundle) -> None:
    boxes = np.array(
        [
            [np.nan, 0, 10, 10],
            [0, 0, 0, 0],
            [0, 0, -5, 9],
            [1e9, 1e9, 50, 50],
            [-1e4, -1e4, 3e4, 3e4],
            [0, 0, np.inf, 5],
        ],
        np.float32,
    )
    landmarks = np.random.default_rng(0).normal(100, 30, (len(boxes), 5, 2)).astype(np.float32)
    analyzer = Analyzer(bundle, detector=Giving(Detections(boxes, landmarks, np.ones(len(boxes), np.float32))))
    for index in range(12):
        [observation] = analyzer.observe([frame(portrait(), index)])
        for face in observation.faces:
            assert np.isfinite(face.box).all()
            assert np.isfinite(face.landmarks).all()
        encode(observation)


def test_two_frames_of_a_camera_are_refused_and_none_is_nothing(analyzer: Analyzer) -> None:
    assert analyzer.observe([]) == []
    with pytest.raises(ValueError, match="one frame of each camera"):
        analyzer.observe([frame([], 0), frame([], 1)])


def test_a_frame_may_change_its_size(analyzer: Analyzer) -> None:
    for index, size in enumerate([(640, 360), (320, 240), (1280, 720)]):
        [observation] = analyzer.observe([frame(scene([(150, 120, 200)], size), index)])
        assert (observation.width, observation.height) == size
        assert len(observation.faces) == 1


# Real videos


def test_the_faces_of_a_real_video_keep_their_numbers(analyzer: Analyzer, shared_data: Path) -> None:
    path = shared_data / "media" / "pexels" / "WolfgangLanger_Pexels.mp4"
    seen = []
    with open_source(path, camera="front") as source:
        for one in source:
            seen.append(ids(analyzer.observe([one])[0]))
            if len(seen) == 100:
                break
    assert seen == [[0]] * 100


def test_a_video_without_a_face_has_none(analyzer: Analyzer, video: Path) -> None:
    with open_source(video) as source:
        assert [len(analyzer.observe([one])[0].faces) for one in source] == [0] * 45


# Making one


def test_load_makes_an_analyzer_of_a_bundle(bundle: Bundle) -> None:
    analyzer = load(bundle.path, threads=1, detect_every=5)
    assert analyzer.bundle.sha256 == bundle.sha256
    described = analyzer.describe()
    assert described["bundle"] == "tiny.test"
    assert described["detector"] == "clef"
    assert "onnxruntime" in described["encoder"]
    assert "2 Action Units" in described["labels"]
    assert len(analyzer.analyze(portrait())) == 1


def test_a_hello_names_the_labels(analyzer: Analyzer) -> None:
    hello = analyzer.hello("front")
    assert hello.aus == ("AU01", "AU12_L")
    assert hello.experimental == ("AU12_L",)
    assert hello.thresholds["AU12_L"] == 0.25
    assert hello.labels_hash == analyzer.labels.labels_hash
    decoder = Decoder()
    assert decoder.decode(encode(hello), topic_of(hello)) == hello
    [observation] = analyzer.observe([frame([(300, 180, 230)])])
    heard = decoder.decode(encode(observation), topic_of(observation))
    assert isinstance(heard, Observation)
    assert same(heard.faces[0], observation.faces[0])


def test_mistakes_are_named(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No bundle at"):
        load(tmp_path / "none")
    with pytest.raises(DetectorError, match="no detector 'cascde'"):
        load(bundle.path, detector="cascde")
    with pytest.raises(ConfigError, match="detect_every is 0"):
        Analyzer(bundle, detect_every=0)
    for number in (0, 257):
        with pytest.raises(ConfigError, match=f"max_faces is {number}"):
            Analyzer(bundle, max_faces=number)
