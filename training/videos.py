"""Frames of videos by their number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from clef_rt.picture import Picture

__all__ = ["Video", "number_of"]


class Video:
    """A video that is open. One thread decodes: `prepare` runs a process a core already.

    Args:
        path: the file.

    Raises:
        OSError: it isn't there.
        ValueError: it is no video.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start()

    def _start(self) -> None:
        self._file: Any = av.open(str(self._path))
        if not self._file.streams.video:
            self._file.close()
            raise ValueError("it has no video stream")
        stream = self._file.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        self._frames: Iterator[Any] = self._file.decode(stream)
        self._next = 0
        self._last: Any = None
        self._torn = False

    def read(self, member: str, channels: Literal[1, 3]) -> NDArray[np.uint8]:
        """A frame, (H, W) luminance or (H, W, 3) RGB uint8, upright.

        Args:
            member: its number, from 0, in the order in which the decoder gives them.
            channels: 1 or 3.

        Raises:
            IndexError: the video is shorter.
            ValueError: the frame is damaged, leans on one that is, or lies behind what can't be decoded.
        """
        number = number_of(member)
        if number < self._next - 1:
            self._file.close()
            self._start()
        while self._next <= number:
            try:
                self._last = next(self._frames)
            except StopIteration:
                raise IndexError(f"the video ends after {self._next} frames") from None
            except av.FFmpegError as error:
                raise ValueError(f"the video is damaged behind frame {self._next - 1}: {error.strerror}") from None
            self._next += 1
            # What follows a damaged frame is predicted from it, up to the next whole one.
            self._torn = self._last.is_corrupt or (self._torn and not self._last.key_frame)
        if self._torn:
            raise ValueError(f"frame {number} is damaged")
        picture = Picture.from_av(self._last)
        return picture.gray() if channels == 1 else np.ascontiguousarray(picture.bgr()[..., ::-1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def number_of(member: str) -> int:
    """A number from 0 as a path has it.

    Raises:
        ValueError: it is none.
    """
    if not member.isascii() or not member.isdigit():
        raise ValueError(f"{member!r} is no number from 0")
    return int(member)
