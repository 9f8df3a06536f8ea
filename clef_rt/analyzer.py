"""The five steps joined: detect, follow, align, encode, compare. One analyzer serves any number of cameras.

analyzer = clef_rt.load()
faces = analyzer.analyze(image)            # a single picture
observations = analyzer.observe(frames)    # the newest frame of each camera, all faces in one batch
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.crops import Cropper
from clef_rt.detect import Detector, load_detector
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.encode import Encoder, load_encoder
from clef_rt.errors import ConfigError
from clef_rt.follow import Follower
from clef_rt.frame import Face, Frame, Observation
from clef_rt.labels import LabelBank
from clef_rt.picture import Picture
from clef_rt.quality import face_quality
from clef_rt.track import Track
from clef_rt.wire.hello import Hello
from clef_rt.wire.schema import MAX_FACES

__all__ = ["Analyzer", "load"]


class Analyzer:
    """Scores the faces of pictures and cameras. Used by one thread at a time.

    It changes no setting of the process. OpenCV's own threads (`cv2.setNumThreads`) are the caller's to limit.

    Attributes:
        bundle: the model.
        labels: what it scores.
        detector: searches whole pictures.
        encoder: the engine.

    Args:
        bundle: the model.
        detector: one, or its name as `load_detector` takes it.
        encoder: the engine; by default the bundle's on the best device there is.
        detect_every: the detector searches every so many frames of a camera; between, faces are followed. It searches
            more often while a camera shows no face, or one that was followed is missing.
        max_faces: of more faces in a frame, the largest are scored.

    Raises:
        ConfigError: `detect_every` or `max_faces` is out of range.
        DetectorError: there is no such detector, or it can't be used.
        EncoderError: no engine can be made.
        BundleError: the bundle's labels can't be used.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        detector: Detector | str = "auto",
        encoder: Encoder | None = None,
        detect_every: int = 10,
        max_faces: int = 32,
    ) -> None:
        if detect_every < 1:
            raise ConfigError(f"detect_every is {detect_every}.", "Give a number of frames, 1 or more.")
        if not 1 <= max_faces <= MAX_FACES:
            raise ConfigError(f"max_faces is {max_faces}.", f"Give a number from 1 to {MAX_FACES}.")
        self.bundle = bundle
        self.labels = LabelBank.from_bundle(bundle)
        self.detector = load_detector(detector) if isinstance(detector, str) else detector
        self.encoder = encoder if encoder is not None else load_encoder(bundle)
        self._max_faces = max_faces
        self._follower = Follower(self.detector, LandmarkNet(), detect_every=detect_every)
        self._cropper = Cropper(bundle.spec.input)

    def analyze(self, image: NDArray[np.uint8] | Picture) -> list[Face]:
        """Score the faces of one picture, best detection first. No camera's tracks are touched.

        Args:
            image: (H, W, 3) BGR or (H, W) luminance, uint8; or a picture.

        Returns:
            The faces; their `track_id` is −1.

        Raises:
            TypeError: it is no array.
            ValueError: the array is of another shape or dtype.
        """
        picture = image if isinstance(image, Picture) else _picture(image)
        found = self._follower.find(picture)
        faces = [
            Track(-1, found.boxes[i], found.landmarks[i], float(found.scores[i]), 0, 0, 0, 0) for i in range(len(found))
        ]
        [scored], _, _ = self._score([picture], [self._largest(faces)])
        return list(scored)

    def observe(self, frames: Sequence[Frame]) -> list[Observation]:
        """Follow and score the faces of one frame of each of several cameras, in one batch.

        Args:
            frames: at most one of each camera.

        Returns:
            An observation for each frame, in their order. Only faces seen in the frame itself are in it.

        Raises:
            ValueError: two frames of one camera.
            EncoderError: the engine fails.
        """
        if len({frame.camera for frame in frames}) < len(frames):
            raise ValueError("observe() takes at most one frame of each camera")
        if not frames:
            return []
        begun = time.perf_counter_ns()
        tracks = [self._largest(seen) for seen in self._follower.follow(frames)]
        detect_ms = (time.perf_counter_ns() - begun) / 1e6
        faces, align_ms, encode_ms = self._score([frame.picture for frame in frames], tracks)
        ready_ns = time.monotonic_ns()
        return [
            Observation(
                camera=frame.camera,
                epoch=frame.epoch,
                seq=frame.seq,
                labels_hash=self.labels.labels_hash,
                pts_ns=frame.pts_ns,
                captured_mono_ns=frame.captured_mono_ns,
                captured_utc_ns=frame.captured_utc_ns,
                width=frame.picture.width,
                height=frame.picture.height,
                dropped=frame.dropped,
                faces=own,
                ms={
                    "decode": frame.decode_ms,
                    "detect": detect_ms,
                    "align": align_ms,
                    "encode": encode_ms,
                    "total": (ready_ns - frame.captured_mono_ns) / 1e6,
                },
            )
            for frame, own in zip(frames, faces, strict=True)
        ]

    def forget(self, camera: str) -> None:
        """Drop a camera's tracks: what comes next of that name has nothing to do with what was."""
        self._follower.forget(camera)

    def hello(self, camera: str) -> Hello:
        """What a publisher tells about a camera's labels."""
        spec = self.bundle.spec
        return Hello(
            camera=camera,
            labels_hash=self.labels.labels_hash,
            bundle=spec.name,
            bundle_version=spec.version,
            aus=self.labels.au.names,
            expressions=self.labels.expression.names,
            zero_shot=self.labels.zero_shot.names,
            experimental=tuple(label.name for label in spec.groups.labels if label.experimental),
            thresholds={label.name: label.threshold for label in spec.groups.labels},
        )

    def describe(self) -> dict[str, str]:
        """The parts at work, for logs and `clef-rt doctor`."""
        spec = self.bundle.spec
        return {
            "bundle": spec.name,
            "version": spec.version,
            "path": str(self.bundle.path),
            "labels": f"{len(self.labels.au.names)} Action Units, {len(self.labels.expression.names)} expressions, "
            f"{len(self.labels.zero_shot.names)} zero-shot",
            "input": f"{spec.input.size} px, {spec.input.color}",
            "detector": self.detector.name,
            "encoder": self.encoder.description,
        }

    def _largest(self, tracks: list[Track]) -> list[Track]:
        if len(tracks) <= self._max_faces:
            return tracks
        areas = np.array([track.box[2] * track.box[3] for track in tracks])
        return [tracks[i] for i in sorted(np.argsort(-areas, kind="stable")[: self._max_faces])]

    def _score(
        self, pictures: Sequence[Picture], tracks: Sequence[list[Track]]
    ) -> tuple[list[tuple[Face, ...]], float, float]:
        """Each picture's faces, and the milliseconds spent on aligning and on encoding."""
        begun = time.perf_counter_ns()
        landmarks = [np.array([track.landmarks for track in own], np.float32).reshape(-1, 5, 2) for own in tracks]
        crops, kept = self._cropper.cut(pictures, landmarks)
        chosen = [own[i] for own, indexes in zip(tracks, kept, strict=True) for i in indexes]
        qualities = [face_quality(track.landmarks, track.box, crop) for track, crop in zip(chosen, crops, strict=True)]
        aligned = time.perf_counter_ns()
        scores = self.labels.score(self.encoder.encode(crops))
        faces = (
            Face(face.track_id, face.box, face.landmarks, face.score, quality, *self.labels.face_scores(scores, i))
            for i, (face, quality) in enumerate(zip(chosen, qualities, strict=True))
        )
        by_picture = [tuple(next(faces) for _ in indexes) for indexes in kept]
        return by_picture, (aligned - begun) / 1e6, (time.perf_counter_ns() - aligned) / 1e6


def load(
    source: str | os.PathLike[str] | None = None,
    *,
    detector: Detector | str = "auto",
    engine: str = "auto",
    variant: str = "auto",
    threads: int | None = None,
    detect_every: int = 10,
    spinning: bool = False,
    max_faces: int = 32,
) -> Analyzer:
    """Load a model and everything around it.

    Args:
        source: a bundle's folder, a `.clef` file, a name from `clef-rt models`, or None for the embedded one.
        detector: one, or its name: `auto`, `clef`, `yunet`, `scrfd`, `yunet:PATH`, `scrfd:PATH`.
        engine: what runs the encoder: `auto`, `tensorrt`, `ort-tensorrt`, `cuda`, `cpu` or `openvino`, as
            `clef_rt.encode.load_encoder` says.
        variant: which of the bundle's graphs: `auto`, `fp32`, or as in `Bundle.variants`, likewise.
        threads: for the encoder on the CPU; None for all cores that this process may use.
        detect_every: as for `Analyzer`.
        spinning: let the encoder's idle threads busy-wait: faster for files, worse for live work.
        max_faces: as for `Analyzer`.

    Raises:
        ClefError: the bundle, the detector or the engine can't be used; the message says why and what to do.
    """
    bundle = load_bundle(source)
    encoder = load_encoder(bundle, engine, variant=variant, threads=threads, spinning=spinning)
    return Analyzer(bundle, detector=detector, encoder=encoder, detect_every=detect_every, max_faces=max_faces)


def _picture(image: object) -> Picture:
    if image is None:
        raise TypeError("analyze() takes an image; got None, which cv2.imread returns for a file that it can't read")
    if not isinstance(image, np.ndarray):
        raise TypeError(f"analyze() takes an array; got {type(image).__name__}; read image files with cv2.imread")
    return Picture.from_array(image)
