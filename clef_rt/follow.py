"""Following the faces of any number of cameras: in which frame to search for new ones, and where the known ones are."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.detect import Detections, Detector
from clef_rt.detect.boxes import box_from_landmarks, iou
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.frame import Frame
from clef_rt.picture import Picture
from clef_rt.track import Track, Tracker

__all__ = ["Follower"]

_KEEP_SCORE: Final = 0.4  # below this probability a box holds its face no more
_NESTED: Final = 0.7  # of the smaller box; two faces that overlap so far aren't both seen
# Without a face, or with one missing, a detector is the only way to a score, so it runs more often than beside faces
# that are followed: a newcomer waits 0.1 s at 25 fps, and the search takes a third of its full cost.
_SEARCH_EVERY: Final = 3
_NOTHING: Final = np.zeros((1, 1), np.uint8)


class Follower:
    """Finds the faces of single pictures, and follows those of cameras. Used by one thread.

    A camera's tracks begin anew with each epoch.

    Args:
        detector: searches whole pictures.
        net: finds the landmarks again where a face is thought to be.
        detect_every: the detector searches every so many frames of a camera whose faces are all followed.
    """

    def __init__(self, detector: Detector, net: LandmarkNet, *, detect_every: int) -> None:
        self._detector = detector
        self._net = net
        self._detect_every = detect_every
        self._cameras: dict[str, _Camera] = {}

    def find(self, picture: Picture) -> Detections:
        """The faces of one picture, best score first. Leaves the tracks alone.

        The landmarks are the network's, whatever the detector, so a face is cropped alike by all of them and in every
        frame. YuNet's own lie 10.0 % of the eyes' distance off MediaPipe's, the network's in YuNet's boxes 4.2 %
        (means over 348 photographs).
        """
        found = self._detector.detect(picture)
        [(landmarks, presence)] = self._net.refine([picture.gray()], [found.boxes], passes=2)
        sure = presence >= _KEEP_SCORE
        refined = Detections(
            np.where(sure[:, None], box_from_landmarks(landmarks), found.boxes),
            np.where(sure[:, None, None], landmarks, found.landmarks),
            found.scores,
        )
        return _one_a_face(_within(refined, picture))

    def follow(self, frames: Sequence[Frame]) -> list[list[Track]]:
        """The faces seen in each frame, oldest track first.

        Args:
            frames: one of each camera at most; the landmarks of all are found in one batch.
        """
        cameras = [self._camera(frame) for frame in frames]
        times = [camera.clock.at(frame) for camera, frame in zip(cameras, frames, strict=True)]
        boxes = [camera.tracker.predict(t_ns)[1] for camera, t_ns in zip(cameras, times, strict=True)]
        # A camera without faces pays for no conversion, but in the frames that are searched.
        pixels = [frame.picture.gray() if len(own) else _NOTHING for frame, own in zip(frames, boxes, strict=True)]
        refined = self._net.refine(pixels, boxes, passes=2)
        seen = []
        for frame, camera, t_ns, (landmarks, presence) in zip(frames, cameras, times, refined, strict=True):
            faces = Detections(box_from_landmarks(landmarks), landmarks, presence)
            searched = camera.due(bool((presence[camera.seen] < _KEEP_SCORE).any()))
            if searched:
                faces = _one_a_face(Detections.joined(faces, self.find(frame.picture)))
            tracks = camera.tracker.update(faces, t_ns, detected=searched)
            camera.frames += 1
            camera.seen = np.array([track.missed == 0 for track in tracks], bool)
            seen.append([track for track in tracks if track.missed == 0])
        return seen

    def forget(self, camera: str) -> None:
        """Drop a camera's tracks."""
        self._cameras.pop(camera, None)

    def _camera(self, frame: Frame) -> _Camera:
        camera = self._cameras.get(frame.camera)
        if camera is None or camera.epoch != frame.epoch:
            camera = self._cameras[frame.camera] = _Camera(frame, self._detect_every)
        return camera


class _Camera:
    """What is known about one epoch of a camera."""

    def __init__(self, frame: Frame, detect_every: int) -> None:
        self.epoch = frame.epoch
        self.tracker = Tracker(keep_score=_KEEP_SCORE)
        self.clock = _Clock(frame)
        self.frames = 0
        self.seen = np.zeros(0, bool)  # of each track, whether it was seen in the last frame
        self._detect_every = detect_every
        # Cameras that tick together take turns to search. By name, not by number: a recording gives the same result
        # alone and beside others.
        self._phase = zlib.crc32(frame.camera.encode())

    def due(self, lost: bool) -> bool:
        """Whether to search the present frame. `lost`: a face of the last frame isn't where it should be."""
        settled = len(self.seen) > 0 and bool(self.seen.all())
        every = self._detect_every if settled else min(_SEARCH_EVERY, self._detect_every)
        return self.frames == 0 or lost or (self.frames + self._phase) % every == 0


class _Clock:
    """A time for each frame that never runs backwards.

    The stream's stamps where they advance: a file is decoded at another pace than it was filmed, and packets of a
    network camera arrive in bursts. Else the capture stamps.
    """

    def __init__(self, frame: Frame) -> None:
        self._now_ns = 0
        self._last = (frame.pts_ns, frame.captured_mono_ns)

    def at(self, frame: Frame) -> int:
        """The time of the next frame, ns."""
        pts_ns, mono_ns = self._last
        step = frame.pts_ns - pts_ns
        self._now_ns += step if step > 0 else max(frame.captured_mono_ns - mono_ns, 0)
        self._last = (frame.pts_ns, frame.captured_mono_ns)
        return self._now_ns


def _within(faces: Detections, picture: Picture) -> Detections:
    """The faces whose coordinates make sense: finite, centred in the picture, with the landmarks at the box."""
    with np.errstate(invalid="ignore"):  # what isn't finite compares as False
        corner, size = faces.boxes[:, None, :2], faces.boxes[:, None, 2:]
        centre = corner[:, 0] + size[:, 0] / 2
        inside = ((centre >= 0) & (centre <= (picture.width, picture.height))).all(axis=1)
        offset = faces.landmarks - corner
        near = ((offset >= -size / 2) & (offset <= size * 1.5) & (size > 0)).all(axis=(1, 2))
    return _only(faces, np.flatnonzero(inside & near))


def _one_a_face(faces: Detections) -> Detections:
    """Of boxes of which one holds most of the other, the one with the best score.

    A detector that takes a face and its hair for a larger face gives one box in the other, at an IoU that two faces
    side by side can have.
    """
    order = np.argsort(-faces.scores, kind="stable")
    overlap, area = iou(faces.boxes, faces.boxes), faces.boxes[:, 2:].prod(axis=1)
    shared = overlap * (area[:, None] + area) / (1 + overlap)
    nested = shared > _NESTED * np.minimum(area[:, None], area)
    kept: list[int] = []
    for index in order:
        if not nested[index, kept].any():
            kept.append(int(index))
    return _only(faces, np.array(kept, np.intp))


def _only(faces: Detections, indexes: NDArray[np.intp]) -> Detections:
    return Detections(faces.boxes[indexes], faces.landmarks[indexes], faces.scores[indexes])
