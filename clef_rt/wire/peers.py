"""Who is at the other end of a socket. Without this a wrong key fails in silence, and a broken peer ends it for good.

Needs ZeroMQ; used by the thread that owns the socket.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any, Final

import zmq
from zmq.utils.monitor import recv_monitor_message

from clef_rt.wire.endpoint import Endpoint

__all__ = ["Peers"]

log = logging.getLogger(__name__)

_JOINED: Final = zmq.EVENT_ACCEPTED | zmq.EVENT_CONNECTED
_FAILED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)

_REVIVE_S: Final = 5.0
"""ZeroMQ connects anew after a connection broke, but never after a peer broke the protocol: a mechanism that doesn't
match, a message beyond the allowed length. What has no peer for so long is therefore connected anew."""


class Peers:
    """Follows the connections of a socket by its monitor. Make it before the socket binds or connects.

    Args:
        socket: the socket.
        endpoint: where it will bind or connect.

    Attributes:
        failures: handshakes that failed.
    """

    def __init__(self, socket: zmq.Socket[Any], endpoint: Endpoint) -> None:
        self.failures = 0
        self._endpoint = endpoint
        self._alone_since_s = time.monotonic()
        self._socket = socket
        self._connected: set[int] = set()
        self.monitor = socket.get_monitor_socket(_JOINED | _FAILED | zmq.EVENT_DISCONNECTED)

    def __len__(self) -> int:
        return len(self._connected)

    def update(self) -> None:
        """Take in what has happened; call it at least every second. Only the first failed handshake is logged."""
        while self.monitor.poll(0):
            message = recv_monitor_message(self.monitor)
            event, descriptor = message["event"], message["value"]
            if event & _JOINED:
                self._connected.add(descriptor)
            elif event == zmq.EVENT_DISCONNECTED:
                self._connected.discard(descriptor)
            else:
                self.failures += 1
                if self.failures == 1:
                    log.warning(
                        "A handshake failed at %s. Both ends need CURVE or neither, and the subscriber the publisher's "
                        "public key; or it was no ZeroMQ peer. Further failures are counted, not logged.",
                        message["endpoint"].decode(errors="replace"),
                    )

        now_s = time.monotonic()
        if self._connected or self._endpoint.role == "bind":
            self._alone_since_s = now_s
        elif now_s - self._alone_since_s > _REVIVE_S:
            self._alone_since_s = now_s
            with contextlib.suppress(zmq.ZMQError):  # there is nothing to disconnect where ZeroMQ gave up by itself
                self._socket.disconnect(self._endpoint.address)
            self._socket.connect(self._endpoint.address)

    def close(self) -> None:
        """Stop following; before the socket is closed."""
        self._socket.disable_monitor()
        self.monitor.close(linger=0)  # which disabling leaves open; a context waits for it for ever
