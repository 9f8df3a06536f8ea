"""When the frames of a video are shown, without decoding it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["frame_times"]


def frame_times(path: Path) -> NDArray[np.float64]:
    """The time of each frame, in the order in which the decoder gives them.

    Returns:
        (n,) s, ascending from 0.

    Raises:
        OSError: it can't be opened.
        ValueError: it has no video stream, or no frame.
    """
    try:
        with av.open(str(path)) as file:
            if not file.streams.video:
                raise ValueError("it has no video stream")
            stream = file.streams.video[0]
            packets = [packet.pts for packet in file.demux(stream) if packet.size and not packet.is_discard]
            tick, rate = float(stream.time_base or 1), float(stream.average_rate or 25)
    except av.FFmpegError as error:
        raise OSError(error.errno, error.strerror or "it can't be opened") from None
    if not packets:
        raise ValueError("it has no frame")
    stamps = [pts for pts in packets if pts is not None]
    if len(stamps) < len(packets):  # raw streams have none
        return np.arange(len(packets)) / rate
    times = np.sort(np.array(stamps, np.float64)) * tick
    return np.asarray(times - times[0], np.float64)
