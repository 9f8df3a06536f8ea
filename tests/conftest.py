"""Fixtures for all tests: the shared data where it is, and small videos made on the spot."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.rigs import oracle, rtsp

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"

# A shell that runs the suite in the background lets it ignore Ctrl-C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

VIDEO_FRAMES = 45
VIDEO_FPS = 30
VIDEO_SIZE = (322, 242)  # no multiple of 16, so that lines are padded


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, faces and models beside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data isn't here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of 45 frames at 30 fps, each with its index drawn (`oracle.read`)."""
    return make_video(tmp_path_factory.mktemp("video") / "plain.mp4")


@pytest.fixture(scope="session")
def video_bframes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with two B-frames in a row."""
    return make_video(tmp_path_factory.mktemp("video") / "bframes.mp4", bframes=2)


@pytest.fixture(scope="session")
def video_truncated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with its index in front and the last 40 % of its bytes missing."""
    path = make_video(tmp_path_factory.mktemp("video") / "truncated.mp4", movflags="faststart")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    return path


@pytest.fixture
def rtsp_camera() -> Iterator[rtsp.RtspServer]:
    """A running fake RTSP camera; skips where it can't run."""
    reason = rtsp.missing()
    if reason:
        pytest.skip(reason)
    with rtsp.RtspServer() as camera:
        yield camera


def make_video(
    path: Path,
    *,
    frames: int = VIDEO_FRAMES,
    bframes: int = 0,
    size: tuple[int, int] = VIDEO_SIZE,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    **container: str,
) -> Path:
    """Encode a video whose frames draw their index."""
    with av.open(str(path), "w", options=container) as output:
        stream = output.add_stream(codec, rate=VIDEO_FPS)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        if codec == "libx264":
            stream.options = {"bf": str(bframes), "b_strategy": "0", "g": "15", "preset": "veryfast"}
        for index in range(frames):
            image = np.full((size[1], size[0], 3), 60 + 2 * index, np.uint8)
            oracle.draw(image, index)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts = index
            for packet in stream.encode(frame):
                output.mux(packet)
        for packet in stream.encode():
            output.mux(packet)
    return path
