from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.align import face_template
from clef_rt.assign import assign
from clef_rt.detect import Detections
from clef_rt.detect.boxes import box_from_landmarks
from clef_rt.detect.clef import ClefDetector
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.one_euro import OneEuro
from clef_rt.picture import Picture
from clef_rt.track import Track, Tracker

FRAME_NS = 33_333_333
POINT = st.tuples(st.floats(-500, 3000), st.floats(-500, 3000))
SHAPE = (face_template(100).points + 0.5) / 100


def _detections(
    centres: Sequence[Sequence[float]], size: float = 100, scores: Sequence[float] | None = None
) -> Detections:
    at = np.reshape(np.asarray(centres, np.float32), (-1, 2))
    boxes = np.concatenate([at - size / 2, np.full_like(at, size)], axis=1)
    landmarks = (SHAPE * size)[None] + boxes[:, None, :2]
    given_scores = np.full(len(at), 0.9) if scores is None else np.asarray(scores)
    return Detections(boxes, landmarks.astype(np.float32), given_scores.astype(np.float32))


def _play(tracker: Tracker, path: Callable[[int], Sequence[Sequence[float]]], frames: int) -> list[list[Track]]:
    return [tracker.update(_detections(path(index)), index * FRAME_NS, detected=True) for index in range(frames)]


def _centre(track: Track) -> np.ndarray:
    return track.box[:2] + track.box[2:] / 2


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_assignment_is_the_best_of_all(seed: int, rows: int, columns: int) -> None:
    gain = np.random.default_rng(seed).uniform(-0.5, 1, (rows, columns))
    pairs = assign(gain)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(gain[pair] > 0 for pair in pairs)
    wide = gain if rows <= columns else gain.T
    best = max(
        sum(max(wide[row, column], 0) for row, column in enumerate(chosen))
        for chosen in itertools.permutations(range(wide.shape[1]), wide.shape[0])
    )
    assert sum(gain[pair] for pair in pairs) == pytest.approx(best)


def test_assignment_of_nothing_is_nothing() -> None:
    assert assign(np.zeros((0, 3))) == []
    assert assign(np.zeros((3, 0))) == []
    assert assign(np.zeros((2, 2))) == []


def test_a_moving_face_keeps_its_number_and_its_figures_are_told() -> None:
    tracks = _play(Tracker(), lambda index: [(100 + 12 * index, 200 + 5 * index)], 30)
    assert [[track.track_id for track in frame] for frame in tracks] == [[0]] * 30
    last = tracks[-1][0]
    assert (last.age, last.missed, last.first_seen_ns, last.last_seen_ns) == (29, 0, 0, 29 * FRAME_NS)
    assert last.score == pytest.approx(0.9)
    assert np.allclose(_centre(last), (100 + 12 * 29, 200 + 5 * 29))


@pytest.mark.parametrize("speed", [(0, 0), (6, 0), (-9, 4), (15, 15)])
@pytest.mark.parametrize("gap", [1, 5, 10])
def test_a_face_keeps_its_number_through_ten_missed_frames(speed: tuple[float, float], gap: int) -> None:
    def path(index: int) -> list[tuple[float, float]]:
        hidden = 10 <= index < 10 + gap
        return [] if hidden else [(500 + speed[0] * index, 400 + speed[1] * index)]

    tracks = _play(Tracker(), path, 11 + gap)
    assert [track.missed for track in tracks[9 + gap]] == [gap]
    assert [(track.track_id, track.missed) for track in tracks[-1]] == [(0, 0)]


def test_an_eleventh_missed_frame_ends_a_track_and_its_number_is_not_used_again() -> None:
    tracks = _play(Tracker(), lambda index: [] if 5 <= index < 16 else [(300, 300)], 20)
    assert len(tracks[14]) == 1
    assert tracks[15] == []
    assert [track.track_id for track in tracks[19]] == [1]


@pytest.mark.parametrize("hidden", [0, 3, 8])
@pytest.mark.parametrize("speed", [4, 8, 16])
def test_two_faces_that_cross_keep_their_numbers(speed: int, hidden: int) -> None:
    """The one behind isn't seen for some frames about the crossing."""
    frames = 2 * 480 // (2 * speed)

    def path(index: int) -> list[tuple[float, float]]:
        front, behind = (200 + speed * index, 300), (680 - speed * index, 310)
        return [front] if hidden and abs(index - frames / 2) <= hidden / 2 else [front, behind]

    tracker = Tracker()
    tracks = _play(tracker, path, frames)
    assert {track.track_id for frame in tracks for track in frame} == {0, 1}
    front, behind = tracks[-1]
    assert _centre(front)[0] > 600
    assert _centre(behind)[0] < 300


def test_two_tracks_that_collapse_on_one_face_become_one_again() -> None:
    tracker = Tracker()
    _play(tracker, lambda index: [(300 + 12 * index, 300), (500, 300)], 12)
    for index in range(12, 40):  # both predicted boxes lead the landmark network to the same face
        t_ns = index * FRAME_NS
        tracks = tracker.update(_detections([(500, 300), (503, 301)], scores=[0.99, 0.98]), t_ns, detected=False)
        assert sum(track.missed == 0 for track in tracks) == 1
        assert [track.track_id for track in tracks if track.missed == 0] == [1]
    assert [track.track_id for track in tracks] == [1]


def test_only_a_detector_starts_tracks() -> None:
    tracker = Tracker()
    assert tracker.update(_detections([(100, 100)]), 0, detected=False) == []
    assert len(tracker.update(_detections([(100, 100)]), 1, detected=True)) == 1
    assert len(tracker.update(_detections([(100, 100), (600, 100)]), FRAME_NS, detected=False)) == 1


def test_doubtful_faces_start_no_track_but_keep_one() -> None:
    tracker = Tracker(start_score=0.7, keep_score=0.4)
    assert tracker.update(_detections([(100, 100)], scores=[0.6]), 0, detected=True) == []
    tracker.update(_detections([(100, 100)], scores=[0.8]), FRAME_NS, detected=True)
    [kept] = tracker.update(_detections([(100, 100)], scores=[0.6]), 2 * FRAME_NS, detected=True)
    [absent] = tracker.update(_detections([(100, 100)], scores=[0.3]), 3 * FRAME_NS, detected=True)
    assert (kept.missed, absent.missed) == (0, 1)


def test_a_much_larger_face_in_the_same_place_is_another() -> None:
    tracker = Tracker()
    tracker.update(_detections([(300, 300)], size=60), 0, detected=True)
    tracks = tracker.update(_detections([(300, 300)], size=300), FRAME_NS, detected=True)
    assert [(track.track_id, track.missed) for track in tracks] == [(0, 1), (1, 0)]


def test_predictions_lead_a_moving_face_and_name_the_live_tracks() -> None:
    tracker = Tracker()
    _play(tracker, lambda index: [(100 + 10 * index, 100), (900, 500)], 10)
    ids, boxes = tracker.predict(10 * FRAME_NS)
    assert (ids.dtype, boxes.dtype, boxes.shape) == (np.int64, np.float32, (2, 4))
    assert ids.tolist() == [0, 1]
    assert boxes[0, 0] + boxes[0, 2] / 2 == pytest.approx(200, abs=1)
    ids, boxes = Tracker().predict(0)
    assert (ids.shape, boxes.shape) == ((0,), (0, 4))


def test_landmarks_move_along_with_the_box_where_a_face_is_missed() -> None:
    tracker = Tracker(smoothing=False)
    before = _play(tracker, lambda index: [(100 + 10 * index, 100)], 10)[-1][0]
    [after] = tracker.update(Detections.empty(), 10 * FRAME_NS, detected=True)
    assert np.allclose(after.landmarks - before.landmarks, after.box[:2] - before.box[:2], atol=1e-3)
    assert after.landmarks[0, 0] > before.landmarks[0, 0] + 8


@given(st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_the_order_of_detections_does_not_matter(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    trackers = Tracker(), Tracker()
    centres = rng.uniform(0, 2000, (count, 2))
    first = _detections(centres)
    for tracker in trackers:
        tracker.update(first, 0, detected=True)
    for index in range(1, 4):
        centres = centres + rng.normal(0, 10, (count, 2))
        found = _detections(centres, scores=np.linspace(0.95, 0.6, count))
        order = rng.permutation(count)
        shuffled = Detections(found.boxes[order], found.landmarks[order], found.scores[order])
        one = trackers[0].update(found, index * FRAME_NS, detected=False)
        other = trackers[1].update(shuffled, index * FRAME_NS, detected=False)
        assert [track.track_id for track in one] == [track.track_id for track in other]
        assert all(np.allclose(a.box, b.box) for a, b in zip(one, other, strict=True))


@given(
    st.lists(
        st.tuples(
            st.lists(POINT, max_size=8),
            st.booleans(),
            st.integers(-5, 400),
        ),
        max_size=25,
    )
)
def test_numbers_are_unique_never_used_again_and_oldest_first_whatever_comes(
    frames: list[tuple[list[tuple[float, float]], bool, int]],
) -> None:
    tracker = Tracker(max_missed=3)
    t_ns, gone, before = 0, set[int](), set[int]()
    for centres, detected, step_ms in frames:
        t_ns += step_ms * 1_000_000  # now and then the clock jumps back
        tracks = tracker.update(_detections(centres), t_ns, detected=detected)
        ids = [track.track_id for track in tracks]
        assert ids == sorted(set(ids))
        assert not gone & set(ids)
        gone |= before - set(ids)
        before = set(ids)
        assert all(np.isfinite(track.box).all() and track.missed <= 3 for track in tracks)
        if not detected:
            assert sum(track.missed == 0 for track in tracks) <= len(centres)


def test_broken_detections_are_left_out_and_the_number_of_tracks_is_bounded() -> None:
    tracker = Tracker(max_tracks=10)
    grid = [(200 * x, 200 * y) for x in range(8) for y in range(5)]
    assert len(tracker.update(_detections(grid), 0, detected=True)) == 10
    broken = _detections([(0, 0), (200, 0)])
    broken.boxes[0] = np.nan
    broken.landmarks[1] = np.inf
    assert all(track.missed == 1 for track in tracker.update(broken, FRAME_NS, detected=True))


def test_a_track_is_not_changed_by_later_frames() -> None:
    tracker = Tracker()
    [first] = tracker.update(_detections([(100, 100)]), 0, detected=True)
    box, landmarks = first.box.copy(), first.landmarks.copy()
    for index in range(1, 5):
        tracker.update(_detections([(100 + 9 * index, 100)]), index * FRAME_NS, detected=True)
    tracker.update(Detections.empty(), 5 * FRAME_NS, detected=True)
    assert np.array_equal(first.box, box)
    assert np.array_equal(first.landmarks, landmarks)


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_smoothing_calms_a_face_at_rest_and_does_not_lag_a_moving_one(fps: int) -> None:
    rng = np.random.default_rng(0)
    still = OneEuro()
    noise = rng.normal(0, 1, (300, 5, 2)).astype(np.float32)
    calm = np.array([still(points + 500, 1 / fps, 100) for points in noise])[20:]
    assert calm.std() < 0.75 * noise.std()
    moving = OneEuro()
    speed = 300  # px a second: three widths of the face
    lags = []
    for index in range(60):
        points = np.full((5, 2), index / fps * speed, np.float32)
        lags.append(float((points - moving(points, 1 / fps, 100)).max()))
    assert max(lags[10:]) < 0.010 * speed


def test_smoothing_starts_anew_where_time_does_not_advance() -> None:
    smoother = OneEuro()
    smoother(np.zeros((5, 2), np.float32), 0.03, 100)
    assert (smoother(np.full((5, 2), 50, np.float32), 0, 100) == 50).all()


@pytest.mark.parametrize(
    ("clip", "faces"),
    [
        ("intel_ccby/head-pose-face-detection-male.gif", 1),
        ("intel_ccby/head-pose-face-detection-female-and-male.gif", 2),  # heads tilted by up to 40°
        ("intel_ccby/please.mkv", 1),
        ("pexels/WolfgangLanger_Pexels.mp4", 1),
    ],
)
def test_real_faces_are_followed_through_a_video_with_a_detection_every_ten_frames(
    shared_data: Path, clip: str, faces: int
) -> None:
    net, tracker = LandmarkNet(), Tracker()
    detector = ClefDetector(landmarks=net)
    seen: list[set[int]] = []
    with av.open(str(shared_data / "media" / clip)) as container:
        for index, frame in enumerate(itertools.islice(container.decode(video=0), 100)):
            picture = Picture.from_av(frame)
            _, boxes = tracker.predict(index * FRAME_NS)
            [(landmarks, presence)] = net.refine([picture.gray()], [boxes], passes=2)
            found = Detections(box_from_landmarks(landmarks), landmarks, presence)
            if index % 10 == 0:
                found = Detections.joined(found, detector.detect(picture))
            tracks = tracker.update(found, index * FRAME_NS, detected=index % 10 == 0)
            seen.append({track.track_id for track in tracks if track.missed == 0})
    assert set.union(*seen) == set(range(faces))
    assert sum(len(ids) for ids in seen) >= 0.98 * faces * len(seen)
