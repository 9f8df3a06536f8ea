"""A web server for files, with faults: what a test scripts happens to the next requests, one after the other."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What is odd about one answer.

    Attributes:
        status: instead of 200 or 206; without a body.
        headers: besides, or instead of, those that there would be.
        cut: close the connection after so many bytes of the body.
        length: Content-Length says so.
        ranges: False: the whole file, whatever part was asked for.
        stall_s: seconds of silence before the body.
        trickle: seconds after each 100 bytes.
    """

    status: int | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    cut: int | None = None
    length: int | None = None
    ranges: bool = True
    stall_s: float = 0.0
    trickle: float = 0.0


@dataclass
class Web:
    """The server as tests see it.

    Attributes:
        address: http://127.0.0.1:PORT.
        files: contents by path.
        faults: of the next requests.
        always: of all others.
        requests: path and headers of each.
        etag: of all files; None for none.
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    always: Fault = field(default_factory=Fault)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    etag: str | None = "by contents"

    def asked(self, name: str) -> list[str | None]:
        """A header of each request."""
        return [headers.get(name) for _, headers in self.requests]


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_GET(self) -> None:
        web = self.web
        web.requests.append((self.path, dict(self.headers)))
        fault = web.faults.pop(0) if web.faults else web.always
        body = web.files.get(self.path.partition("?")[0])
        status = fault.status or (200 if body is not None else 404)
        if status != 200 or body is None:
            self._head(status, {"Content-Length": "0"} | fault.headers)
            return
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if web.etag == "by contents" else web.etag
        head: dict[str, str | None] = {"ETag": etag}
        asked, wanted = self.headers.get("Range"), self.headers.get("If-Range")
        total, begin = len(body), 0
        if asked and fault.ranges and wanted in (None, etag):
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= total:
                self._head(416, {"Content-Length": "0", "Content-Range": f"bytes */{total}"})
                return
            status, head["Content-Range"] = 206, f"bytes {begin}-{total - 1}/{total}"
        body = body[begin:]
        head["Content-Length"] = str(len(body) if fault.length is None else fault.length)
        self._head(status, head | fault.headers)
        time.sleep(fault.stall_s)
        self._send(body if fault.cut is None else body[: fault.cut], fault.trickle)

    def _head(self, status: int, headers: dict[str, str | None]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes, pause_s: float) -> None:
        try:
            for begin in range(0, len(body), 100 if pause_s else 1 << 16):
                self.wfile.write(body[begin : begin + (100 if pause_s else 1 << 16)])
                time.sleep(pause_s)
        except OSError:
            pass  # the client has gone
        finally:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass


@contextmanager
def serving(files: dict[str, bytes], certificate: Path | None = None) -> Iterator[Web]:
    """Serve on this machine; with a certificate (PEM, key and all) over TLS."""
    web = Web("", dict(files))
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": web})) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        web.address = f"{scheme}://{'localhost' if certificate else '127.0.0.1'}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
