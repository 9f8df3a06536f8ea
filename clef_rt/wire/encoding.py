"""Messages to bytes. Runs in the publisher's thread."""

from __future__ import annotations

import math
from typing import Any

from clef_rt.errors import WireError
from clef_rt.frame import Face, Observation
from clef_rt.status import Status
from clef_rt.wire.codec import Format, pack
from clef_rt.wire.hello import Hello
from clef_rt.wire.schema import MAX_FACES, MAX_MILLIS, MAX_PIXEL
from clef_rt.wire.topic import VERSION, Event, kind_of

__all__ = ["encode", "to_map"]


def encode(message: Event, *, format: Format = "msgpack") -> bytes:  # noqa: A002 - the natural word
    """Write a message as a payload.

    Raises:
        WireError: it holds a number that isn't finite or is out of range, or too much.
    """
    return pack(to_map(message), format)


def to_map(message: Event) -> dict[str, Any]:
    """The payload as plain Python: dicts, lists, strings, ints and floats.

    Raises:
        WireError: a number isn't finite or is out of range, or there are too many faces.
    """
    head: dict[str, Any] = {"v": VERSION, "kind": kind_of(message).value, "camera": message.camera}
    if isinstance(message, Observation):
        return head | _observation(message)
    if isinstance(message, Status):
        return head | _status(message)
    return head | _hello(message)


def _observation(obs: Observation) -> dict[str, Any]:
    if len(obs.faces) > MAX_FACES:
        raise WireError(f"{obs.camera}: {len(obs.faces)} faces in one frame; at most {MAX_FACES} are allowed.")
    ms = {stage: float(value) for stage, value in obs.ms.items()}
    _within(list(ms.values()), 0, MAX_MILLIS, "times")
    return {
        "epoch": int(obs.epoch),
        "seq": int(obs.seq),
        "labels_hash": obs.labels_hash,
        "pts_ns": int(obs.pts_ns),
        "captured_utc_ns": int(obs.captured_utc_ns),
        "captured_mono_ns": int(obs.captured_mono_ns),
        "width": int(obs.width),
        "height": int(obs.height),
        "dropped": int(obs.dropped),
        "faces": [_face(face) for face in obs.faces],
        "ms": ms,
    }


def _face(face: Face) -> dict[str, Any]:
    box, landmarks = face.box.tolist(), face.landmarks.tolist()
    _within(box + face.landmarks.ravel().tolist(), -MAX_PIXEL, MAX_PIXEL, "coordinates")
    return {
        "track_id": int(face.track_id),
        "box": box,
        "landmarks": landmarks,
        "det_score": _within([float(face.det_score)], 0, 1, "det_score")[0],
        "quality": _within([float(face.quality)], 0, 1, "quality")[0],
        "au": _within(face.aus.values_array.tolist(), 0, 1, "AU scores"),
        "expr": _within(face.expressions.values_array.tolist(), 0, 1, "expression scores"),
        "zero_shot": _within(face.zero_shot.values_array.tolist(), 0, 1, "zero-shot scores"),
    }


def _within(values: list[float], low: float, high: float, what: str) -> list[float]:
    # A NaN hides from min and max, but not from the sum.
    if values and not (math.isfinite(sum(values)) and min(values) >= low and max(values) <= high):
        raise WireError(f"The {what} aren't all finite and within {low:g} to {high:g}: {values}.")
    return values


def _status(status: Status) -> dict[str, Any]:
    return {
        "state": status.state.value,
        "epoch": int(status.epoch),
        "utc_ns": int(status.utc_ns),
        "reason": status.reason[:64],
        "detail": status.detail[:1024],
    }


def _hello(hello: Hello) -> dict[str, Any]:
    return {
        "publisher": hello.publisher,
        "labels_hash": hello.labels_hash,
        "bundle": hello.bundle,
        "bundle_version": hello.bundle_version,
        "au": list(hello.aus),
        "experimental": list(hello.experimental),
        "expr": list(hello.expressions),
        "zero_shot": list(hello.zero_shot),
        "thresholds": {name: float(value) for name, value in hello.thresholds.items()},
        "clef_rt": hello.clef_rt,
        "utc_ns": int(hello.utc_ns),
    }
