"""What flows: a `Frame` from a source to the analyzer, an `Observation` from the analyzer to every sink.

Both are made once and never changed. Times are int64 nanoseconds; coordinates are pixels of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.picture import Picture

__all__ = ["LANDMARKS", "STAGES", "Face", "Frame", "Observation", "Scores"]

LANDMARKS: Final = ("right_eye", "left_eye", "nose", "right_mouth_corner", "left_mouth_corner")
"""The five landmarks in their order. Right and left are the subject's, so `right_eye` is on the image's left."""

STAGES: Final = ("decode", "detect", "align", "encode", "total")
"""The stages whose time an observation carries. `total` runs from the frame's capture stamp to its scores."""


class Scores(Mapping[str, float]):
    """Scores by label name over one row of an array, without copying it.

    Args:
        names: label names, in the row's order.
        values: (len(names),) float32, each 0–1.
    """

    __slots__ = ("_index", "values_array")

    def __init__(self, names: Mapping[str, int], values: NDArray[np.float32]) -> None:
        self._index = names
        self.values_array = values

    def __getitem__(self, name: str) -> float:
        return float(self.values_array[self._index[name]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Scores({', '.join(f'{name}={value:.2f}' for name, value in self.items())})"

    def top(self, count: int = 1) -> list[tuple[str, float]]:
        """The `count` highest scores, highest first."""
        names = list(self._index)
        order = np.argsort(-self.values_array, kind="stable")[:count]
        return [(names[i], float(self.values_array[i])) for i in order]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture of one camera.

    Attributes:
        camera: the camera's name, `[a-z0-9_-]+`.
        epoch: counts the camera's connections; time stamps and tracks may start anew with each.
        seq: counts the frames decoded in this process, taken or not, from 0.
        picture: the pixels.
        pts_ns: the stream's presentation time stamp; 0 where the stream has none.
        captured_mono_ns: `time.monotonic_ns()` when the frame's last packet arrived.
        captured_utc_ns: the same instant by the UTC clock.
        dropped: frames of this camera so far that were replaced before anybody took them.
        decode_ms: time spent decoding it.
    """

    camera: str
    epoch: int
    seq: int
    picture: Picture
    pts_ns: int
    captured_mono_ns: int
    captured_utc_ns: int
    dropped: int = 0
    decode_ms: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one frame.

    Attributes:
        track_id: the same number as long as the same face is followed; unique within a camera's epoch. −1 where
            faces aren't followed (single images).
        box: (4,) float32: x, y of the top left corner, width, height; pixels. May reach past the frame's edge.
        landmarks: (5, 2) float32, x and y in pixels, in the order of `LANDMARKS`.
        det_score: the detector's confidence that this is a face, 0–1.
        quality: how far the crop suits scoring (size, sharpness, frontality), 0–1.
        aus: probability of each Action Unit, by name (`AU01` … `AU45`); independent of each other.
        expressions: probability of each expression; they sum to 1.
        zero_shot: scores of labels that were added by text alone, 0–1.
    """

    track_id: int
    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    det_score: float
    quality: float
    aus: Scores
    expressions: Scores
    zero_shot: Scores


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What was seen in one frame of one camera.

    Attributes:
        camera, epoch, seq, pts_ns, captured_mono_ns, captured_utc_ns, dropped: as in `Frame`.
        labels_hash: 8 hex digits that change when the label names or their order do.
        width: of the frame, pixels.
        height: of the frame, pixels.
        faces: the faces, oldest track first.
        ms: milliseconds by stage, keys as in `STAGES`. `decode` is the frame's own; the others are of the batch that
            the frame was analysed in; `total` is the age of the frame when its scores were ready.
    """

    camera: str
    epoch: int
    seq: int
    labels_hash: str
    pts_ns: int
    captured_mono_ns: int
    captured_utc_ns: int
    width: int
    height: int
    dropped: int
    faces: tuple[Face, ...] = ()
    ms: Mapping[str, float] = field(default_factory=dict)
