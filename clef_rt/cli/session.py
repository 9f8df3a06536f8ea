"""The threads behind `live`, `demo` and `subscribe`: one analyses and publishes, one receives and shows.

What is shown has always crossed the wire. The main thread only draws, and listens for Ctrl-C.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from clef_rt.cli.interrupts import Interrupts
from clef_rt.cli.outputs import Output
from clef_rt.cli.tally import Tally
from clef_rt.frame import Observation
from clef_rt.publish import Publisher
from clef_rt.slot import Policy
from clef_rt.status import CameraState, Status
from clef_rt.stream import Stream
from clef_rt.subscribe import Subscription

__all__ = ["Consumer", "Producer", "attend"]

_TICK_S: Final = 0.1
_PATIENCE_S: Final = 0.5
_INTRODUCTION_S: Final = 2.0


class Producer:
    """Publishes a stream's observations, in a thread of its own.

    Args:
        stream: iterated to its end.
        publisher: gets the observations.
        pace: taken for a moment before each observation of files, whose frames can wait for a reader that is slower;
            of cameras they can't.

    Attributes:
        published: observations handed to the publisher.
        error: what ended the stream, if it was no ordinary end.
    """

    def __init__(self, stream: Stream, publisher: Publisher, pace: threading.Lock) -> None:
        self.published = 0
        self.error: Exception | None = None
        self._stream = stream
        self._publisher = publisher
        self._pace = pace
        self._thread = threading.Thread(target=self._run, name="analyse", daemon=True)

    @property
    def running(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop the stream, whose cameras then tell their end."""
        self._stream.close()
        self._thread.join(timeout=_PATIENCE_S)

    def _run(self) -> None:
        try:
            for observation in self._stream:
                if all(reader.slot.policy is Policy.LOSSLESS for reader in self._stream.readers):
                    with self._pace:
                        pass
                self.published += self._publisher.publish(observation)
        except Exception as error:  # raised again in the main thread
            self.error = error


class Consumer:
    """Reads a subscription, counts, and hands on to the output, in a thread of its own.

    Args:
        subscription: read to its end.
        tally: counts.
        output: shows.

    Attributes:
        observations: how many have come.
        writing: held while the output takes an event.
        error: what ended the reading, if it was no ordinary end.
    """

    def __init__(self, subscription: Subscription, tally: Tally, output: Output) -> None:
        self.observations = 0
        self.writing = threading.Lock()
        self.error: Exception | None = None
        self._stopped: dict[str, bool] = {}
        self._subscription = subscription
        self._tally = tally
        self._output = output
        self._thread = threading.Thread(target=self._run, name="receive", daemon=True)

    @property
    def running(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive()

    @property
    def all_stopped(self) -> bool:
        """Whether there were cameras, and all have told their end."""
        return bool(self._stopped) and all(self._stopped.values())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def draw(self) -> None:
        """Show the figures as of now. For the main thread."""
        self._output.tick(self._tally.snapshot(self._subscription.lost))

    def wait_introduced(self, cameras: Iterable[str]) -> None:
        """Wait until the labels of these cameras have come, so that nothing is missed; two seconds at most."""
        wanted = set(cameras)
        end_s = time.monotonic() + _INTRODUCTION_S
        while self.running and not wanted <= self._subscription.hellos.keys() and time.monotonic() < end_s:
            time.sleep(0.01)

    def finish(self, published: int, cameras: Iterable[str], *, hurried: Callable[[], bool], wire: str = "") -> None:
        """Show what is still on its way, end the subscription, and then the output with a summary.

        Args:
            published: observations that should have come, or be lost.
            cameras: those that should have told their end.
            hurried: whether somebody wants it to end now. Otherwise an output that is slow, such as a pipe whose
                reader takes its time, is waited for.
            wire: for the summary, a line about what was published.
        """
        wanted = set(cameras)

        def complete() -> bool:
            missing = published - self.observations - sum(self._subscription.lost.values())
            return missing <= 0 and all(self._stopped.get(camera) for camera in wanted)

        self._wait(complete, hurried)
        self._subscription.close()
        self._wait(lambda: False, hurried)  # what had come is still being shown
        self._output.close(self._tally.summary(self._subscription.lost), wire)

    def _wait(self, done: Callable[[], bool], hurried: Callable[[], bool]) -> None:
        """Wait while there is progress, and half a second longer."""
        seen = -1
        end_s = time.monotonic() + _PATIENCE_S
        while self.running and not done() and time.monotonic() < end_s:
            if not hurried() and (self.writing.locked() or self.observations != seen):
                seen = self.observations
                end_s = time.monotonic() + _PATIENCE_S
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            for event in self._subscription.events():
                self._tally.add(event)
                with self.writing:
                    self._output.event(event)
                if isinstance(event, Observation):
                    self.observations += 1
                elif isinstance(event, Status):
                    self._stopped[event.camera] = event.state is CameraState.STOPPED
        except Exception as error:  # raised again in the main thread
            self.error = error


def attend(
    interrupts: Interrupts, consumer: Consumer | None, *, running: Callable[[], bool], duration_s: float | None
) -> None:
    """Draw until it ends by itself, the time is over, or somebody interrupts. For the main thread.

    Args:
        interrupts: patient ones.
        consumer: draws; None if nothing is shown.
        running: whether there is more to come.
        duration_s: seconds until the end; None for no limit.
    """
    end_s = None if duration_s is None else time.monotonic() + duration_s
    while not interrupts.asked and running() and (end_s is None or time.monotonic() < end_s):
        if consumer is not None:
            if not consumer.running:
                return
            consumer.draw()
        time.sleep(_TICK_S)
