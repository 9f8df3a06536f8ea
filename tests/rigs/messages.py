"""Messages for tests of the wire: one of each kind that never changes, and hypothesis strategies for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from clef_rt.frame import STAGES, Face, Observation, Scores
from clef_rt.names import labels_hash
from clef_rt.status import CameraState, Status
from clef_rt.wire import Hello

AUS = ("AU01", "AU02", "AU04", "AU06", "AU12")
EXPRESSIONS = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
ZERO_SHOT = ("winking", "Zunge heraus – 舌")
HASH = labels_hash(AUS, EXPRESSIONS, ZERO_SHOT)


def scores(names: tuple[str, ...], values: list[float]) -> Scores:
    return Scores({name: i for i, name in enumerate(names)}, np.array(values, np.float32))


def hello(camera: str = "door", **changes: Any) -> Hello:
    fields: dict[str, Any] = {
        "camera": camera,
        "labels_hash": HASH,
        "bundle": "clef-small",
        "bundle_version": "1.2.0",
        "aus": AUS,
        "expressions": EXPRESSIONS,
        "zero_shot": ZERO_SHOT,
        "experimental": ("AU04",),
        "thresholds": {"AU12": 0.5, "happiness": 0.25},
        "publisher": "0123456789abcdef",
        "utc_ns": 1_790_000_000_123_456_789,
        "clef_rt": "0.1.0",
    }
    return Hello(**(fields | changes))


def status(camera: str = "door", state: CameraState = CameraState.LIVE, **changes: Any) -> Status:
    return Status(camera, state, **({"epoch": 3, "utc_ns": 1_790_000_000_123_456_789} | changes))


def face(track_id: int = 7) -> Face:
    return Face(
        track_id=track_id,
        box=np.array([100.5, 50.25, 80, 96.125], np.float32),
        landmarks=np.array([[120, 85], [160, 84.5], [141, 105], [125, 125], [157, 124.75]], np.float32),
        det_score=0.875,
        quality=0.75,
        aus=scores(AUS, [0.1, 0.2, 0.3, 0.4, 0.9]),
        expressions=scores(EXPRESSIONS, [0.125, 0.875, 0, 0, 0, 0, 0, 0]),
        zero_shot=scores(ZERO_SHOT, [0.0, 1.0]),
    )


def observation(camera: str = "door", seq: int = 1234, *, faces: int = 1, **changes: Any) -> Observation:
    fields: dict[str, Any] = {
        "camera": camera,
        "epoch": 3,
        "seq": seq,
        "labels_hash": HASH,
        "pts_ns": 41_133_333_333,
        "captured_mono_ns": 987_654_321_098,
        "captured_utc_ns": 1_790_000_000_123_456_789,
        "width": 1280,
        "height": 720,
        "dropped": 5,
        "faces": tuple(face(7 + i) for i in range(faces)),
        "ms": {"decode": 1.25, "detect": 9.5, "align": 0.25, "encode": 5.5, "total": 18.75},
    }
    return Observation(**(fields | changes))


def fresh(camera: str = "door", seq: int = 0, **changes: Any) -> Observation:
    """An observation captured now."""
    now = {"captured_utc_ns": time.time_ns(), "captured_mono_ns": time.monotonic_ns(), "dropped": 0}
    return observation(camera, seq, **(now | changes))


def same(left: Observation, right: Observation) -> bool:
    """Whether two observations are equal to the last bit of each float32."""
    plain = [f for f in Observation.__slots__ if f not in ("faces", "ms")]
    return (
        all(getattr(left, f) == getattr(right, f) for f in plain)
        and {k: np.float32(v) for k, v in left.ms.items()} == {k: np.float32(v) for k, v in right.ms.items()}
        and len(left.faces) == len(right.faces)
        and all(map(_same_face, left.faces, right.faces))
    )


def _same_face(left: Face, right: Face) -> bool:
    arrays: list[Callable[[Face], NDArray[np.float32]]] = [
        lambda f: f.box,
        lambda f: f.landmarks,
        lambda f: f.aus.values_array,
        lambda f: f.expressions.values_array,
        lambda f: f.zero_shot.values_array,
    ]
    return (
        left.track_id == right.track_id
        and np.float32(left.det_score) == np.float32(right.det_score)
        and np.float32(left.quality) == np.float32(right.quality)
        and (list(left.aus), list(left.expressions), list(left.zero_shot))
        == (list(right.aus), list(right.expressions), list(right.zero_shot))
        and all(
            get(left).dtype == get(right).dtype == np.float32 and np.array_equal(get(left), get(right))
            for get in arrays
        )
    )


cameras = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)
instants = st.integers(0, 2**63 - 1)
units = st.floats(0, 1, width=32)
pixels = st.floats(-(2.0**19), 2.0**19, width=32)
labels = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=6).map(tuple)


@st.composite
def hellos(draw: st.DrawFn, camera: str | None = None) -> Hello:
    aus, expressions, zero_shot = draw(labels), draw(labels), draw(labels)
    return Hello(
        camera=camera or draw(cameras),
        labels_hash=labels_hash(aus, expressions, zero_shot),
        bundle=draw(st.text(max_size=20)),
        bundle_version=draw(st.text(max_size=8)),
        aus=aus,
        expressions=expressions,
        zero_shot=zero_shot,
        experimental=aus[: draw(st.integers(0, len(aus)))],
        thresholds={name: draw(units) for name in aus},
        publisher=draw(st.from_regex(r"[0-9a-f]{16}", fullmatch=True)),
        utc_ns=draw(instants),
        clef_rt=draw(st.text(max_size=12)),
    )


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    return Status(
        camera=draw(cameras),
        state=draw(st.sampled_from(CameraState)),
        epoch=draw(instants),
        utc_ns=draw(instants),
        reason=draw(st.text(max_size=64)),
        detail=draw(st.text(max_size=100)),
    )


def _values(draw: st.DrawFn, names: tuple[str, ...]) -> Scores:
    return scores(names, draw(st.lists(units, min_size=len(names), max_size=len(names))))


@st.composite
def named_observations(draw: st.DrawFn) -> tuple[Hello, Observation]:
    """An observation and the hello that names its scores."""
    introduction = draw(hellos())
    faces = tuple(
        Face(
            track_id=draw(st.integers(-1, 2**63 - 1)),
            box=np.array(draw(st.lists(pixels, min_size=4, max_size=4)), np.float32),
            landmarks=np.array(draw(st.lists(pixels, min_size=10, max_size=10)), np.float32).reshape(5, 2),
            det_score=draw(units),
            quality=draw(units),
            aus=_values(draw, introduction.aus),
            expressions=_values(draw, introduction.expressions),
            zero_shot=_values(draw, introduction.zero_shot),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    return introduction, Observation(
        camera=introduction.camera,
        epoch=draw(instants),
        seq=draw(instants),
        labels_hash=introduction.labels_hash,
        pts_ns=draw(st.integers(-(2**63) + 1, 2**63 - 1)),
        captured_mono_ns=draw(instants),
        captured_utc_ns=draw(instants),
        width=draw(st.integers(1, 65_535)),
        height=draw(st.integers(1, 65_535)),
        dropped=draw(instants),
        faces=faces,
        ms=draw(st.dictionaries(st.sampled_from(STAGES), st.floats(0, 2.0**29, width=32))),
    )
