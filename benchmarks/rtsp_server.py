"""An RTSP camera that plays raw pictures and draws the time into each, for `rtsp.FaceCamera`, in the system's Python.

usage: rtsp_server.py PORT WIDTH HEIGHT FPS FILE ORACLE-FOLDER

FILE holds I420 pictures one after another; they are shown forwards and backwards in turn, so nothing ever jumps.
"""

import importlib
import itertools
import math
import mmap
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402


class Camera(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    """Makes the stream for a client."""

    def __init__(self, width: int, height: int, fps: Fraction, pictures: mmap.mmap, oracle: Any) -> None:
        super().__init__()
        self.width, self.height, self.fps = width, height, fps
        self.pictures, self.oracle = pictures, oracle
        self.size = width * height * 3 // 2

    def do_create_element(self, url: Any) -> Any:
        """See GstRtspServer."""
        # As cameras send it: one slice, no B-frames, a key frame a second, 4 Mbit/s.
        rate = f"{self.fps.numerator}/{self.fps.denominator}"
        picture = f"video/x-raw,format=I420,width={self.width},height={self.height},framerate={rate}"
        encoder = f"x264enc speed-preset=ultrafast tune=zerolatency key-int-max={math.ceil(self.fps)} bitrate=4000"
        return Gst.parse_launch(
            f"( appsrc name=source is-live=true format=time do-timestamp=true caps={picture} ! {encoder} threads=1 "
            f"! video/x-h264,profile=baseline ! rtph264pay name=pay0 pt=96 config-interval=1 )"
        )

    def do_configure(self, media: Any) -> None:
        """See GstRtspServer."""
        source = media.get_element().get_child_by_name("source")
        ended = threading.Event()
        media.connect("unprepared", lambda _: ended.set())
        threading.Thread(target=self._push, args=(source, ended), daemon=True).start()

    def _push(self, source: Any, ended: threading.Event) -> None:
        last = len(self.pictures) // self.size - 1
        order = itertools.cycle([*range(last + 1), *range(last - 1, 0, -1)])
        due = time.monotonic()
        while not ended.wait(max(0.0, due - time.monotonic())):
            start = next(order) * self.size
            picture = bytearray(self.pictures[start : start + self.size])
            self.oracle.draw_bytes(picture, self.width, self.oracle.now_ms())
            source.emit("push-buffer", Gst.Buffer.new_wrapped(bytes(picture)))
            due += float(1 / self.fps)


def main() -> None:
    """Serve until killed, or until stdin ends with the parent; `ready` on stdout tells that it does."""
    port, width, height = map(int, sys.argv[1:4])
    fps = Fraction(sys.argv[4])
    sys.path.insert(0, sys.argv[6])
    oracle = importlib.import_module("oracle")
    Gst.init(None)
    with Path(sys.argv[5]).open("rb") as file:
        pictures = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    server.get_mount_points().add_factory("/cam", Camera(width, height, fps, pictures, oracle))
    if server.attach(None) == 0:
        sys.exit(f"port {port} is taken")
    print("ready", flush=True)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()


main()
