"""An RTSP camera in a process of its own: it can be killed, frozen and restarted like the real thing.

    with RtspServer(fps=25) as camera:
        open_source(camera.url)

Needs GStreamer's RTSP server and its bindings for the system's Python (`install-rtsp.sh`); `missing()` says what isn't
there. One server a reader: a client that doesn't read can hold up the others of the same server.
"""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

SYSTEM_PYTHON = "/usr/bin/python3"

_PROBE = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
lost = [name for name in ("appsrc", "x264enc", "rtph264pay") if Gst.ElementFactory.find(name) is None]
raise SystemExit(f"GStreamer lacks {lost}" if lost else 0)
"""


@functools.cache
def missing() -> str:
    """Why the rig can't run here; empty if it can."""
    if not Path(SYSTEM_PYTHON).exists():
        return f"no {SYSTEM_PYTHON}"
    probe = subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, text=True, check=False)
    if probe.returncode == 0:
        return ""
    return "no GStreamer RTSP server: " + (probe.stderr.strip().splitlines() or ["unknown"])[-1]


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RtspServer:
    """See the module.

    Args:
        fps: frames per second.
        size: width and height.
        gop: frames from one key frame to the next.
        bframes: B-frames in a row; above 0 the encoder adds its own delay.
        auth: `user:password` to ask for.
    """

    def __init__(
        self,
        *,
        fps: int = 25,
        size: tuple[int, int] = (640, 352),
        gop: int = 25,
        bframes: int = 0,
        auth: str = "",
    ) -> None:
        self.port = free_port()
        self.path = "/cam"
        self._arguments = {"size": f"{size[0]}x{size[1]}", "fps": fps, "gop": gop, "bframes": bframes, "auth": auth}
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}{self.path}"

    def start(self, **changes: object) -> None:
        """Start, or start again at the same port, with other arguments if wished."""
        arguments = {"port": self.port, **self._arguments, **changes}
        script = str(Path(__file__).with_name("rtsp_server.py"))
        command = [SYSTEM_PYTHON, script, *(f"--{key}={value}" for key, value in arguments.items())]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the RTSP rig did not start: {self._process.wait(5)}")

    def kill(self) -> None:
        """As if the camera's plug were pulled, except that its kernel still closes the connection."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def freeze(self) -> None:
        """Stop it where it is: the connection stays, and nothing comes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
