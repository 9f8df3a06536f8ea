"""Cameras in, observations out: a reader for each source, one analyzer for all of them.

    with clef_rt.stream(["rtsp://front/1", 0], cameras=["front", "desk"]) as stream:
        for observation in stream:
            ...

Each turn takes whatever frames are there, at most one of each camera, so no camera starves another: a live camera's
newest frame is never older than one turn, and a file's next frame is taken as soon as it is decoded.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from clef_rt.analyzer import Analyzer, load
from clef_rt.cameras import Source, list_options, list_sources, name_cameras
from clef_rt.errors import ConfigError, SourceTimeout
from clef_rt.frame import Frame, Observation
from clef_rt.reader import Reader
from clef_rt.slot import Policy
from clef_rt.sources import SourceOptions
from clef_rt.status import Status
from clef_rt.watch import Watch

__all__ = ["Stream", "stream"]

_CLOSE_S: Final = 2.0  # for all readers together
_WAIT_S: Final = 0.5  # no wait is endless, so that Ctrl-C is heard on every system


class Stream:
    """What `stream` returns: iterate it for observations, in the order in which they are made. Used by one thread.

    It ends when all its sources have ended. Leaving the `with` block, `close()`, Ctrl-C in it or dropping the last
    reference stops the readers.

    Attributes:
        cameras: the cameras' names, in the order of the sources.
        readers: one a camera.
        analyzer: scores the frames.

    Args:
        readers: started, all with the same condition to wake it.
        analyzer: as in the attributes.
        watch: delivers the readers' statuses.
    """

    def __init__(self, readers: Sequence[Reader], analyzer: Analyzer, watch: Watch) -> None:
        self.readers = tuple(readers)
        self.cameras = tuple(reader.camera for reader in readers)
        self.analyzer = analyzer
        self._wake = readers[0].slot.wake
        self._ready: deque[Observation] = deque()
        self._ended: set[str] = set()
        # Also at the interpreter's end: libav's threads must not outlive it.
        self._shut = weakref.finalize(self, _shut, self.readers, watch)
        for camera in self.cameras:  # an analyzer that was used before may know others of these names
            analyzer.forget(camera)

    @property
    def statuses(self) -> Mapping[str, Status]:
        """Each camera's latest status."""
        return {reader.camera: reader.status for reader in self.readers}

    @property
    def dropped(self) -> Mapping[str, int]:
        """Frames of each camera so far that were replaced by newer ones before they could be analysed."""
        return {reader.camera: reader.dropped for reader in self.readers}

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Observation:
        """The next observation; waits for it.

        Raises:
            SourceError: all sources have ended, one of them because it failed. What the others had came before.
            EncoderError: the engine fails.
        """
        try:
            if not self._shut.alive:
                raise StopIteration
            while not self._ready:
                self._ready.extend(self.analyzer.observe(self._take()))
        except BaseException:
            self.close()
            raise
        return self._ready.popleft()

    def close(self) -> None:
        """Stop the readers, within 2 s. Any thread may; twice does no harm. An iteration under way ends."""
        self._shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> list[Frame]:
        """The frames that are there, at least one.

        Raises:
            StopIteration: there will be none any more.
            SourceError: likewise, and a source has failed.
        """
        with self._wake:
            while self._shut.alive:
                frames = [frame for reader in self.readers if (frame := reader.take()) is not None]
                if frames:
                    return frames
                self._forget_ended()
                if len(self._ended) == len(self.readers):
                    for reader in self.readers:
                        if reader.error is not None:
                            raise reader.error
                    break
                self._wake.wait(_WAIT_S)
        raise StopIteration

    def _forget_ended(self) -> None:
        for reader in self.readers:
            if reader.finished and reader.camera not in self._ended:
                self._ended.add(reader.camera)
                self.analyzer.forget(reader.camera)


def stream(
    sources: Source | Sequence[Source],
    *,
    analyzer: Analyzer | None = None,
    engine: str | None = None,
    cameras: Sequence[str | None] | None = None,
    options: SourceOptions | Sequence[SourceOptions] | None = None,
    on_status: Callable[[Status], object] | None = None,
    latest: bool | None = None,
    retry_first: bool = False,
    open_timeout_s: float = 30.0,
) -> Stream:
    """Open one or several sources and score the faces in them.

    A live source that is lost later is opened again for ever. A file ends, and so does one that fails in the middle;
    the other sources go on, and its error is raised at the very end.

    Args:
        sources: a camera's number, a URL, a file or a folder of images; or several of them.
        analyzer: by default `load(engine=engine)`.
        engine: what runs that one's encoder, as for `load`; by default `auto`.
        cameras: the cameras' names, as many as sources; None in place of one, or of all, makes it from the source
            (`front`, `front-2`).
        options: how to open them; for all, or one a source.
        on_status: called at each change of a camera's state, in their order, in a thread of its own and without any
            lock held, so it may take its time, and comes in time while the iterating thread is busy.
            `Publisher.status` is such a function. What it raises is logged.
        latest: True drops frames that come faster than they can be analysed, False holds their source back; by
            default the first for live sources and the second for files.
        retry_first: go on trying although a source can't be opened the first time.
        open_timeout_s: for all first attempts together; without meaning with `retry_first`.

    Raises:
        ConfigError: there is no source, the names or options don't fit, or both an analyzer and an engine are given.
        SourceError: a source can't be opened.
        ClefError: the default analyzer can't be loaded.
    """
    if analyzer is not None and engine is not None:
        raise ConfigError("An analyzer has its engine already.", f"Give load(engine={engine!r}) as the analyzer.")
    uris = list_sources(sources)
    names = name_cameras(uris, cameras)
    ways = list_options(len(uris), options)
    policy = None if latest is None else Policy.LATEST if latest else Policy.LOSSLESS
    wake, watch = threading.Condition(), Watch(on_status)
    readers = [
        Reader(
            uri,
            wake=wake,
            camera=name,
            options=way,
            on_status=watch.tell,
            policy=policy,
            retry_first=retry_first,
        )
        for uri, name, way in zip(uris, names, ways, strict=True)
    ]
    try:
        watch.start(readers)
        for reader in readers:
            reader.start()
        analyzer = analyzer if analyzer is not None else load(engine=engine or "auto")  # while they connect
        if not retry_first:
            _wait_open(readers, open_timeout_s)
        return Stream(readers, analyzer, watch)
    except BaseException:
        _shut(readers, watch)
        raise


def _wait_open(readers: Sequence[Reader], timeout_s: float) -> None:
    """Wait until all first attempts have succeeded or one has failed.

    Raises:
        SourceError: one has failed, or not all were decided in time.
    """
    deadline_s = time.monotonic() + timeout_s
    waiting = list(readers)
    while waiting:
        try:
            waiting[0].wait_open(0.02)
        except SourceTimeout:
            waiting.append(waiting.pop(0))  # the one behind it may have failed already
            error = waiting[-1].error  # it may have failed since then
            if error is not None:
                raise error from None
            if time.monotonic() > deadline_s:
                what = f"{waiting[-1].uri} could not be opened within {timeout_s:g} s."
                raise SourceTimeout(what, "Check that it is on.") from None
        else:
            waiting.pop(0)


def _shut(readers: Sequence[Reader], watch: Watch) -> None:
    deadline_s = time.monotonic() + _CLOSE_S
    for reader in readers:  # all are told before one is waited for
        reader.stop(0)
    for reader in readers:
        reader.stop(max(0.0, deadline_s - time.monotonic()))
    watch.close(max(0.0, deadline_s - time.monotonic()))
