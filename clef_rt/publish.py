"""Observations to any number of subscribers, over ZeroMQ.

    with Publisher("tcp://127.0.0.1:5599", hellos=[hello]) as publisher:
        publisher.publish(observation)

The socket is an XPUB: the same on the wire as a PUB, but it sees each subscription, so that a newcomer gets its hello
at once. A thread of its own owns the socket; everything else only puts messages into its mailbox, and never waits.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

import zmq

from clef_rt.errors import WireError
from clef_rt.frame import Observation
from clef_rt.mailbox import Mailbox
from clef_rt.status import Status
from clef_rt.wire import Decoder, Event, Hello, encode, topic_of
from clef_rt.wire.codec import Format
from clef_rt.wire.curve import CurveKeys
from clef_rt.wire.endpoint import Endpoint
from clef_rt.wire.peers import Peers

__all__ = ["DEFAULT_ENDPOINT", "PublishCounts", "Publisher"]

log = logging.getLogger(__name__)

DEFAULT_ENDPOINT: Final = "tcp://127.0.0.1:5599"

_HEARTBEAT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class PublishCounts:
    """What a publisher has done so far.

    Attributes:
        subscribers: connections now.
        sent: messages handed to the socket: observations, statuses and hellos.
        unread: messages not even packed, as nobody had subscribed.
        dropped: messages lost because the mailbox was full. A slow subscriber's own losses show as gaps in `seq`.
        refused: messages that the schema doesn't allow, such as a score that isn't finite; the first is logged.
        handshake_failures: connections refused, for wrong keys as a rule.
    """

    subscribers: int
    sent: int
    unread: int
    dropped: int
    refused: int
    handshake_failures: int


class Publisher:
    """Publishes to one endpoint until it's closed. Any thread may call it; no call waits.

    Args:
        endpoint: `tcp://host:port` and `ipc://path` are bound; `connect:` in front connects, to a proxy for instance.
            Port 0 takes any free one: see `endpoint`.
        hellos: the label names of each camera; more may be given by `hello`.
        curve: the server's keys, to encrypt. Its public key is what subscribers need.
        queue_size: messages that may wait for the thread.
        format: `msgpack`, or `json` for readers that have nothing else.

    Attributes:
        endpoint: the address in use, with the real port.
        id: 16 hex digits, new for each publisher; hellos carry them.

    Raises:
        PublishError: the endpoint is wrong, in use, or not permitted.
        WireError: a hello that the schema doesn't allow.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        hellos: Iterable[Hello] = (),
        curve: CurveKeys | None = None,
        queue_size: int = 256,
        format: Format = "msgpack",  # noqa: A002 - the natural word
    ) -> None:
        place = Endpoint.parse(endpoint, default="bind")
        self.id = secrets.token_hex(8)
        self._format = format
        self._lock = threading.Lock()  # guards the two maps below
        self._hellos: dict[str, Hello] = {}
        self._statuses: dict[str, Status] = {}
        for hello in hellos:
            self._hellos[hello.camera] = self._checked(hello)
        self._subscriptions = self._sent = self._unread = self._refused = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._peers = Peers(self._socket, place)
        try:
            _configure(self._socket, curve)
            self.endpoint = place.attach(self._socket)
        except BaseException:
            self._peers.close()
            self._context.destroy(linger=0)
            raise
        if curve is None and not place.is_local and place.role == "bind":
            log.warning("%s is open to the network, without encryption: whoever reaches it reads along.", self.endpoint)
        self._mailbox: Mailbox[Event] = Mailbox(queue_size)
        # From here on the thread alone touches the socket.
        self._thread = threading.Thread(target=self._run, name=f"publish {self.endpoint}", daemon=True)
        self._thread.start()

    def publish(self, observation: Observation) -> bool:
        """Send an observation. False if it was dropped: too many wait already, or the publisher is closed."""
        return self._mailbox.put(observation)

    def status(self, status: Status) -> bool:
        """Tell a camera's state, now and once a second until the next.

        Returns:
            False if it wasn't sent at once; it then goes out with the next heartbeat.
        """
        with self._lock:
            self._statuses[status.camera] = status
        return self._mailbox.put(status)

    def hello(self, hello: Hello) -> bool:
        """Name a camera's labels, now, to each newcomer, and once a second.

        Returns:
            False if it wasn't sent at once; it then goes out with the next heartbeat.

        Raises:
            WireError: the schema doesn't allow it.
        """
        hello = self._checked(hello)
        with self._lock:
            self._hellos[hello.camera] = hello
        return self._mailbox.put(hello)

    @property
    def counts(self) -> PublishCounts:
        """What it has done so far."""
        return PublishCounts(
            subscribers=len(self._peers),
            sent=self._sent,
            unread=self._unread,
            dropped=self._mailbox.dropped,
            refused=self._refused,
            handshake_failures=self._peers.failures,
        )

    def close(self) -> None:
        """Send what waits and stop; within a second, also with a subscriber that doesn't read. Twice does no harm."""
        self._mailbox.close()
        self._thread.join(timeout=1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, hello: Hello) -> Hello:
        # Read back once here: a subscriber would refuse it a thousand times, far from the mistake.
        hello = replace(hello, publisher=self.id, utc_ns=time.time_ns())
        Decoder().decode(encode(hello), topic_of(hello))
        return hello

    def _run(self) -> None:
        poller = zmq.Poller()
        for source in (self._socket, self._mailbox.fileno(), self._peers.monitor):
            poller.register(source, zmq.POLLIN)
        heartbeat_s = time.monotonic() + _HEARTBEAT_S
        try:
            while not self._mailbox.closed:
                poller.poll(max(0, int((heartbeat_s - time.monotonic()) * 1e3)))
                self._peers.update()
                # Newcomers first, so that their hello comes before the observations it names.
                newcomer = self._take_subscriptions()
                self._flush()
                if newcomer or time.monotonic() >= heartbeat_s:
                    self._introduce()
                    heartbeat_s = time.monotonic() + _HEARTBEAT_S
            self._flush()
        finally:
            self._mailbox.release()
            self._peers.close()
            self._socket.close()  # within its linger
            self._context.term()

    def _flush(self) -> None:
        for message in self._mailbox.take():
            self._send(message)

    def _take_subscriptions(self) -> bool:
        newcomer = False
        while True:
            try:
                request = self._socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                return newcomer
            if request[:1] == b"\x01":
                self._subscriptions += 1
                newcomer = True
            elif request[:1] == b"\x00":
                self._subscriptions = max(0, self._subscriptions - 1)

    def _introduce(self) -> None:
        """Send each camera's hello and last status, as of now."""
        now_ns = time.time_ns()
        with self._lock:
            hellos, statuses = list(self._hellos.values()), list(self._statuses.values())
        for hello in hellos:
            self._send(replace(hello, utc_ns=now_ns))
        for status in statuses:
            self._send(replace(status, utc_ns=now_ns))

    def _send(self, message: Event) -> None:
        if not self._subscriptions:
            self._unread += 1
            return
        try:
            payload = encode(message, format=self._format)
        except WireError as error:
            self._refused += 1
            if self._refused == 1:
                log.error("Not published: %s Further ones are counted, not logged.", error)
            return
        # An XPUB never waits: at a subscriber's high-water mark it drops the message for that subscriber.
        self._socket.send_multipart((topic_of(message), payload), flags=zmq.DONTWAIT)
        self._sent += 1


def _configure(socket: zmq.Socket[Any], curve: CurveKeys | None) -> None:
    socket.setsockopt(zmq.XPUB_VERBOSER, 1)  # each subscription and its end, not only the first and last
    socket.setsockopt(zmq.SNDHWM, 64)  # a subscriber that is stuck should lose soon, and see the gap
    socket.setsockopt(zmq.LINGER, 200)  # the default waits for ever: closing beside a stalled subscriber took > 5 s
    socket.setsockopt(zmq.MAXMSGSIZE, 1024)  # what comes in are subscriptions
    socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    if curve is not None:
        curve.serve(socket)
