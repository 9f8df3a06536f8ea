"""An MJPEG camera over HTTP, in a thread: freezes, hangs up, denies access, on demand.

    with MjpegServer(fps=25) as camera:
        open_source(camera.url)

Paths: `/` the stream; `/secret` asks for admin:secret; `/page` a web page; `/hang` accepts and never answers;
anything else is 404.
"""

from __future__ import annotations

import base64
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from tests.rigs import oracle

CREDENTIALS = "admin:secret"


class MjpegServer:
    """See the module.

    Args:
        fps: pictures per second.
        size: width and height.
        port: 0 for a free one.
    """

    def __init__(self, *, fps: float = 25.0, size: tuple[int, int] = (320, 240), port: int = 0) -> None:
        self.fps = fps
        self.connections = 0
        self._moving = threading.Event()
        self._moving.set()
        self._generation = 0
        self._stopped = threading.Event()
        self._background = np.full((size[1], size[0], 3), 90, np.uint8)
        self._background[:, ::16] = 140
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def freeze(self) -> None:
        """Stop sending, and keep the connections."""
        self._moving.clear()

    def thaw(self) -> None:
        self._moving.set()

    def hang_up(self) -> None:
        """Close the connections; new ones are served."""
        self._generation += 1

    def close(self) -> None:
        """Close all, and free the port."""
        self._stopped.set()
        self.hang_up()
        self._moving.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def picture(self) -> bytes:
        """One JPEG with the present time drawn into it."""
        image = self._background.copy()
        oracle.draw(image, oracle.now_ms())
        return cv2.imencode(".jpg", image)[1].tobytes()


def _handler(camera: MjpegServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/hang":
                camera._stopped.wait(60)
            elif self.path == "/page":
                self._answer(200, b"<html><body>A web page, and no stream.</body></html>" * 40)
            elif self.path == "/secret" and not self._authorized():
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path in ("/", "/secret"):
                self._stream()
            else:
                self._answer(404, b"")

        def _authorized(self) -> bool:
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            return base64.b64decode(given or "").decode() == CREDENTIALS

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            generation = camera._generation
            camera.connections += 1
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            due = time.monotonic()
            try:
                while generation == camera._generation:
                    if not camera._moving.wait(0.05):
                        due = time.monotonic()
                        continue
                    jpeg = camera.picture()
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    due += 1 / camera.fps
                    camera._stopped.wait(max(0.0, due - time.monotonic()))
            except OSError:  # the reader has gone
                pass

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
