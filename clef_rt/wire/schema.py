"""The schema of every message, as Pydantic models: what a reader accepts, and where the JSON Schema comes from.

Additive only: unknown keys are ignored, and a key added later must have a default here. Numbers are strict (a string
is no number), finite and within range. `python -m clef_rt.wire` prints the JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from clef_rt.names import CAMERA_PATTERN

__all__ = [
    "MAX_FACES",
    "MAX_LABELS",
    "MAX_MILLIS",
    "MAX_PIXEL",
    "FaceMap",
    "HelloMessage",
    "ObsMessage",
    "StatusMessage",
    "json_schema",
    "model",
]

MAX_FACES: Final = 256
"""Faces in one observation."""

MAX_LABELS: Final = 512
"""Labels in one group."""

MAX_PIXEL: Final = 1e6
"""How far a coordinate may be from the frame's corner, pixels."""

MAX_MILLIS: Final = 1e9
"""The longest time of a stage, ms."""

_INT64: Final = 2**63 - 1
_UNIT: Final = {"ge": 0, "le": 1}

Camera = Annotated[str, Field(pattern=CAMERA_PATTERN, description="The camera's name.")]
LabelsHash = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$", description="Tells which hello names the scores.")]
Instant = Annotated[int, Field(ge=0, le=_INT64)]
Count = Annotated[int, Field(ge=0, le=_INT64)]
Side = Annotated[int, Field(ge=1, le=65_535)]
Score = Annotated[float, Field(**_UNIT)]
Scores = Annotated[list[Score], Field(max_length=MAX_LABELS)]
Pixel = Annotated[float, Field(ge=-MAX_PIXEL, le=MAX_PIXEL)]
Point = Annotated[list[Pixel], Field(min_length=2, max_length=2)]
Box = Annotated[list[Pixel], Field(min_length=4, max_length=4)]
Landmarks = Annotated[list[Point], Field(min_length=5, max_length=5)]
Millis = Annotated[float, Field(ge=0, le=MAX_MILLIS)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Names = Annotated[list[Name], Field(max_length=MAX_LABELS, json_schema_extra={"uniqueItems": True})]


class _Map(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)


class FaceMap(_Map):
    """One face of an observation."""

    track_id: int = Field(ge=-1, le=_INT64, description="The same as long as the face is followed; -1: not followed.")
    box: Box = Field(description="x, y of the top left corner, width, height; pixels.")
    landmarks: Landmarks = Field(
        description="x, y in pixels of the subject's right eye, left eye, nose, right and left corner of the mouth."
    )
    det_score: Score = Field(description="The detector's confidence that this is a face.")
    quality: Score = Field(description="How far the crop suits scoring.")
    au: Scores = Field(description="Probabilities, in the order of `au` in the hello; independent of each other.")
    expr: Scores = Field(description="Probabilities, in the order of `expr` in the hello; they sum to 1.")
    zero_shot: Scores = Field(description="Scores of labels added by text, in the order of `zero_shot` in the hello.")


class StageTimes(_Map):
    """Milliseconds by stage. A stage that didn't run is left out."""

    decode: Millis | None = Field(default=None, description="Decoding this frame.")
    detect: Millis | None = Field(default=None, description="Detection and tracking, of the batch.")
    align: Millis | None = Field(default=None, description="Cutting the crops, of the batch.")
    encode: Millis | None = Field(default=None, description="The model, of the batch.")
    total: Millis | None = Field(default=None, description="From the capture stamp to the scores.")


class _Message(_Map):
    # Not Literal[1], which True and 1.0 pass.
    v: int = Field(ge=1, le=1, description="Version of this schema.")
    camera: Camera


class ObsMessage(_Message):
    """What was seen in one frame of one camera."""

    kind: Literal["obs"]
    epoch: Count = Field(description="Counts the camera's connections.")
    seq: Count = Field(description="Counts the frames decoded, analysed or not.")
    labels_hash: LabelsHash
    pts_ns: int = Field(ge=-_INT64, le=_INT64, description="Presentation time stamp of the stream, ns.")
    captured_utc_ns: Instant = Field(description="When the frame's last packet arrived, ns since 1970 UTC.")
    captured_mono_ns: Instant = Field(description="The same instant by the publisher's monotonic clock, ns.")
    width: Side = Field(description="Of the frame, pixels.")
    height: Side = Field(description="Of the frame, pixels.")
    dropped: Count = Field(description="Frames of this camera so far that were replaced before analysis.")
    faces: list[FaceMap] = Field(max_length=MAX_FACES, description="Oldest track first.")
    ms: StageTimes


class StatusMessage(_Message):
    """A camera's state; sent at every change and once a second."""

    kind: Literal["status"]
    state: Literal["connecting", "live", "stalled", "backoff", "stopped"]
    epoch: Count = Field(description="Counts the camera's connections.")
    utc_ns: Instant = Field(description="When this was so.")
    reason: str = Field(max_length=64, description="A short code; empty where all is well.")
    detail: str = Field(max_length=1024, description="A sentence for people.")


class HelloMessage(_Message):
    """Names the scores; sent to every new subscriber and once a second."""

    kind: Literal["hello"]
    publisher: str = Field(pattern=r"^[0-9a-f]{16}$", description="Changes when the publisher restarts.")
    labels_hash: LabelsHash
    bundle: Annotated[str, Field(max_length=256)] = Field(description="Name of the model bundle.")
    bundle_version: Annotated[str, Field(max_length=64)]
    au: Names = Field(description="Action Units, in the order of the scores.")
    expr: Names = Field(description="Expressions, in the order of the scores.")
    zero_shot: Names = Field(description="Labels added by text, in the order of the scores.")
    experimental: list[Name] = Field(
        max_length=3 * MAX_LABELS,
        json_schema_extra={"uniqueItems": True},
        description="Those labels whose scores haven't been shown to be good.",
    )
    thresholds: dict[Name, Score] = Field(
        max_length=3 * MAX_LABELS, description="The score from which a label counts as present, by name."
    )
    clef_rt: str = Field(max_length=64, description="Version of the publishing clef_rt.")
    utc_ns: Instant = Field(description="When it was sent.")


Message = Annotated[ObsMessage | StatusMessage | HelloMessage, Field(discriminator="kind")]

model: Final[TypeAdapter[ObsMessage | StatusMessage | HelloMessage]] = TypeAdapter(Message)
"""Validates a payload once it is unpacked."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a payload."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CLEF-RT message, v1",
        **model.json_schema(mode="validation"),
    }
