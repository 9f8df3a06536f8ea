"""Keeps one camera's slot filled: opens, reads, and reconnects, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from clef_rt.backoff import Backoff
from clef_rt.errors import SourceError, SourceTimeout
from clef_rt.frame import Frame
from clef_rt.names import check_camera
from clef_rt.slot import Policy, Slot
from clef_rt.sources import Source, SourceOptions, SourceUri, camera_name, open_source
from clef_rt.status import CameraState, Status

__all__ = ["Reader"]

log = logging.getLogger(__name__)

HEALTHY_S = 10.0
"""Frames over this time make a connection a good one: the backoff starts anew."""


class Reader:
    """One camera: its thread, its slot, its state.

    A live source that is lost, by an error or by its stream's end, is opened again for ever, with growing pauses. A
    file ends. Whether the first attempt may fail for good is `retry_first`'s to say.

    Args:
        uri: as for `open_source`.
        wake: notified when there is a frame to take, and when the state changes; share it among readers to wait for
            all of them. A plain `threading.Condition()`, for it is entered again by the thread that holds it.
        camera: the camera's name; derived from the URI where not given.
        options: as for `open_source`.
        on_status: called at each change of state, in the thread that saw it, with `wake` held: it must be quick.
        policy: what to do with frames that nobody took; where not given, the newest wins for live sources, and
            nothing is lost of files.
        retry_first: go on trying although the source could not be opened the first time.
        stall_s: a live source without a frame for so long counts as stalled.
        backoff: the pauses between attempts.

    Raises:
        SourceError: the URI is none.
        ConfigError: the camera's name is not allowed.
    """

    def __init__(
        self,
        uri: str | int | Path | SourceUri,
        *,
        wake: threading.Condition | None = None,
        camera: str | None = None,
        options: SourceOptions | None = None,
        on_status: Callable[[Status], None] | None = None,
        policy: Policy | None = None,
        retry_first: bool = False,
        stall_s: float = 5.0,
        backoff: Backoff | None = None,
    ) -> None:
        self.uri = SourceUri.parse(uri)
        self.camera = camera_name(self.uri) if camera is None else check_camera(camera)
        self.slot: Slot[Frame] = Slot(wake, policy or Policy.LATEST)
        self.stall_s = stall_s
        self.error: Exception | None = None
        """What ended the reading for good, if anything did."""
        self._options = options if options is not None else SourceOptions()
        self._on_status = on_status
        self._policy = policy
        self._retry_first = retry_first
        self._backoff = backoff if backoff is not None else Backoff()
        self._stop = threading.Event()
        self._tried = threading.Event()
        self._status = Status(self.camera, CameraState.CONNECTING, self._options.epoch, time.time_ns())
        self._source: Source | None = None
        self._up = False  # connected at least once
        self._corrupt = 0
        self._last_frame_s: float | None = None  # or when the connection was made
        self._thread = threading.Thread(target=self._run, name=f"reader-{self.camera}", daemon=True)

    @property
    def status(self) -> Status:
        """The latest status."""
        return self._status

    @property
    def finished(self) -> bool:
        """Whether no frame will come any more, and none is waiting."""
        return self._status.state is CameraState.STOPPED and not self.slot.full

    @property
    def dropped(self) -> int:
        """Frames so far that were replaced before anybody took them."""
        return self.slot.dropped

    @property
    def corrupt(self) -> int:
        """Packets and pictures so far that could not be decoded."""
        source = self._source
        return self._corrupt + (source.corrupt if source is not None else 0)

    @property
    def nominal_fps(self) -> float | None:
        """The rate the source declares, while it is open."""
        source = self._source
        return source.nominal_fps if source is not None else None

    def start(self) -> Self:
        """Begin to open and read. Returns at once."""
        self._thread.start()
        return self

    def wait_open(self, timeout_s: float = 30.0) -> None:
        """Wait until the first attempt to open the source is decided.

        Raises:
            SourceError: it failed for good (with `retry_first`, it never does).
            SourceTimeout: it takes longer than `timeout_s`.
        """
        if not self._tried.wait(timeout_s):
            raise SourceTimeout(f"{self.uri} could not be opened within {timeout_s:g} s.")
        if self.error is not None and not self._up:
            raise self.error

    def take(self) -> Frame | None:
        """The frame in the slot, or None. Its `dropped` says how many were lost until now."""
        frame = self.slot.take()
        # Only a frame that is taken pays for this copy of nine references.
        return frame if frame is None or not self.slot.dropped else replace(frame, dropped=self.slot.dropped)

    def check(self, now_s: float | None = None) -> None:
        """Notice a stall. Call it now and then, from any thread: no thread of its own watches the clock.

        Args:
            now_s: the time by `time.monotonic()`.
        """
        now_s = time.monotonic() if now_s is None else now_s
        with self.slot.wake:  # one lock for slot and state: two could be taken in either order
            source, last = self._source, self._last_frame_s
            watched = self._status.state in (CameraState.LIVE, CameraState.CONNECTING)
            if source is None or last is None or source.finite or not watched:
                return
            if now_s - last > self.stall_s:
                self._become(CameraState.STALLED, "stalled", f"no frame for {now_s - last:.1f} s")

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop reading.

        Returns:
            Whether the thread has ended. One that libav still holds is left to end by itself with its read timeout,
            and closes its own connection then.
        """
        self._stop.set()
        source = self._source
        if source is not None:
            source.close()
        self.slot.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        self._become(CameraState.STOPPED)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._become(CameraState.CONNECTING, epoch=self._options.epoch)
            reason, detail, final = self._connection()
            if self._stop.is_set():
                break
            if final:
                self.slot.close()
                self._become(CameraState.STOPPED, reason, detail)
                break
            delay = self._backoff.next_s()
            self._become(CameraState.BACKOFF, reason, f"{detail} Next attempt in {delay:.1f} s.")
            self._tried.set()
            self._stop.wait(delay)
        self._tried.set()

    def _connection(self) -> tuple[str, str, bool]:
        """One connection, from opening to its end: why it ended, in a word and in a sentence, and whether for good."""
        final = not (self._up or self._retry_first)
        try:
            with open_source(self.uri, camera=self.camera, options=self._options) as source:
                self._opened(source)
                final = source.finite
                try:
                    self._pump(source)
                finally:
                    self._lost(source)
            if final:
                return "ended", f"{source.uri} has ended.", True
            return "ended", f"{source.uri} has ended the stream.", False
        except SourceError as error:
            failure: Exception = error
            reason, detail = error.code, str(error)
        except Exception as error:
            log.exception("%s: reading failed", self.camera)
            failure, reason, detail = error, SourceError.code, f"{self.uri}: {type(error).__name__}."
        if final:
            self.error = failure
        return reason, detail, final

    def _opened(self, source: Source) -> None:
        if self._policy is None:
            self.slot.policy = Policy.LATEST if source.live else Policy.LOSSLESS
        with self.slot.wake:
            self._source = source
            self._up = True
            self._last_frame_s = time.monotonic()
        self._tried.set()
        if self._stop.is_set():  # stop() came while the source was being opened, and could not close it
            source.close()

    def _pump(self, source: Source) -> None:
        first_s: float | None = None
        for frame in source:
            now_s = self._last_frame_s = time.monotonic()
            if self._status.state is not CameraState.LIVE or self._status.epoch != frame.epoch:
                self._become(CameraState.LIVE, epoch=frame.epoch)
            first_s = now_s if first_s is None else first_s
            if now_s - first_s > HEALTHY_S:
                self._backoff.reset()
            if not self.slot.put(frame):
                return

    def _lost(self, source: Source) -> None:
        with self.slot.wake:
            self._source = None
            self._corrupt += source.corrupt
            self._options = source.again()

    def _become(self, state: CameraState, reason: str = "", detail: str = "", epoch: int | None = None) -> None:
        with self.slot.wake:
            if self._status.state is CameraState.STOPPED:
                return
            epoch = self._status.epoch if epoch is None else epoch
            self._status = Status(self.camera, state, epoch, time.time_ns(), reason, detail)
            log.info("%s: %s %s", self.camera, state, detail or reason)
            self.slot.wake.notify_all()
            if self._on_status is not None:
                try:
                    self._on_status(self._status)
                except Exception:  # a listener's mistake must not cost the camera
                    log.exception("%s: a status listener failed", self.camera)
