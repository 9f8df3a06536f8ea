"""Tracking: the same number for the same face, from frame to frame, through gaps and crossings.

Our own 150 lines, because the tracker packages that were tried take 1–1.6 s to import.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.assign import assign
from clef_rt.detect import Detections
from clef_rt.detect.boxes import suppress
from clef_rt.one_euro import OneEuro

__all__ = ["Track", "Tracker"]

_GATE: Final = 0.75  # face sizes between prediction and detection, at most; growing with the time unseen to twice that
_GATE_GROWTH: Final = 1.0  # per second
_UNSEEN_PENALTY: Final = 0.1  # per missed frame up to 3: of two tracks on one face the one that was seen last keeps it
_SAME_FACE: Final = 0.6  # IoU over which two detections are of one face
_VELOCITY_TIME: Final = 0.08  # seconds over which velocities are averaged
_COAST_TIME: Final = 0.7  # seconds in which an unseen face's velocity falls to 37 %
_LONGEST_STEP: Final = 1.0  # seconds that are extrapolated at most


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One followed face, as of the last update.

    Attributes:
        track_id: never used again within a tracker.
        box: (4,) float32 x, y, width, height; predicted where the face was missed.
        landmarks: (5, 2) float32; moved along with the box where the face was missed.
        score: of the last detection, 0–1.
        missed: updates in a row without a detection; 0 means seen just now.
        age: updates since the first, 0 at the first.
        first_seen_ns: time of the first detection.
        last_seen_ns: time of the last detection.
    """

    track_id: int
    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    missed: int
    age: int
    first_seen_ns: int
    last_seen_ns: int


@dataclass(slots=True, eq=False)
class _State:
    track_id: int
    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    first_seen_ns: int
    last_seen_ns: int
    centre: NDArray[np.float64]  # where it was seen last
    velocity: NDArray[np.float64]  # pixels a second
    smoother: OneEuro | None
    missed: int = 0
    age: int = 0


class Tracker:
    """Follows the faces of one camera. Used by one thread.

    In each frame, look for landmarks in the predicted boxes; every k frames, add what a detector finds in the whole
    frame (a detector misses heads that are tilted or turned, the landmark network follows them):

        ids, boxes = tracker.predict(t_ns)
        [(landmarks, presence)] = net.refine([gray], [boxes], passes=2)
        found = Detections(box_from_landmarks(landmarks), landmarks, presence)
        if searched:
            found = Detections.joined(found, detector.detect(picture))
        tracks = tracker.update(found, t_ns, detected=searched)

    A face is matched to the track whose prediction (constant velocity) is nearest in face sizes, all at once by the
    best total; so two faces that cross keep their numbers.

    Args:
        max_missed: a face that is missed in more updates than this in a row is forgotten.
        start_score: detections below this start no track.
        keep_score: detections below this don't count at all.
        smoothing: smooth landmarks with `OneEuro` and its defaults: jitter at rest falls to about 0.6, and a face
            that moves by its own width in a second lags by 11 ms. Boxes aren't smoothed.
        max_tracks: at most this many at a time, so that memory is bounded.
    """

    def __init__(
        self,
        *,
        max_missed: int = 10,
        start_score: float = 0.5,
        keep_score: float = 0.4,
        smoothing: bool = True,
        max_tracks: int = 128,
    ) -> None:
        self._max_missed = max_missed
        self._start_score = start_score
        self._keep_score = keep_score
        self._smoothing = smoothing
        self._max_tracks = max_tracks
        self._ids = itertools.count()
        self._states: list[_State] = []  # oldest first

    def predict(self, t_ns: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Where the live tracks are thought to be.

        Args:
            t_ns: the frame's time; any clock, the same in all calls.

        Returns:
            (n,) int64 numbers and (n, 4) float32 boxes, oldest track first.
        """
        ids = np.array([state.track_id for state in self._states], np.int64)
        boxes = np.array([_predicted(state, t_ns) for state in self._states], np.float32).reshape(-1, 4)
        return ids, boxes

    def update(self, detections: Detections, t_ns: int, *, detected: bool) -> list[Track]:
        """Match what was found in a frame with the tracks.

        Args:
            detections: the faces found; two on the same face count as one.
            t_ns: the frame's time, in nanoseconds.
            detected: a detector has searched the whole frame, so a face that no track explains starts a new one.
                False for what was found in predicted boxes: that starts none.

        Returns:
            All live tracks, oldest first; those with `missed` > 0 weren't seen in this frame.
        """
        detections = _distinct(detections, self._keep_score)
        _, predicted = self.predict(t_ns)
        pairs = dict(assign(self._gains(predicted, detections.boxes, t_ns)))
        for index, state in enumerate(self._states):
            state.age += 1
            if index in pairs:
                self._seen(state, detections, pairs[index], t_ns)
            else:
                state.missed += 1
                step = predicted[index, :2] - state.box[:2]
                state.box = predicted[index]
                state.landmarks = state.landmarks + step
                if state.smoother:
                    state.smoother.shift(step)
        self._states = [state for state in self._states if state.missed <= self._max_missed]
        if detected:
            taken = set(pairs.values())
            for index in range(len(detections)):
                fresh = index not in taken and detections.scores[index] >= self._start_score
                if fresh and len(self._states) < self._max_tracks:
                    self._states.append(self._started(detections, index, t_ns))
        return [_track(state) for state in self._states]

    def _gains(self, predicted: NDArray[np.float32], boxes: NDArray[np.float32], t_ns: int) -> NDArray[np.float64]:
        """(tracks, detections): by how much each pair's distance stays under the gate."""
        (ours, our_size), (theirs, their_size) = _centres(predicted), _centres(boxes)
        between = np.sqrt(our_size[:, None] * their_size)
        distance = np.linalg.norm(ours[:, None] - theirs, axis=2) / between
        growth = np.abs(np.log(our_size[:, None] / their_size))
        unseen = np.array([min(max(t_ns - state.last_seen_ns, 0) / 1e9, 1.0) for state in self._states])
        penalty = np.array([_UNSEEN_PENALTY * min(state.missed, 3) for state in self._states])
        gate = _GATE + _GATE_GROWTH * _GATE * unseen
        gains = gate[:, None] - distance - growth / 2
        # The penalty decides between pairs; it forbids none.
        return np.where(gains > 0, np.maximum(gains - penalty[:, None], 1e-3), 0.0).astype(np.float64)

    def _seen(self, state: _State, detections: Detections, index: int, t_ns: int) -> None:
        box = detections.boxes[index]
        centre = (box[:2] + box[2:] / 2).astype(np.float64)
        seconds = (t_ns - state.last_seen_ns) / 1e9
        if seconds > 0:
            share = 1 - math.exp(-seconds / _VELOCITY_TIME) if state.age > 1 else 1.0
            state.velocity = state.velocity + share * ((centre - state.centre) / seconds - state.velocity)
        state.landmarks = detections.landmarks[index].copy()
        if state.smoother:
            unit = float(np.sqrt(max(box[2] * box[3], 0)))
            state.landmarks = state.smoother(state.landmarks, min(seconds, _LONGEST_STEP), unit)
        state.box, state.centre, state.score = box.copy(), centre, float(detections.scores[index])
        state.last_seen_ns, state.missed = t_ns, 0

    def _started(self, detections: Detections, index: int, t_ns: int) -> _State:
        box, landmarks = detections.boxes[index].copy(), detections.landmarks[index].copy()
        smoother = OneEuro() if self._smoothing else None
        if smoother:
            smoother(landmarks, 0, 1)
        return _State(
            track_id=next(self._ids),
            box=box,
            landmarks=landmarks,
            score=float(detections.scores[index]),
            first_seen_ns=t_ns,
            last_seen_ns=t_ns,
            centre=(box[:2] + box[2:] / 2).astype(np.float64),
            velocity=np.zeros(2),
            smoother=smoother,
        )


def _predicted(state: _State, t_ns: int) -> NDArray[np.float32]:
    """The box at a later time, coasting: ∫ v·exp(−t / τ) dt."""
    seconds = min(max((t_ns - state.last_seen_ns) / 1e9, 0.0), _LONGEST_STEP)
    way = state.velocity * _COAST_TIME * (1 - math.exp(-seconds / _COAST_TIME))
    size = state.box[2:]
    return np.concatenate([state.centre + way - size / 2, size]).astype(np.float32)


def _centres(boxes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (n, 2) and sizes (n,), √(width · height)."""
    boxes = boxes.astype(np.float64)
    return boxes[:, :2] + boxes[:, 2:] / 2, np.sqrt(np.maximum(boxes[:, 2:].prod(axis=1), 1e-6))


def _distinct(detections: Detections, keep_score: float) -> Detections:
    """Detections with enough score and finite coordinates, one a face."""
    finite = np.isfinite(detections.boxes).all(axis=1) & np.isfinite(detections.landmarks).all(axis=(1, 2))
    usable = np.flatnonzero(finite & (detections.scores >= keep_score) & (detections.boxes[:, 2:] > 0).all(axis=1))
    kept = usable[suppress(detections.boxes[usable], detections.scores[usable], _SAME_FACE)]
    return Detections(detections.boxes[kept], detections.landmarks[kept], detections.scores[kept])


def _track(state: _State) -> Track:
    return Track(
        state.track_id,
        state.box,
        state.landmarks,
        state.score,
        state.missed,
        state.age,
        state.first_seen_ns,
        state.last_seen_ns,
    )
