"""What can be set, within which bounds, and by default to what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from clef_rt.encode.choice import EngineName
from clef_rt.errors import ClefError
from clef_rt.names import CAMERA_PATTERN
from clef_rt.sources import SourceOptions, SourceUri

__all__ = ["LiveSettings", "OpenSettings", "PublishSettings", "ResolvedSource", "SourceSettings"]


class _Settings(BaseModel):
    # Strict: "5" is no number, and 5 no text. A key nobody knows is a typing mistake.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _uri(value: object) -> object:
    return str(value) if type(value) is int else value  # a webcam's number


def _known_uri(value: str) -> str:
    try:
        SourceUri.parse(value)
    except ClefError as error:
        raise ValueError(str(error)) from None
    return value


def _size(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", value.strip())
        value = match and [int(side) for side in match.groups()]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError("write width and height in pixels, such as 1280x720")
    return tuple(value)


def _endpoint(value: str) -> str:
    from clef_rt.wire.endpoint import Endpoint

    try:
        Endpoint.parse(value, default="bind")
    except ClefError as error:
        raise ValueError(str(error)) from None
    return value


Side = Annotated[int, Field(ge=1, le=16384)]
Size = Annotated[tuple[Side, Side], BeforeValidator(_size)]
Seconds = Annotated[float, Field(gt=0, le=1e9)]
Uri = Annotated[str, BeforeValidator(_uri), AfterValidator(_known_uri)]
Camera = Annotated[str, Field(pattern=CAMERA_PATTERN)]
BindEndpoint = Annotated[str, AfterValidator(_endpoint)]


class OpenSettings(_Settings):
    """How sources are opened and read, as `clef_rt.sources.SourceOptions` says."""

    rtsp_transport: Literal["tcp", "udp", "udp_multicast", "http"] = Field(
        default="tcp",
        description="How RTSP cameras send: tcp, udp, udp_multicast or http. Over udp lost packets smear faces.",
    )
    open_timeout_s: Seconds = Field(default=5.0, description="Seconds that connecting may take.")
    read_timeout_s: Seconds = Field(
        default=10.0, description="Seconds without data after which a connection counts as lost."
    )
    realtime: bool = Field(
        default=False, description="Play files at their own pace, and drop late frames as for a camera."
    )
    loop: bool = Field(default=False, description="Begin a file again at its end.")
    size: Size | None = Field(default=None, description="Width and height to ask of a webcam, such as 1280x720.")
    fps: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None, description="Frames per second to ask of a webcam; of a folder of images, the rate to play it at."
    )
    libav: dict[str, str] = Field(
        default_factory=dict, description="Options for libav itself, over all of the above; all values are texts."
    )

    def under(self, other: OpenSettings) -> OpenSettings:
        """These, with what the other one sets in their place."""
        return self.model_copy(update={name: getattr(other, name) for name in other.model_fields_set})

    def to_options(self) -> SourceOptions:
        """As sources take them."""
        return SourceOptions(
            rtsp_transport=self.rtsp_transport,
            open_timeout_s=self.open_timeout_s,
            read_timeout_s=self.read_timeout_s,
            realtime=self.realtime,
            loop=self.loop,
            size=self.size,
            fps=self.fps,
            options=self.libav,
        )


class SourceSettings(_Settings):
    """One source. A bare URI stands for `uri: URI`."""

    uri: Uri = Field(description="A webcam's number, a URL, a file, or a folder of images.")
    camera: Camera | None = Field(
        default=None, description="What to call it (a-z 0-9 _ -); made from the URI by default."
    )
    options: OpenSettings = Field(
        default_factory=OpenSettings, description="As `options` below, for this source alone."
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"uri": value} if isinstance(value, str) or type(value) is int else value


class PublishSettings(_Settings):
    """Where and how scores are published."""

    endpoint: BindEndpoint = Field(
        default="tcp://127.0.0.1:5599",
        description="tcp://HOST:PORT or ipc://PATH. tcp://*:5599 is open to the network; port 0 takes any free one.",
    )
    format: Literal["msgpack", "json"] = Field(default="msgpack", description="Of the payloads: msgpack or json.")


class LiveSettings(_Settings):
    """All settings of `clef-rt live`."""

    sources: list[SourceSettings] = Field(default_factory=list, max_length=256, description="What to read.")
    options: OpenSettings = Field(default_factory=OpenSettings, description="How to open and read them all.")
    bundle: str | None = Field(
        default=None,
        min_length=1,
        description="The model: a bundle's folder, a .clef file, or a name from `clef-rt models`.",
    )
    engine: EngineName = Field(
        default="auto",
        description="What runs the encoder: tensorrt, ort-tensorrt, cuda, cpu or openvino; auto takes the first of "
        "TensorRT, CUDA and the CPU that is there.",
    )
    variant: str = Field(
        default="auto",
        min_length=1,
        description="Which of the bundle's graphs: fp32, fp16 or int8; auto is fp16 on a GPU if it's there, else fp32.",
    )
    detector: str = Field(
        default="auto",
        min_length=1,
        description="auto, clef, yunet, scrfd, yunet:FILE, scrfd:FILE, or an .onnx file.",
    )
    detect_every: int = Field(
        default=10,
        ge=1,
        le=100_000,
        description="Search the whole picture every so many frames; between, faces are followed.",
    )
    max_faces: int = Field(default=32, ge=1, le=256, description="Of more faces in a frame, the largest are scored.")
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="Threads of the encoder; by default as many as there are usable cores."
    )
    policy: Literal["auto", "latest", "lossless"] = Field(
        default="auto",
        description="latest drops frames that come too fast, lossless holds their source back; auto is latest for "
        "cameras and lossless for files.",
    )
    retry: bool = Field(default=False, description="Keep trying sources that can't be opened at the start.")
    publish: PublishSettings = Field(default_factory=PublishSettings, description="Where the scores go.")
    output: Literal["auto", "live", "plain", "json", "quiet"] = Field(
        default="auto",
        description="live: a view that is redrawn; plain: a line a second; json: a line a message; quiet: nothing. "
        "auto is live on a terminal, else plain.",
    )
    duration_s: Seconds | None = Field(default=None, description="End after so many seconds.")

    @model_validator(mode="after")
    def _distinct(self) -> LiveSettings:
        given = [source.camera for source in self.sources if source.camera]
        if twice := sorted({name for name in given if given.count(name) > 1}):
            raise ValueError(f"two sources are called {', '.join(twice)}; give each a name of its own")
        return self

    def resolved(self) -> list[ResolvedSource]:
        """The sources, each with its options over those for all."""
        return [
            ResolvedSource(SourceUri.parse(own.uri), own.camera, self.options.under(own.options).to_options())
            for own in self.sources
        ]


@dataclass(frozen=True, slots=True)
class ResolvedSource:
    """A source as it's to be opened.

    Attributes:
        uri: where from.
        camera: its name; None to make one from the URI.
        options: how.
    """

    uri: SourceUri
    camera: str | None
    options: SourceOptions
