from __future__ import annotations

import logging
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clef_rt.backoff import Backoff
from clef_rt.errors import ConfigError, SourceError, SourceNotFound, SourceTimeout
from clef_rt.frame import Frame
from clef_rt.reader import Reader
from clef_rt.slot import Policy
from clef_rt.sources import SourceOptions
from clef_rt.status import CameraState, Status
from tests.rigs import oracle
from tests.rigs.mjpeg import MjpegServer
from tests.rigs.push import PushCamera
from tests.rigs.rtsp import RtspServer, free_port

CONNECTING, LIVE, STALLED, BACKOFF, STOPPED = CameraState

QUICK = SourceOptions(open_timeout_s=2.0, read_timeout_s=5.0)


class Watch:
    """Collects what a reader tells, and ticks it as a consumer does."""

    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.frames: list[Frame] = []

    @property
    def states(self) -> list[CameraState]:
        return [status.state for status in self.statuses]

    def until(self, reader: Reader, done: Callable[[], bool], timeout_s: float = 15.0) -> None:
        """Take frames until `done`."""
        end = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < end, f"not within {timeout_s} s; {self.states} {len(self.frames)} frames"
            with reader.slot.wake:
                reader.slot.wake.wait_for(lambda: reader.slot.full, timeout=0.05)
                frame = reader.take()
            if frame is not None:
                self.frames.append(frame)
            reader.check()

    def drain(self, reader: Reader) -> None:
        self.until(reader, lambda: reader.finished)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def mjpeg() -> Iterator[MjpegServer]:
    with MjpegServer() as server:
        yield server


def quick() -> Backoff:
    return Backoff(0.05, 0.2)


def test_a_file_is_read_whole_by_a_slow_consumer_and_ends(video: Path, watch: Watch) -> None:
    with Reader(video, on_status=watch.statuses.append) as reader:
        reader.wait_open()
        while len(watch.frames) < 10:
            time.sleep(0.02)
            if (frame := reader.take()) is not None:
                watch.frames.append(frame)
        watch.drain(reader)
        assert reader.slot.policy is Policy.LOSSLESS
    assert [oracle.read(frame.picture.gray()) for frame in watch.frames] == list(range(45))
    assert {frame.dropped for frame in watch.frames} == {0}
    assert watch.states == [CONNECTING, LIVE, STOPPED]
    assert watch.statuses[-1].reason == "ended"
    assert reader.error is None


def test_a_file_in_real_time_drops_what_a_slow_consumer_leaves(video: Path, watch: Watch) -> None:
    with Reader(video, options=SourceOptions(realtime=True), on_status=watch.statuses.append) as reader:
        while not reader.finished:
            time.sleep(0.15)
            if (frame := reader.take()) is not None:
                watch.frames.append(frame)
        assert reader.slot.policy is Policy.LATEST
    assert len(watch.frames) < 30
    assert watch.states == [CONNECTING, LIVE, STOPPED]
    last = watch.frames[-1]
    assert last.seq == 44
    assert last.dropped == 45 - len(watch.frames) == reader.dropped


def test_the_policy_may_be_set_against_the_sources(video: Path, watch: Watch) -> None:
    with Reader(video, options=SourceOptions(realtime=True), policy=Policy.LOSSLESS) as reader:
        time.sleep(0.3)
        watch.drain(reader)
    assert [frame.seq for frame in watch.frames] == list(range(45))


def test_a_live_frame_is_never_older_than_an_interval_and_the_work_on_it(mjpeg: MjpegServer) -> None:
    work_s, interval_s, ages = 0.2, 1 / 25, []
    with Reader(mjpeg.url) as reader:
        reader.wait_open()
        for _ in range(12):
            with reader.slot.wake:
                assert reader.slot.wake.wait_for(lambda: reader.slot.full, timeout=5)
                frame = reader.take()
            assert frame is not None
            drawn = oracle.read(frame.picture.gray())
            time.sleep(work_s)
            ages.append(oracle.age_ms(drawn) / 1e3)
        assert frame.dropped >= 12 * 2
    # Without the slot the age would have grown by 0.16 s a frame, to 2 s.
    assert statistics.median(ages) < work_s + 2 * interval_s
    assert statistics.median(ages[6:]) < 1.3 * statistics.median(ages[:6])


@pytest.mark.parametrize("uri", ["missing.mp4", "http://127.0.0.1:{port}/live", "57"])
def test_a_source_that_cannot_be_opened_the_first_time_ends_with_its_error(uri: str, watch: Watch) -> None:
    reader = Reader(uri.format(port=free_port()), options=QUICK, on_status=watch.statuses.append)
    begun = time.monotonic()
    with reader, pytest.raises(SourceError) as caught:
        reader.wait_open()
    assert time.monotonic() - begun < 3
    assert reader.error is caught.value
    assert watch.states == [CONNECTING, STOPPED]
    assert watch.statuses[-1].reason == caught.value.code
    assert watch.statuses[-1].detail == str(caught.value)
    assert reader.finished


def test_wrong_names_are_refused_before_any_thread_starts() -> None:
    before = threading.active_count()
    with pytest.raises(ConfigError):
        Reader("synthetic://", camera="Front Door")
    with pytest.raises(SourceError):
        Reader("gopher://host")
    assert threading.active_count() == before


def test_a_camera_may_start_offline_and_come_up_later(watch: Watch) -> None:
    port = free_port()
    with Reader(
        f"http://u:hidden@127.0.0.1:{port}/",
        retry_first=True,
        options=QUICK,
        on_status=watch.statuses.append,
        backoff=quick(),
    ) as reader:
        reader.wait_open(5)
        watch.until(reader, lambda: watch.states.count(BACKOFF) >= 2)
        with MjpegServer(port=port):
            watch.until(reader, lambda: len(watch.frames) >= 3)
            up = watch.states.index(LIVE)
    assert watch.states[:3] == [CONNECTING, BACKOFF, CONNECTING]
    assert {status.reason for status in watch.statuses[:up] if status.state is BACKOFF} == {"refused"}
    assert not any("hidden" in status.detail for status in watch.statuses)
    assert watch.frames[0].epoch == 0


def test_a_lost_camera_is_found_again_as_a_new_epoch(mjpeg: MjpegServer, watch: Watch) -> None:
    with Reader(mjpeg.url, on_status=watch.statuses.append, backoff=quick()) as reader:
        for epoch in range(3):
            watch.until(reader, lambda epoch=epoch: bool(watch.frames) and watch.frames[-1].epoch == epoch)
            mjpeg.hang_up()
    assert [s.state for s in watch.statuses[:7]] == [CONNECTING, LIVE, BACKOFF, CONNECTING, LIVE, BACKOFF, CONNECTING]
    assert [status.epoch for status in watch.statuses if status.state is LIVE][:3] == [0, 1, 2]
    assert {status.reason for status in watch.statuses if status.state is BACKOFF} == {"ended"}
    assert watch.states[-1] is STOPPED
    numbers = [frame.seq for frame in watch.frames]
    assert numbers == sorted(set(numbers))  # they go on over the connections
    assert mjpeg.connections >= 3


def test_a_frozen_camera_stalls_and_recovers_without_a_new_connection(mjpeg: MjpegServer, watch: Watch) -> None:
    with Reader(mjpeg.url, options=QUICK, on_status=watch.statuses.append, stall_s=0.5) as reader:
        watch.until(reader, lambda: len(watch.frames) >= 3)
        mjpeg.freeze()
        begun = time.monotonic()
        watch.until(reader, lambda: STALLED in watch.states)
        assert 0.3 < time.monotonic() - begun < 2
        mjpeg.thaw()
        watch.until(reader, lambda: watch.states[-1] is LIVE)
    assert watch.states == [CONNECTING, LIVE, STALLED, LIVE, STOPPED]
    assert watch.statuses[2].reason == "stalled"
    assert {frame.epoch for frame in watch.frames} == {0}


def test_a_camera_frozen_for_longer_is_lost_with_a_timeout(mjpeg: MjpegServer, watch: Watch) -> None:
    options = SourceOptions(read_timeout_s=1.0)
    with Reader(mjpeg.url, options=options, on_status=watch.statuses.append, stall_s=0.3, backoff=quick()) as reader:
        watch.until(reader, lambda: len(watch.frames) >= 3)
        mjpeg.freeze()
        watch.until(reader, lambda: BACKOFF in watch.states)
        mjpeg.thaw()
        watch.until(reader, lambda: watch.frames[-1].epoch >= 1)
    assert watch.states[:4] == [CONNECTING, LIVE, STALLED, BACKOFF]
    assert watch.statuses[3].reason == "timeout"


def test_a_file_waiting_for_its_consumer_is_not_stalled(video: Path, watch: Watch) -> None:
    with Reader(video, on_status=watch.statuses.append, stall_s=0.1) as reader:
        reader.wait_open()
        time.sleep(0.4)
        reader.check()
        reader.check(time.monotonic() + 3600)
    assert STALLED not in watch.states


def test_stop_returns_soon_though_the_read_is_blocked_and_nothing_is_told_after(
    mjpeg: MjpegServer, watch: Watch
) -> None:
    options = SourceOptions(read_timeout_s=4.0)
    reader = Reader(mjpeg.url, options=options, on_status=watch.statuses.append).start()
    watch.until(reader, lambda: len(watch.frames) >= 2)
    mjpeg.freeze()
    time.sleep(0.2)
    begun = time.monotonic()
    assert reader.stop(timeout_s=0.5) is False  # libav holds the thread
    assert time.monotonic() - begun < 1.5
    assert watch.states[-1] is STOPPED
    told = len(watch.statuses)
    reader._thread.join(10)  # it closes its own connection, by its read timeout
    assert not reader._thread.is_alive()
    assert len(watch.statuses) == told
    assert reader.stop() is True


@pytest.mark.parametrize("uri", ["mjpeg", "video"])
def test_stop_ends_the_thread(uri: str, mjpeg: MjpegServer, video: Path) -> None:
    with Reader(mjpeg.url if uri == "mjpeg" else video) as reader:
        reader.wait_open()
        time.sleep(0.1)  # the file's thread waits in the slot by now
        begun = time.monotonic()
        assert reader.stop()
        assert time.monotonic() - begun < 1
    assert not reader._thread.is_alive()


def test_stop_during_a_pause_between_attempts_does_not_wait_for_it(watch: Watch) -> None:
    reader = Reader(
        f"http://127.0.0.1:{free_port()}/",
        retry_first=True,
        on_status=watch.statuses.append,
        backoff=Backoff(60, 60),
    ).start()
    watch.until(reader, lambda: BACKOFF in watch.states)
    begun = time.monotonic()
    assert reader.stop()
    assert time.monotonic() - begun < 1
    assert watch.states == [CONNECTING, BACKOFF, STOPPED]


def test_waiting_for_a_source_that_does_not_open_times_out() -> None:
    with MjpegServer() as server, Reader(server.url + "hang", options=QUICK) as reader:
        with pytest.raises(SourceTimeout, match="could not be opened"):
            reader.wait_open(0.2)
        with pytest.raises(SourceTimeout, match="Nothing came"):
            reader.wait_open(5)


def test_a_failing_listener_does_not_cost_the_camera(
    video: Path, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(status: Status) -> None:
        raise RuntimeError("listener")

    with caplog.at_level(logging.ERROR), Reader(video, on_status=fail) as reader:
        watch.drain(reader)
    assert len(watch.frames) == 45
    assert "listener" in caplog.text


def test_an_unforeseen_error_is_told_and_not_lost(
    video: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("clef_rt.reader.open_source", broken)
    with caplog.at_level(logging.ERROR), Reader(video, on_status=watch.statuses.append) as reader:
        with pytest.raises(MemoryError):
            reader.wait_open(5)
        watch.drain(reader)
    assert watch.states == [CONNECTING, STOPPED]
    assert watch.statuses[-1].reason == "error"
    assert "reading failed" in caplog.text


def test_corrupt_pictures_are_counted_beyond_the_connection(tmp_path: Path, watch: Watch) -> None:
    for name in ("1.png", "2.png", "3.png"):
        (tmp_path / name).write_bytes(b"damaged")
    with Reader(tmp_path) as reader:
        watch.drain(reader)
    assert reader.corrupt == 3
    assert reader.status.reason == "undecodable"


def test_reconnecting_many_times_leaves_no_threads(mjpeg: MjpegServer, watch: Watch) -> None:
    with Reader(mjpeg.url, on_status=watch.statuses.append, backoff=Backoff(0.01, 0.02)) as reader:
        watch.until(reader, lambda: len(watch.frames) >= 1)
        before = threading.active_count()
        for turn in range(1, 16):
            mjpeg.hang_up()
            watch.until(reader, lambda turn=turn: watch.frames[-1].epoch >= turn)
        assert threading.active_count() <= before + 3  # the server's own, that are about to end
    assert watch.frames[-1].epoch >= 15


def test_a_pushing_camera_that_dies_is_listened_for_again(watch: Watch) -> None:
    with PushCamera() as camera:
        options = SourceOptions(options=camera.options, open_timeout_s=15)
        with Reader(camera.url, options=options, on_status=watch.statuses.append, backoff=quick()) as reader:
            watch.until(reader, lambda: len(watch.frames) >= 5)
            camera.kill()
            watch.until(reader, lambda: BACKOFF in watch.states)
            camera.start()
            watch.until(reader, lambda: watch.frames[-1].epoch >= 1)
    assert watch.states[:5] == [CONNECTING, LIVE, BACKOFF, CONNECTING, LIVE]


@pytest.mark.rtsp
def test_a_killed_and_restarted_rtsp_camera_comes_back_as_a_new_epoch(rtsp_camera: RtspServer, watch: Watch) -> None:
    with (
        MjpegServer() as other,
        Reader(other.url) as neighbour,
        Reader(rtsp_camera.url, options=QUICK, on_status=watch.statuses.append, backoff=quick()) as reader,
    ):
        watch.until(reader, lambda: len(watch.frames) >= 10)
        rtsp_camera.kill()
        watch.until(reader, lambda: watch.states.count(BACKOFF) >= 3)
        rtsp_camera.start(size="320x192")  # another picture size, as after a change of its settings
        watch.until(reader, lambda: watch.frames[-1].epoch >= 1)
        frame = neighbour.take()
        assert frame is not None
        assert time.monotonic_ns() - frame.captured_mono_ns < 1e9  # the other camera never noticed
    assert watch.states[:3] == [CONNECTING, LIVE, BACKOFF]
    assert watch.statuses[2].reason == "ended"
    assert [status.epoch for status in watch.statuses if status.state is LIVE] == [0, 1]
    assert {status.reason for status in watch.statuses[3:] if status.state is BACKOFF} == {"refused"}
    assert watch.frames[0].picture.width == 640
    assert watch.frames[-1].picture.width == 320


@pytest.mark.rtsp
def test_a_frozen_rtsp_camera_stalls_and_recovers(rtsp_camera: RtspServer, watch: Watch) -> None:
    with Reader(rtsp_camera.url, on_status=watch.statuses.append, stall_s=1.0) as reader:
        watch.until(reader, lambda: len(watch.frames) >= 5)
        rtsp_camera.freeze()
        begun = time.monotonic()
        watch.until(reader, lambda: STALLED in watch.states)
        assert time.monotonic() - begun < 2
        rtsp_camera.thaw()
        watch.until(reader, lambda: watch.states[-1] is LIVE)
    assert watch.states == [CONNECTING, LIVE, STALLED, LIVE, STOPPED]


@pytest.mark.rtsp
def test_a_missing_rtsp_path_ends_with_not_found(rtsp_camera: RtspServer) -> None:
    with Reader(rtsp_camera.url + "/missing", options=QUICK) as reader, pytest.raises(SourceNotFound):
        reader.wait_open()
