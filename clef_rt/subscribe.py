"""Observations from a publisher anywhere, as typed objects.

    for observation in subscribe("tcp://127.0.0.1:5599", cameras=["door"]):
        print(observation.faces[0].aus["AU12"])

A thread drains the socket all the time, so that what is read is fresh however slow the reader is: without it, a reader
that had stalled for 10 s then read messages 10 s old.
"""

from __future__ import annotations

import math
import time
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import zmq

from clef_rt.errors import SourceTimeout
from clef_rt.frame import Observation
from clef_rt.names import check_camera
from clef_rt.status import Status
from clef_rt.wire import Event, Hello
from clef_rt.wire.codec import MAX_BYTES
from clef_rt.wire.curve import CurveKeys
from clef_rt.wire.endpoint import Endpoint
from clef_rt.wire.inbox import Inbox
from clef_rt.wire.peers import Peers
from clef_rt.wire.receiver import Receiver
from clef_rt.wire.topic import PREFIX, topics

__all__ = ["SubscribeCounts", "Subscription", "subscribe"]


@dataclass(frozen=True, slots=True)
class SubscribeCounts:
    """What a subscription has seen so far.

    Attributes:
        received: messages of every kind.
        skipped: observations that gave way to newer ones before they were read; with `latest` that is as intended.
        lost: observations that never came, by the gaps in `seq` that `dropped` doesn't explain; without `latest` also
            those pushed out of the full queue.
        unnamed: observations set aside because their labels had no hello yet.
        invalid: messages that aren't of our schema; the first is logged.
        handshake_failures: connections that failed, for wrong keys as a rule.
    """

    received: int
    skipped: int
    lost: int
    unnamed: int
    invalid: int
    handshake_failures: int


class Subscription:
    """What `subscribe` returns. Iterate it for observations, or `events` for all; each message is given once.

    Attributes:
        endpoint: the address in use.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        cameras: frozenset[str] | None,
        latest: bool,
        timeout_s: float | None,
        server_key: str | None,
        keys: CurveKeys | None,
        queue_size: int,
    ) -> None:
        self._latest = latest
        self._timeout_s = timeout_s
        self._inbox = Inbox(latest=latest, size=queue_size)
        context: zmq.Context[Any] = zmq.Context()
        socket = context.socket(zmq.SUB)
        self._peers = Peers(socket, endpoint)
        try:
            _configure(socket)
            if server_key is not None:
                (keys or CurveKeys.generate()).join(socket, server_key)
            # With the closing dot: by prefix `door` would bring `door2` too.
            for topic in [PREFIX.encode()] if cameras is None else [t for c in sorted(cameras) for t in topics(c)]:
                socket.subscribe(topic)
            self.endpoint = endpoint.attach(socket)
        except BaseException:
            self._peers.close()
            context.destroy(linger=0)
            raise
        self._receiver = Receiver(
            context=context,
            socket=socket,
            peers=self._peers,
            inbox=self._inbox,
            latest=latest,
            cameras=cameras or (),
            endpoint=self.endpoint,
        )
        self._receiver.start()
        # A loop over a subscription that nobody kept ends its thread too.
        self._stop = weakref.finalize(self, self._receiver.stop)

    def __iter__(self) -> Iterator[Observation]:
        """Observations as they come, until the subscription is closed.

        Raises:
            SourceTimeout: none came for `timeout_s`.
        """
        return (event for event in self._read(Observation) if isinstance(event, Observation))

    def events(self) -> Iterator[Event]:
        """Everything as it comes: observations, statuses (at least once a second), and hellos when they're new.

        A camera of which nothing has been heard for 3 s gives a `Status` with reason `lost`, made here.

        Raises:
            SourceTimeout: nothing came for `timeout_s`.
        """
        return self._read(Observation, Status, Hello)

    def _read(self, *wanted: type[Event]) -> Iterator[Event]:
        end_s = math.inf if self._timeout_s is None else time.monotonic() + self._timeout_s
        while True:
            event = self._inbox.get(None if self._timeout_s is None else end_s - time.monotonic())
            if isinstance(event, wanted):
                yield event
                # From here on, as the time that the reader takes for itself isn't the publisher's.
                end_s = math.inf if self._timeout_s is None else time.monotonic() + self._timeout_s
            elif event is None and self._inbox.closed:
                return
            elif event is None:
                raise SourceTimeout(
                    f"Nothing from {self.endpoint} for {self._timeout_s:g} s.",
                    "Is a publisher running there, and are the cameras' names right?",
                )

    @property
    def hellos(self) -> dict[str, Hello]:
        """The latest hello of each camera: its labels, thresholds and bundle."""
        return self._receiver.decoder.hellos

    @property
    def lost(self) -> dict[str, int]:
        """Observations that never reached the reader, by camera, as in `counts`; one without a loss is absent."""
        never_came = Counter(self._receiver.loss.lost)
        return dict(never_came if self._latest else never_came + Counter(self._inbox.pushed_out))

    @property
    def counts(self) -> SubscribeCounts:
        """What it has seen so far."""
        return SubscribeCounts(
            received=self._receiver.received,
            skipped=self._receiver.skipped + sum(self._inbox.pushed_out.values()) if self._latest else 0,
            lost=sum(self.lost.values()),
            unnamed=self._receiver.decoder.unnamed,
            invalid=self._receiver.invalid,
            handshake_failures=self._peers.failures,
        )

    def close(self) -> None:
        """Stop; an iteration under way ends once it has given what is there. Twice does no harm."""
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def subscribe(
    endpoint: str,
    *,
    cameras: Iterable[str] | None = None,
    latest: bool = True,
    timeout_s: float | None = None,
    server_key: str | None = None,
    keys: CurveKeys | None = None,
    queue_size: int = 1024,
) -> Subscription:
    """Subscribe to a publisher. It need not be there yet, and may go and come back.

    Args:
        endpoint: `tcp://host:port` or `ipc://path`; `bind:` in front waits there for publishers that connect.
        cameras: only these, by their exact names; all if None.
        latest: give each camera's newest observation alone, so that it's fresh; otherwise give all, in order.
        timeout_s: how long an iteration waits for the next message at most; for ever if None.
        server_key: the publisher's public CURVE key, if it encrypts.
        keys: this end's own; a new pair if None.
        queue_size: messages that may wait without `latest`; beyond, the oldest goes, and is counted as lost.

    Raises:
        PublishError: the endpoint is wrong.
        ConfigError: a camera's name or a key is wrong.
    """
    names = (
        None if cameras is None else frozenset(map(check_camera, [cameras] if isinstance(cameras, str) else cameras))
    )
    return Subscription(
        Endpoint.parse(endpoint, default="connect"),
        cameras=names,
        latest=latest,
        timeout_s=timeout_s,
        server_key=server_key,
        keys=keys,
        queue_size=queue_size,
    )


def _configure(socket: zmq.Socket[Any]) -> None:
    # No CONFLATE for the latest: it breaks messages of several parts.
    socket.setsockopt(zmq.RCVHWM, 256)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
