"""Whatever libav opens, as a source: network streams, webcams, files, and its own test pictures.

Each kind only describes itself by a `Recipe`; opening, decoding, stamping and closing are the same for all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from clef_rt.errors import SourceTimeout, SourceUndecodable
from clef_rt.frame import Frame
from clef_rt.picture import Picture
from clef_rt.sources._errors import hung_up, translate
from clef_rt.sources._open import Recipe, open_container
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._pace import Pace
from clef_rt.sources._stamp import Arrival, Stamper
from clef_rt.sources._uri import SourceUri

if TYPE_CHECKING:
    from av import Packet

__all__ = ["AvSource"]

log = logging.getLogger(__name__)

MAX_SMEARED = 100
"""Frames left out after damage while waiting for a key frame; streams of 'rolling intra refresh' never send one."""

MAX_DAMAGED_READS = 64
"""Reads that may fail in a row before a damaged file counts as ended."""


class AvSource:
    """A source that libav reads. See `Source`."""

    def __init__(self, recipe: Recipe, uri: SourceUri, camera: str, options: SourceOptions) -> None:
        self.uri = uri
        self.camera = camera
        self.corrupt = 0
        self._recipe = recipe
        self._options = options
        self._closed = threading.Event()
        self._busy = threading.Lock()  # held while libav works on the container, and only then
        self._container, self._stream, self._attempt = open_container(recipe, uri, options)
        endless = self._container.duration is None
        live = recipe.live if recipe.live is not None else endless
        self.finite = not live
        self.live = live or options.realtime
        self._paced = self.finite and options.realtime
        self._prepare()
        rate = self._stream.average_rate  # what libav would guess for a stream that declares none is 25
        self.nominal_fps = float(rate) if rate else None
        self._stamper = Stamper(camera, epoch=options.epoch, seq=options.seq, watch=live)

    def __iter__(self) -> Iterator[Frame]:
        """See `Source`. May be done once."""
        try:
            while True:
                first = self._stamper.seq
                yield from self._play()
                if self._closed.is_set():
                    return
                if self.finite and self._stamper.seq == first:
                    raise SourceUndecodable(f"{self.uri} holds no picture that can be decoded.")
                if not (self.finite and self._options.loop):
                    return
                self._release()
                self._container, self._stream, _ = open_container(self._recipe, self.uri, self.again())
                self._prepare()
                self._stamper.next_epoch()
        finally:
            self._release()

    def again(self) -> SourceOptions:
        """See `Source`."""
        return replace(self._options, epoch=self._stamper.epoch + 1, seq=self._stamper.seq, attempt=self._attempt)

    def close(self) -> None:
        """See `Source`. Closing under a read is a use after free in libav: then the reading thread does it."""
        self._closed.set()
        if self._busy.acquire(blocking=False):
            try:
                self._container.close()
            finally:
                self._busy.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _release(self) -> None:
        with self._busy:
            self._container.close()

    def _prepare(self) -> None:
        self._smeared = 0
        decoder = self._stream.codec_context
        decoder.copy_opaque = True  # a packet's arrival stamp comes out again with its frame
        # Frame threads hold frames back: 2 at AUTO, 80 ms of age instead of 36 at 25 fps. A file doesn't mind.
        decoder.thread_type = "SLICE" if self.live else "AUTO"
        self._packets = self._container.demux()
        self._pace = Pace(self._closed)

    def _play(self) -> Iterator[Frame]:
        heard = time.monotonic()
        while (packet := self._read()) is not None:
            if packet.stream is not self._stream:
                # Sound that goes on keeps libav's own timeout from seeing that the pictures have stopped.
                if not self.finite and time.monotonic() - heard > self._options.read_timeout_s:
                    raise SourceTimeout(f"{self.uri} sends sound, but no pictures.")
                continue
            moment = packet.dts if packet.dts is not None else packet.pts
            if self._paced and moment is not None and packet.time_base:
                self._pace.wait(float(moment * packet.time_base))
            yield from self._decode(packet)
            heard = time.monotonic()

    def _read(self) -> Packet[Any] | None:
        """The next packet; None at the end, or when closed."""
        import av

        begun = time.monotonic()
        for _ in range(MAX_DAMAGED_READS):
            with self._busy:
                if self._closed.is_set():
                    return None
                try:
                    return next(self._packets, None)
                except av.InvalidDataError as error:
                    if not self.finite:
                        late = time.monotonic() - begun >= self._options.read_timeout_s
                        raise translate(error, self.uri, late=late) from None
                    self.corrupt += 1
                    self._packets = self._container.demux()
                except (av.FFmpegError, OSError) as error:
                    if self._closed.is_set() or (not self.finite and hung_up(error)):
                        return None
                    raise translate(error, self.uri) from None
        log.warning("%s: damaged beyond reading, taken as ended", self.uri)
        return None

    def _decode(self, packet: Packet[Any]) -> Iterator[Frame]:
        import av

        arrival = Arrival.now()
        packet.opaque = arrival
        begun = time.perf_counter()
        with self._busy:
            if self._closed.is_set():
                return
            try:
                frames = packet.decode()
            except av.FFmpegError:  # a damaged packet, or one that begins before the first key frame
                self.corrupt += 1
                self._smeared = MAX_SMEARED
                return
        decode_ms = (time.perf_counter() - begun) * 1e3
        for frame in frames:
            # What is predicted from a lost frame decodes without complaint, into faces that aren't there.
            self._smeared = 0 if frame.key_frame else max(0, self._smeared - 1)
            if frame.is_corrupt or self._smeared:
                self.corrupt += 1
                continue
            base, pts = frame.time_base, frame.pts
            yield self._stamper.frame(
                Picture.from_av(frame),
                pts_ns=None if pts is None or not base else pts * base.numerator * 1_000_000_000 // base.denominator,
                arrival=frame.opaque if isinstance(frame.opaque, Arrival) else arrival,
                decode_ms=decode_ms / len(frames),
            )
