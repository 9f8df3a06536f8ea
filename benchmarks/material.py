"""What the single stages are fed with: a stretch of a video, and everything the runtime makes of it on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from clef_rt.analyzer import Analyzer
from clef_rt.crops import Cropper
from clef_rt.detect import Detections
from clef_rt.errors import SourceError, SourceUndecodable
from clef_rt.frame import Frame, Observation
from clef_rt.picture import Picture
from clef_rt.sources import open_source

if TYPE_CHECKING:
    import av

__all__ = ["Material", "back_and_forth", "framed", "prepare"]

_FRAMES: Final = 30  # 1 s; more is only more memory
_LOOK_EVERY: Final = 8
_STEP_NS: Final = 33_333_333

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A stretch of a video, and what the stages make of each frame.

    Attributes:
        path: the video.
        camera: what its frames are called.
        decoded: as libav gives them; a new `Picture` of one has nothing converted yet.
        pictures: of the same, in which what was asked for once is converted.
        observations: of each, followed from the first on.
        faces: the same faces, as a detector would give them.
        crops: (n, S, S, C) uint8 of each, n faces.
        embeddings: (n, d) float32 of each.
    """

    path: Path
    camera: str
    decoded: list[av.VideoFrame]
    pictures: list[Picture]
    observations: list[Observation]
    faces: list[Detections]
    crops: list[NDArray[np.uint8]]
    embeddings: list[NDArray[np.float32]]

    @property
    def mean_faces(self) -> float:
        """Faces in a frame, on average."""
        return float(np.mean([len(faces) for faces in self.faces]))


def prepare(path: Path, analyzer: Analyzer, camera: str) -> Material:
    """Take the first stretch of a video that shows a face.

    Args:
        path: the video.
        analyzer: works through it once.
        camera: what to call it; another for each material of an analyzer.

    Raises:
        SourceError: the file can't be decoded, or shows no face.
    """
    for decoded in _stretches(path):
        if any(len(analyzer.detector.detect(Picture.from_av(frame))) for frame in decoded[::_LOOK_EVERY]):
            break
    else:
        raise SourceUndecodable(f"The detector {analyzer.detector.name} finds no face in {path.name}.", "Show it one.")
    pictures = [Picture.from_av(frame) for frame in decoded]
    observations = [seen for frame in framed(pictures, camera) for seen in analyzer.observe([frame])]
    analyzer.forget(camera)
    faces = [_faces(observation) for observation in observations]
    cropper = Cropper(analyzer.bundle.spec.input)
    crops = [cropper.cut([p], [own.landmarks])[0].copy() for p, own in zip(pictures, faces, strict=True)]
    return Material(
        path=path,
        camera=camera,
        decoded=decoded,
        pictures=pictures,
        observations=observations,
        faces=faces,
        crops=crops,
        embeddings=[analyzer.encoder.encode(batch) for batch in crops],
    )


def back_and_forth(items: Sequence[T]) -> Iterator[T]:
    """The items forwards and backwards in turn, for ever, so that nothing in a video ever jumps."""
    turn = [*items, *items[-2:0:-1]]
    while True:
        yield from turn


def framed(pictures: Iterable[Picture], camera: str) -> Iterator[Frame]:
    """Pictures as frames of a camera at 30 frames a second."""
    for seq, picture in enumerate(pictures):
        time_ns = seq * _STEP_NS
        yield Frame(camera, 0, seq, picture, time_ns, time_ns, time_ns)


def _faces(observation: Observation) -> Detections:
    faces = observation.faces
    return Detections(
        np.array([face.box for face in faces], np.float32).reshape(-1, 4),
        np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2),
        np.array([face.det_score for face in faces], np.float32),
    )


def _stretches(path: Path) -> Iterator[list[av.VideoFrame]]:
    import av

    with open_source(path):  # its errors say what is wrong with a file, and what to do
        pass
    try:
        with av.open(str(path)) as container:
            frames = container.decode(video=0)
            while stretch := list(islice(frames, _FRAMES)):
                yield stretch
    except av.FFmpegError as error:
        raise SourceError(f"{path} can't be decoded: {error.strerror}.", "Play it with another program.") from error
