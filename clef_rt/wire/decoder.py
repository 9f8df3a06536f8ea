"""Bytes to messages. Whatever comes in, a message comes out or a `WireError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from clef_rt.errors import WireError
from clef_rt.frame import Face, Observation, Scores
from clef_rt.status import CameraState, Status
from clef_rt.wire.codec import unpack
from clef_rt.wire.hello import Hello
from clef_rt.wire.schema import FaceMap, HelloMessage, ObsMessage, StatusMessage, model
from clef_rt.wire.topic import VERSION, Event, parse_topic

__all__ = ["Decoder"]

_MAX_CAMERAS: Final = 1024


class Decoder:
    """Reads payloads. Keeps each camera's latest hello, which names the scores. Used by one thread.

    Attributes:
        unnamed: observations set aside because no hello had named their labels yet.
    """

    def __init__(self) -> None:
        self.unnamed = 0
        self._labels: dict[str, _Labels] = {}
        self._cameras: set[str] = set()

    @property
    def hellos(self) -> dict[str, Hello]:
        """The latest hello of each camera."""
        return {camera: labels.hello for camera, labels in self._labels.copy().items()}

    def decode(self, payload: bytes, topic: bytes | None = None) -> Event | None:
        """Read one payload, msgpack or JSON.

        Args:
            payload: the bytes.
            topic: what it was sent under, if known; it must then agree with the payload.

        Returns:
            The message; `None` for an observation whose labels no hello has named yet.

        Raises:
            WireError: damaged bytes, another version, a value of the wrong type or out of range, scores that don't
                agree with the hello in number, a topic that isn't the payload's, or too many cameras.
        """
        raw = unpack(payload)
        version = raw.get("v")
        if type(version) is int and version > VERSION:
            raise WireError(
                f"The message is of schema version {version}; this clef_rt reads {VERSION}.", "Upgrade clef-rt here."
            )
        try:
            message = model.validate_python(raw)
        except ValidationError as error:
            raise WireError(_explain(error)) from None
        if topic is not None and parse_topic(topic) != (message.kind, message.camera):
            raise WireError(f"Topic {topic!r} carries a {message.kind} of camera {message.camera}.")
        if message.camera not in self._cameras and len(self._cameras) >= _MAX_CAMERAS:
            raise WireError(f"More than {_MAX_CAMERAS} cameras at one reader.", "Subscribe to fewer cameras.")
        self._cameras.add(message.camera)
        if isinstance(message, ObsMessage):
            return self._observation(message)
        if isinstance(message, StatusMessage):
            return _status(message)
        return self._hello(message)

    def _hello(self, message: HelloMessage) -> Hello:
        hello = Hello(
            camera=message.camera,
            labels_hash=message.labels_hash,
            bundle=message.bundle,
            bundle_version=message.bundle_version,
            aus=tuple(message.au),
            expressions=tuple(message.expr),
            zero_shot=tuple(message.zero_shot),
            experimental=tuple(message.experimental),
            thresholds=message.thresholds,
            publisher=message.publisher,
            utc_ns=message.utc_ns,
            clef_rt=message.clef_rt,
        )
        for group in (hello.aus, hello.expressions, hello.zero_shot, hello.experimental):
            if len(set(group)) != len(group):
                raise WireError(f"The hello of {hello.camera} names a label twice.")
        self._labels[hello.camera] = _Labels(
            hello=hello, au=_index(hello.aus), expr=_index(hello.expressions), zero_shot=_index(hello.zero_shot)
        )
        return hello

    def _observation(self, message: ObsMessage) -> Observation | None:
        labels = self._labels.get(message.camera)
        if labels is None or labels.hello.labels_hash != message.labels_hash:
            self.unnamed += 1
            return None
        return Observation(
            camera=message.camera,
            epoch=message.epoch,
            seq=message.seq,
            labels_hash=message.labels_hash,
            pts_ns=message.pts_ns,
            captured_mono_ns=message.captured_mono_ns,
            captured_utc_ns=message.captured_utc_ns,
            width=message.width,
            height=message.height,
            dropped=message.dropped,
            faces=tuple(labels.face(face) for face in message.faces),
            ms={stage: value for stage, value in message.ms if value is not None},
        )


@dataclass(frozen=True, slots=True)
class _Labels:
    """A hello, and the index of each label group, which all its faces share."""

    hello: Hello
    au: Mapping[str, int]
    expr: Mapping[str, int]
    zero_shot: Mapping[str, int]

    def face(self, face: FaceMap) -> Face:
        return Face(
            track_id=face.track_id,
            box=np.array(face.box, np.float32),
            landmarks=np.array(face.landmarks, np.float32),
            det_score=face.det_score,
            quality=face.quality,
            aus=self._scores(self.au, face.au, "au"),
            expressions=self._scores(self.expr, face.expr, "expr"),
            zero_shot=self._scores(self.zero_shot, face.zero_shot, "zero_shot"),
        )

    def _scores(self, names: Mapping[str, int], values: list[float], key: str) -> Scores:
        if len(values) != len(names):
            raise WireError(
                f"{self.hello.camera}: a face has {len(values)} {key} scores where the hello names {len(names)}."
            )
        row: NDArray[np.float32] = np.array(values, np.float32)
        return Scores(names, row)


def _index(names: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}


def _status(message: StatusMessage) -> Status:
    return Status(
        camera=message.camera,
        state=CameraState(message.state),
        epoch=message.epoch,
        utc_ns=message.utc_ns,
        reason=message.reason,
        detail=message.detail,
    )


def _explain(error: ValidationError) -> str:
    # The offending value is left out: it may be huge or hostile. Keys may be too, hence the escapes and the cut.
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"The message isn't of schema v{VERSION}: {where!a:.120}: {first['msg'][:200]}."
