"""A real RTSP camera on this machine that shows a video and draws into each picture when it was made.

It needs GStreamer's RTSP server and its bindings for the system's Python, as the tests' camera does.
"""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from clef_rt.errors import ClefError
from tests.rigs import oracle
from tests.rigs.rtsp import SYSTEM_PYTHON, free_port, missing

__all__ = ["FaceCamera", "missing"]

_PICTURES: Final = 90  # 124 MB of 720p on the disk; shown forwards and backwards they last 6 s


class FaceCamera:
    """See the module. In a `with` block; one reader at a time.

    Args:
        video: what it shows; its first three seconds or so.
        fps: pictures a second.
        folder: where the raw pictures are put.

    Raises:
        ClefError: the server doesn't start.
    """

    def __init__(self, video: Path, fps: float, folder: Path) -> None:
        raw = folder / f"{video.stem}.i420"
        width, height = _unpack(video, raw)
        self.url = f"rtsp://127.0.0.1:{(port := free_port())}/cam"
        script = Path(__file__).with_name("rtsp_server.py")
        rate = Fraction(fps).limit_denominator(1001)
        arguments = [port, width, height, rate, raw, Path(oracle.__file__).parent]
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(script), *map(str, arguments)],
            stdin=subprocess.PIPE,  # it ends with us, however we end
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent alone
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            self.close()
            raise ClefError("The local RTSP server doesn't start.", "Measure without it: --via file.")

    @property
    def pid(self) -> int:
        """Its process's number."""
        return self._process.pid

    def close(self) -> None:
        """End the camera."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unpack(video: Path, raw: Path) -> tuple[int, int]:
    """Write a video's first pictures as I420, of even width and height; which are returned."""
    import av

    with av.open(str(video)) as container, raw.open("wb") as file:
        first = container.streams.video[0]
        width, height = first.width // 2 * 2, first.height // 2 * 2
        if width < oracle.WIDTH or height < oracle.HEIGHT:
            raise ClefError(f"{video.name} is too small to draw the time into.", "Measure it with --via file.")
        for frame in islice(container.decode(video=0), _PICTURES):
            file.write(frame.reformat(width, height, "yuv420p").to_ndarray().tobytes())
    return width, height
