"""An RTSP camera with reversed roles, from our own dependencies alone: it pushes, and the source listens.

    with PushCamera() as camera:
        open_source(camera.url, options=SourceOptions(options=camera.options))

It waits until somebody listens, and pushes again whenever the listener has gone. As a program it is the camera itself.
Pushing from a thread of the reader's own process hangs both, so it is always a process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.rigs.rtsp import free_port


class PushCamera:
    """See the module."""

    options = {"rtsp_flags": "listen", "listen_timeout": "10"}  # noqa: RUF012
    """What the listening source needs. Without the timeout FFmpeg 8 refuses its own default as out of range."""

    def __init__(self, *, fps: int = 25) -> None:
        self.port = free_port()
        self._fps = fps
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam"

    def start(self) -> None:
        root = Path(__file__).parents[2]
        command = [sys.executable, "-m", "tests.rigs.push", str(self.port), str(self._fps)]
        self._process = subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def push(port: int, fps: int) -> None:
    """Push to whoever listens at the port, until it goes."""
    import av
    import numpy as np

    from tests.rigs import oracle

    with av.open(f"rtsp://127.0.0.1:{port}/cam", "w", format="rtsp", options={"rtsp_transport": "tcp"}) as output:
        stream = output.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"tune": "zerolatency", "preset": "ultrafast", "g": str(fps)}
        due, index = time.monotonic(), 0
        while True:
            image = np.full((240, 320, 3), 90, np.uint8)
            oracle.draw(image, oracle.now_ms())
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts = index
            for packet in stream.encode(frame):
                output.mux(packet)
            index += 1
            due += 1 / fps
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    while True:
        try:
            push(int(sys.argv[1]), int(sys.argv[2]))
        except OSError:
            time.sleep(0.1)
