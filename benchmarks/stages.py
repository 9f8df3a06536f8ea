"""The stages of the runtime, each by itself, as `python -m benchmarks fps` times them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import Material, back_and_forth, framed
from clef_rt.analyzer import Analyzer
from clef_rt.crops import Cropper
from clef_rt.detect import Detections
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.follow import Follower
from clef_rt.frame import Frame
from clef_rt.picture import Picture
from clef_rt.quality import face_quality
from clef_rt.sources import SourceOptions, open_source
from clef_rt.wire import Decoder, encode, topic_of

__all__ = ["Stage", "stages", "timed"]

_NEVER: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: of the stage.
        feed: what it works on, one item a frame, without end. Taking it isn't timed.
        work: is timed.
    """

    name: str
    feed: Iterator[Any]
    work: Callable[[Any], object]


class _Replayed:
    """A detector that has found it all before, so that following is timed without searching."""

    name = "replayed"

    def __init__(self, material: Material) -> None:
        self._found = {id(picture): faces for picture, faces in zip(material.pictures, material.faces, strict=True)}

    def detect(self, picture: Picture) -> Detections:
        return self._found[id(picture)]


def stages(material: Material, analyzer: Analyzer) -> list[Stage]:
    """All stages, in the order of the data's way.

    Args:
        material: to feed them.
        analyzer: whose parts they are.
    """
    pictures, decoded, camera = material.pictures, material.decoded, material.camera
    searching = Follower(analyzer.detector, LandmarkNet(), detect_every=_NEVER)
    following = Follower(_Replayed(material), LandmarkNet(), detect_every=_NEVER)
    unconverted = (Picture.from_av(frame) for frame in back_and_forth(decoded))
    return [
        Stage("decode", repeat(_played(material)), next),
        Stage("gray", (Picture.from_av(frame) for frame in cycle(decoded)), Picture.gray),
        Stage("bgr", (Picture.from_av(frame) for frame in cycle(decoded)), Picture.bgr),
        Stage("detect", cycle(pictures), searching.find),
        Stage("landmarks + track", framed(back_and_forth(pictures), camera), lambda frame: following.follow([frame])),
        Stage("align", cycle(zip(pictures, material.faces, strict=True)), _aligning(analyzer)),
        Stage("encode", cycle(material.crops), analyzer.encoder.encode),
        Stage("compare", cycle(material.embeddings), analyzer.labels.score),
        Stage("analyzer", framed(unconverted, camera), lambda frame: analyzer.observe([frame])),
        Stage("wire encode", cycle(material.observations), encode),
        Stage("wire decode", *_decoding(material, analyzer)),
    ]


def timed(stage: Stage, seconds: float) -> NDArray[np.float64]:
    """Run a stage for so long, feeding included, and at least three times.

    Returns:
        (n,) float64, milliseconds of each run.
    """
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        item = next(stage.feed)
        begun = time.perf_counter_ns()
        stage.work(item)
        times.append((time.perf_counter_ns() - begun) / 1e6)
    return np.array(times)


def _played(material: Material) -> Iterator[Frame]:
    with open_source(material.path, camera=material.camera, options=SourceOptions(loop=True)) as source:
        yield from source


def _aligning(analyzer: Analyzer) -> Callable[[tuple[Picture, Detections]], object]:
    cropper = Cropper(analyzer.bundle.spec.input)

    def align(item: tuple[Picture, Detections]) -> object:
        picture, faces = item
        crops, _ = cropper.cut([picture], [faces.landmarks])
        return [face_quality(*face) for face in zip(faces.landmarks, faces.boxes, crops, strict=False)]

    return align


def _decoding(material: Material, analyzer: Analyzer) -> tuple[Iterator[tuple[bytes, bytes]], Callable[[Any], object]]:
    decoder = Decoder()
    hello = analyzer.hello(material.camera)
    decoder.decode(encode(hello), topic_of(hello))
    messages = [(encode(observation), topic_of(observation)) for observation in material.observations]
    return cycle(messages), lambda message: decoder.decode(*message)
