"""The subscriber's thread: drains the socket, decodes, counts, and notices silence. Needs ZeroMQ."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import zmq

from clef_rt.errors import WireError
from clef_rt.frame import Observation
from clef_rt.status import CameraState, Status
from clef_rt.wire.decoder import Decoder
from clef_rt.wire.hello import Hello
from clef_rt.wire.inbox import Inbox
from clef_rt.wire.liveness import SILENCE_S, Liveness
from clef_rt.wire.loss import LossCount
from clef_rt.wire.peers import Peers
from clef_rt.wire.topic import PREFIX, Kind

__all__ = ["Receiver"]

log = logging.getLogger(__name__)

_POLL_MS: Final = 100
_BATCH: Final = 512
_OLD_S: Final = 1.0
_OBS: Final = f"{PREFIX}{Kind.OBS}.".encode()


class Receiver:
    """Owns the socket from `start` on, and closes it and its context when it's done.

    Args:
        context: of the socket.
        socket: connected or bound, and subscribed.
        peers: the socket's.
        inbox: where the messages go.
        latest: pass over all but each camera's newest observation without even decoding them.
        cameras: those that are missed if they never say anything; the others are missed once they fall silent.
        endpoint: for the log.
    """

    def __init__(
        self,
        *,
        context: zmq.Context[Any],
        socket: zmq.Socket[Any],
        peers: Peers,
        inbox: Inbox,
        latest: bool,
        cameras: Iterable[str],
        endpoint: str,
    ) -> None:
        self.decoder = Decoder()
        self.loss = LossCount()
        self.invalid = 0
        self.received = 0
        self.skipped = 0
        self._context = context
        self._socket = socket
        self._peers = peers
        self._inbox = inbox
        self._latest = latest
        self._endpoint = endpoint
        self._started_s = time.monotonic()
        self._liveness = Liveness(cameras, self._started_s)
        self._epochs: dict[str, int] = {}
        self._known: dict[str, Hello] = {}
        self._warned_age = self._warned_nobody = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"subscribe {endpoint}", daemon=True)

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until it has: a tenth of a second."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._peers.monitor, zmq.POLLIN)
        try:
            while not self._stop.is_set():
                poller.poll(_POLL_MS)
                self._peers.update()
                self._drain()
                # After draining: whoever was suspended for a minute must read before it calls a camera silent.
                self._notice_silence()
        finally:
            self._inbox.close()
            self._peers.close()
            self._socket.close(linger=0)
            self._context.term()

    def _drain(self) -> None:
        """Read what the socket holds. With `latest`, of each camera's observations only the newest is decoded."""
        newest: dict[bytes, tuple[bytes, int]] = {}
        for _ in range(_BATCH):
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            self.received += 1
            if len(parts) < 2:
                self._refuse(WireError(f"A message of {len(parts)} part came; ours have a topic and a payload."))
            elif self._latest and parts[0].startswith(_OBS):
                passed_over = newest[parts[0]][1] + 1 if parts[0] in newest else 0
                newest[parts[0]] = parts[1], passed_over
            else:
                self._handle(parts[0], parts[1])
        for topic, (payload, passed_over) in newest.items():
            self.skipped += passed_over
            self._handle(topic, payload, skipped=passed_over)

    def _handle(self, topic: bytes, payload: bytes, *, skipped: int = 0) -> None:
        try:
            event = self.decoder.decode(payload, topic)
        except WireError as error:
            self._refuse(error)
            return
        if event is None:
            return
        now_s = time.monotonic()
        if isinstance(event, Hello):
            if not self._is_news(event):
                self._liveness.repeated(event.camera, now_s)
                return
        else:
            self._epochs[event.camera] = event.epoch
        if isinstance(event, Observation):
            self.loss.add(event, skipped=skipped)
            self._check_age(event)
        if isinstance(event, Status) and event.state is CameraState.STOPPED:
            self._liveness.ended(event.camera)
        else:
            self._liveness.heard(event.camera, now_s)
        self._inbox.put(event)

    def _is_news(self, hello: Hello) -> bool:
        known = self._known.get(hello.camera)
        self._known[hello.camera] = hello
        if known is None:
            return True
        if known.publisher != hello.publisher:
            log.info("%s: the publisher began anew.", hello.camera)
            self.loss.restart(hello.camera)
        else:
            self.loss.settle(hello.camera)
        return replace(known, utc_ns=hello.utc_ns) != hello

    def _notice_silence(self) -> None:
        now_s = time.monotonic()
        for camera in self._liveness.fallen_silent(now_s):
            detail = f"Nothing from {self._endpoint} for {SILENCE_S:g} s."
            log.warning("%s: %s", camera, detail)
            epoch = self._epochs.get(camera, 0)
            self._inbox.put(Status(camera, CameraState.STALLED, epoch, time.time_ns(), "lost", detail))
        if not (self.received or self._warned_nobody) and now_s - self._started_s > SILENCE_S:
            self._warned_nobody = True
            log.warning("Nothing from %s yet. Is a publisher running there?", self._endpoint)

    def _check_age(self, observation: Observation) -> None:
        age_s = (time.time_ns() - observation.captured_utc_ns) / 1e9
        if age_s > _OLD_S and not self._warned_age:
            self._warned_age = True
            log.warning(
                "%s: an observation was %.1f s old when it came. The analysis or the network is slow, or the clocks of "
                "the two machines differ.",
                observation.camera,
                age_s,
            )

    def _refuse(self, error: WireError) -> None:
        self.invalid += 1
        if self.invalid == 1:
            log.warning("A message was refused: %s Further ones are counted, not logged.", error)
