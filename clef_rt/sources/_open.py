"""Opens what libav reads, and finds the pictures in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clef_rt.errors import SourceUndecodable
from clef_rt.sources._errors import translate
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._uri import SourceUri

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer

__all__ = ["Recipe", "open_container"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How libav is to open a source.

    Attributes:
        target: what libav opens.
        format: libav's name of the format; None to find out.
        options: options for libav.
        attempts: further options, tried one set after another until one gives a picture's size.
        live: whether its frames come at their own pace; None if that depends on whether it has a duration.
        timeouts: whether its reads can be timed out.
    """

    target: str
    format: str | None
    options: Mapping[str, str]
    attempts: tuple[Mapping[str, str], ...] = ({},)
    live: bool | None = False
    timeouts: bool = False


def open_container(recipe: Recipe, uri: SourceUri, options: SourceOptions) -> tuple[InputContainer, VideoStream, int]:
    """Open a source by its recipe.

    Returns:
        The container, its video stream, and the index of the attempt that did it.

    Raises:
        SourceError: none did.
    """
    import av

    last = len(recipe.attempts) - 1
    limits = (options.open_timeout_s, options.read_timeout_s) if recipe.timeouts else None
    for attempt in range(min(options.attempt, last), last + 1):
        begun = time.monotonic()
        try:
            container = av.open(
                recipe.target,
                format=recipe.format,
                options={**recipe.attempts[attempt], **recipe.options, **options.options},
                metadata_errors="replace",
                timeout=limits,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            late = limits is not None and time.monotonic() - begun >= limits[0]
            if attempt < last and not late and isinstance(error, (av.InvalidDataError, av.ArgumentError)):
                continue
            raise translate(error, uri, late=late) from None
        stream = _video_stream(container)
        if stream is not None and stream.codec_context is not None and stream.codec_context.width > 0:
            return container, stream, attempt
        if attempt == last:
            problem = _problem(stream)
            container.close()
            raise SourceUndecodable(f"{uri} has {problem}.", "Give a source with pictures, in H.264 or MJPEG.")
        container.close()
    raise AssertionError("unreachable: the last attempt returns or raises")


def _video_stream(container: InputContainer) -> VideoStream | None:
    """The stream to show: the first that isn't the cover of an album."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    return None


def _problem(stream: VideoStream | None) -> str:
    if stream is None:
        return "no video stream"
    if stream.codec_context is None:
        return "a video codec that this build of libav lacks"
    return "pictures of unknown size"
