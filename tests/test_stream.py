"""Streams: real files, real servers with faults, one analyzer."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from clef_rt.analyzer import Analyzer
from clef_rt.errors import ConfigError, SourceError, SourceNotFound, SourceRefused, SourceTimeout, SourceUndecodable
from clef_rt.frame import Frame, Observation
from clef_rt.reader import Reader
from clef_rt.sources import SourceOptions
from clef_rt.status import CameraState, Status
from clef_rt.stream import Stream, stream
from tests.rigs import bundles
from tests.rigs.faces import make_face_video
from tests.rigs.mjpeg import MjpegServer
from tests.rigs.rtsp import RtspServer, free_port

CONNECTING, LIVE, STALLED, BACKOFF, STOPPED = CameraState
QUICK = SourceOptions(open_timeout_s=1.0, read_timeout_s=1.0)
FACES = 30


@pytest.fixture(scope="module")
def shared_analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    return Analyzer(bundles.make_bundle(tmp_path_factory.mktemp("bundle") / "tiny"))


@pytest.fixture
def analyzer(shared_analyzer: Analyzer) -> Analyzer:
    return shared_analyzer


@pytest.fixture(scope="module")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 frames in which a face moves to the right."""
    folder = tmp_path_factory.mktemp("faces")
    return make_face_video(folder / "faces.mp4", lambda i: [(150 + 4 * i, 180, 200)], frames=FACES)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    wait_for(lambda: not readers_among(set(threading.enumerate()) - before), 4)


@pytest.fixture
def mjpeg() -> Iterator[MjpegServer]:
    with MjpegServer() as server:
        yield server


def readers_among(threads: set[threading.Thread]) -> list[str]:
    return [thread.name for thread in threads if thread.name.startswith(("reader-", "watch"))]


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it never came to be"
        time.sleep(0.01)


def states(statuses: Sequence[Status], camera: str | None = None) -> list[CameraState]:
    return [status.state for status in statuses if camera in (None, status.camera)]


class Slow(Analyzer):
    """Takes its time for each tick."""

    def __init__(self, like: Analyzer, seconds: float) -> None:
        super().__init__(like.bundle, detector=like.detector, encoder=like.encoder)
        self.seconds = seconds
        self.ticks: list[list[str]] = []

    def observe(self, frames: Sequence[Frame]) -> list[Observation]:
        time.sleep(self.seconds)
        self.ticks.append([frame.camera for frame in frames])
        return super().observe(frames)


# Files


def test_a_file_gives_an_observation_for_each_frame_and_ends(analyzer: Analyzer, face_video: Path) -> None:
    statuses: list[Status] = []
    begun = time.monotonic()
    with stream(face_video, analyzer=analyzer, on_status=statuses.append) as opened:
        assert opened.cameras == ("faces",)
        observations = list(opened)
        assert next(opened, None) is None
        assert opened.dropped == {"faces": 0}
        assert opened.statuses["faces"].state is STOPPED
    assert [observation.seq for observation in observations] == list(range(FACES))
    assert [[face.track_id for face in observation.faces] for observation in observations] == [[0]] * FACES
    assert [observation.pts_ns for observation in observations] == [i * 40_000_000 for i in range(FACES)]
    assert states(statuses) == [CONNECTING, LIVE, STOPPED]
    assert statuses[-1].reason == "ended"
    assert time.monotonic() - begun < 10


def test_a_loop_needs_no_with(analyzer: Analyzer, video: Path) -> None:
    assert sum(1 for _ in stream(str(video), analyzer=analyzer)) == 45


def test_an_analyzer_serves_one_stream_after_another(analyzer: Analyzer, face_video: Path, tmp_path: Path) -> None:
    other = make_face_video(tmp_path / "faces.mp4", lambda _: [(480, 180, 200)], frames=4)
    with stream(face_video, analyzer=analyzer) as opened:
        assert next(opened).faces[0].track_id == 0
    # The same camera, the same epoch, and yet another face.
    ids = [face.track_id for observation in stream(other, analyzer=analyzer) for face in observation.faces]
    assert ids == [0] * 4


def test_several_files_are_read_side_by_side_and_wholly(analyzer: Analyzer, face_video: Path, video: Path) -> None:
    with stream([face_video, video, str(video)], analyzer=analyzer) as opened:
        assert opened.cameras == ("faces", "plain", "plain-2")
        seen = defaultdict(list)
        order = []
        for observation in opened:
            seen[observation.camera].append(observation.seq)
            order.append(observation.camera)
    assert seen == {"faces": list(range(FACES)), "plain": list(range(45)), "plain-2": list(range(45))}
    assert set(order[:30]) == set(opened.cameras)


def test_faces_score_the_same_beside_other_cameras(analyzer: Analyzer, face_video: Path, video: Path) -> None:
    def scores(sources: list[Path], cameras: list[str]) -> list[np.ndarray]:
        with stream(sources, analyzer=analyzer, cameras=cameras) as opened:
            return [o.faces[0].aus.values_array.copy() for o in opened if o.camera == "one"]

    alone, beside = scores([face_video], ["one"]), scores([video, face_video], ["two", "one"])
    assert len(alone) == len(beside) == FACES
    assert np.allclose(alone, beside, atol=1e-5)


def test_files_wait_for_a_slow_analyzer_unless_the_latest_is_asked_for(analyzer: Analyzer, video: Path) -> None:
    slow = Slow(analyzer, 0.02)
    with stream(video, analyzer=slow) as opened:
        assert [observation.seq for observation in opened] == list(range(45))
    with stream(video, analyzer=slow, latest=True) as opened:
        observations = list(opened)
        assert len(observations) + opened.dropped["plain"] == 45
        assert observations[-1].dropped == opened.dropped["plain"] > 0
    assert observations[-1].seq == 44


def test_a_looped_file_is_a_new_epoch_each_time(analyzer: Analyzer, face_video: Path) -> None:
    seen = []
    with stream(face_video, analyzer=analyzer, options=SourceOptions(loop=True)) as opened:
        for observation in opened:
            seen.append((observation.epoch, [face.track_id for face in observation.faces]))
            if len(seen) == 2 * FACES + 5:
                break
    assert seen == [(epoch, [0]) for epoch in (0, 1, 2) for _ in range(FACES)][: len(seen)]


def test_each_source_may_have_options_of_its_own(analyzer: Analyzer, video: Path) -> None:
    options = [SourceOptions(epoch=3), SourceOptions(epoch=5, seq=100)]
    with stream([video, video], analyzer=analyzer, options=options) as opened:
        first = {}
        for observation in opened:
            first.setdefault(observation.camera, (observation.epoch, observation.seq))
    assert first == {"plain": (3, 0), "plain-2": (5, 100)}
    with pytest.raises(ConfigError, match=r"1 source\(s\) but options for 2"):
        stream(video, analyzer=analyzer, options=options)


# Names and mistakes


def test_names_are_unique_whatever_the_sources(analyzer: Analyzer, video: Path, tmp_path: Path) -> None:
    twin, long = tmp_path / "plain.mp4", tmp_path / ("a" * 80 + ".mp4")
    for copy in (twin, long, tmp_path / "plain-2.mp4"):
        copy.write_bytes(video.read_bytes())
    sources = [video, twin, tmp_path / "plain-2.mp4", long, long]
    with stream(sources, analyzer=analyzer) as opened:
        assert opened.cameras == ("plain", "plain-2", "plain-2-2", "a" * 64, "a" * 62 + "-2")
    with stream(sources[:2], analyzer=analyzer, cameras=["left", "right"]) as opened:
        assert opened.cameras == ("left", "right")
    with stream(sources[:3], analyzer=analyzer, cameras=[None, "plain", None]) as opened:
        assert opened.cameras == ("plain-2", "plain", "plain-2-2")


def test_mistakes_are_named(analyzer: Analyzer, video: Path) -> None:
    def fails(words: str, sources: object, cameras: object = None) -> None:
        with pytest.raises(ConfigError, match=words):
            stream(sources, analyzer=analyzer, cameras=cameras)  # type: ignore[arg-type]

    fails("no source", [])
    fails("not ndarray.*analyze", np.zeros((4, 4, 3), np.uint8))
    fails(r"2 source\(s\) but 1 camera", [video, video], ["front"])
    fails("Two cameras are called front", [video, video], ["front", "front"])
    fails("'Front Door' can't be", [video], ["Front Door"])
    with pytest.raises(SourceError, match="no kind of source"):
        stream("gopher://x", analyzer=analyzer)


def test_a_source_that_is_not_there_is_told_at_once_and_the_others_are_closed(
    analyzer: Analyzer, mjpeg: MjpegServer, tmp_path: Path
) -> None:
    begun = time.monotonic()
    with pytest.raises(SourceNotFound, match="There is no"):
        stream([mjpeg.url + "hang", mjpeg.url, tmp_path / "none.mp4"], analyzer=analyzer, options=QUICK)
    assert time.monotonic() - begun < 3
    with pytest.raises(SourceRefused):
        stream(f"http://127.0.0.1:{free_port()}/", analyzer=analyzer, options=QUICK)


def test_a_failure_between_two_looks_is_told_by_its_own_error(
    analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_early(reader: Reader, timeout_s: float) -> None:
        wait_for(lambda: reader.error is not None)
        raise SourceTimeout(f"not within {timeout_s:g} s")

    monkeypatch.setattr(Reader, "wait_open", too_early)
    with pytest.raises(SourceRefused):
        stream(f"http://127.0.0.1:{free_port()}/", analyzer=analyzer, options=QUICK)


def test_opening_has_a_time_limit(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    with pytest.raises(SourceTimeout, match=r"could not be opened within 0.3 s"):
        stream(mjpeg.url + "hang", analyzer=analyzer, options=QUICK, open_timeout_s=0.3)


def test_a_camera_may_come_later_if_asked(analyzer: Analyzer) -> None:
    port = free_port()
    statuses: list[Status] = []
    with stream(
        f"http://127.0.0.1:{port}/", analyzer=analyzer, options=QUICK, retry_first=True, on_status=statuses.append
    ) as opened:
        wait_for(lambda: BACKOFF in states(statuses))
        with MjpegServer(port=port):
            assert next(opened).camera == opened.cameras[0]
    assert LIVE in states(statuses)


# Failures


def test_a_file_that_fails_does_not_end_as_if_all_were_well(analyzer: Analyzer, video: Path, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no picture")
    statuses: list[Status] = []
    with stream([tmp_path, video], analyzer=analyzer, cameras=["bad", "good"], on_status=statuses.append) as opened:
        cameras: Counter[str] = Counter()
        with pytest.raises(SourceUndecodable, match="no image that can be decoded"):
            cameras.update(observation.camera for observation in opened)
        assert cameras == {"good": 45}
        assert next(opened, None) is None
    assert [status.reason for status in statuses if status.state is STOPPED] == ["undecodable", "ended"]


def test_a_truncated_file_gives_what_there_is(analyzer: Analyzer, video_truncated: Path) -> None:
    with stream(video_truncated, analyzer=analyzer) as opened:
        assert 10 <= len(list(opened)) < 45


def test_a_failing_analyzer_closes_the_stream(analyzer: Analyzer, video: Path) -> None:
    class Failing(Slow):
        def observe(self, frames: Sequence[Frame]) -> list[Observation]:
            raise RuntimeError("the engine is out")

    opened = stream(video, analyzer=Failing(analyzer, 0))
    with pytest.raises(RuntimeError, match="the engine is out"):
        next(opened)
    assert opened.statuses["plain"].state is STOPPED
    assert next(opened, None) is None


# Live


def test_a_camera_that_hangs_up_comes_back_as_a_new_epoch(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    statuses: list[Status] = []
    epochs: list[int] = []
    with stream(mjpeg.url, analyzer=analyzer, options=QUICK, on_status=statuses.append) as opened:
        for observation in opened:
            epochs.append(observation.epoch)
            if len(epochs) == 5:
                mjpeg.hang_up()
            if observation.epoch == 1 and epochs.count(1) == 5:
                break
        assert sorted(epochs) == epochs
        assert opened.statuses[opened.cameras[0]].state is LIVE
    assert states(statuses) == [CONNECTING, LIVE, BACKOFF, CONNECTING, LIVE, STOPPED]
    assert [status.epoch for status in statuses] == [0, 0, 0, 1, 1, 1]


def test_live_cameras_and_files_share_the_analyzer_fairly(
    analyzer: Analyzer, mjpeg: MjpegServer, face_video: Path, video: Path
) -> None:
    slow = Slow(analyzer, 0.03)
    with stream([face_video, mjpeg.url, video], analyzer=slow, cameras=["f", "live", "v"]) as opened:
        seen: dict[str, list[Observation]] = defaultdict(list)
        for observation in opened:
            seen[observation.camera].append(observation)
            if len(seen["f"]) == FACES and len(seen["v"]) == 45:
                break
        assert opened.dropped["f"] == opened.dropped["v"] == 0
    assert [observation.seq for observation in seen["f"]] == list(range(FACES))
    assert [observation.seq for observation in seen["v"]] == list(range(45))
    # 45 ticks of 30 ms and more; the camera gives a frame every 40 ms.
    assert len(seen["live"]) >= 15
    assert all(ticks.count("live") <= 1 for ticks in slow.ticks)


def test_a_slow_consumer_gets_fresh_frames(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    ages = []
    with stream(mjpeg.url, analyzer=analyzer) as opened:
        for observation in opened:
            ages.append(observation.ms["total"])
            time.sleep(0.3)
            if len(ages) == 6:
                break
        assert opened.dropped[opened.cameras[0]] > 10
    assert max(ages[1:]) < 300  # in a queue, each would be 260 ms older than the one before


def test_statuses_come_while_the_consumer_is_busy(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    statuses: list[Status] = []
    with stream(mjpeg.url, analyzer=analyzer, on_status=statuses.append) as opened:
        opened.readers[0].stall_s = 0.3
        next(opened)
        mjpeg.freeze()
        wait_for(lambda: STALLED in states(statuses))  # nobody iterates
        mjpeg.thaw()
        wait_for(lambda: states(statuses)[-1] is LIVE)


def test_a_listener_may_fail_or_close_the_stream(
    analyzer: Analyzer, video: Path, mjpeg: MjpegServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(status: Status) -> None:
        raise ValueError("no thanks")

    caplog.set_level(logging.ERROR)
    with stream(video, analyzer=analyzer, on_status=fail) as opened:
        assert len(list(opened)) == 45
    assert caplog.text.count("ValueError: no thanks") == 3

    opened_streams: list[Stream] = []
    ready = threading.Event()

    def close(status: Status) -> None:
        if status.state is LIVE:
            ready.wait(5)
            opened_streams[0].close()

    opened_streams.append(stream(mjpeg.url, analyzer=analyzer, on_status=close))
    ready.set()
    for _ in opened_streams[0]:
        pass
    wait_for(lambda: not readers_among(set(threading.enumerate())))
    assert len(caplog.records) == 3


# The end


def test_closing_is_quick_also_with_a_camera_that_hangs(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    opened = stream([mjpeg.url] * 3, analyzer=analyzer, options=SourceOptions(read_timeout_s=3))
    next(opened)
    mjpeg.freeze()
    time.sleep(0.1)
    begun = time.monotonic()
    opened.close()
    opened.close()
    assert time.monotonic() - begun < 2.5
    assert next(opened, None) is None
    assert {status.state for status in opened.statuses.values()} == {STOPPED}


def test_a_camera_that_hangs_does_not_keep_the_others_running(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    with MjpegServer() as other:
        opened = stream(
            [mjpeg.url, other.url],
            analyzer=analyzer,
            cameras=["hangs", "runs"],
            options=SourceOptions(read_timeout_s=1.5),
        )
        next(opened)
        mjpeg.freeze()
        time.sleep(0.1)
        closing = threading.Thread(target=opened.close)
        closing.start()
        wait_for(lambda: "reader-runs" not in readers_among(set(threading.enumerate())))
        assert "reader-hangs" in readers_among(set(threading.enumerate()))
        closing.join()


def test_closing_from_another_thread_ends_a_waiting_loop(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    with stream(mjpeg.url, analyzer=analyzer, options=QUICK) as opened:
        next(opened)
        mjpeg.freeze()
        threading.Timer(0.2, opened.close).start()
        begun = time.monotonic()
        for _ in opened:
            pass
        assert time.monotonic() - begun < 3


def test_breaking_out_of_a_loop_stops_the_readers(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    for _ in stream(mjpeg.url, analyzer=analyzer):
        assert readers_among(set(threading.enumerate()))
        break
    gc.collect()
    assert not readers_among(set(threading.enumerate()))


def test_ctrl_c_stops_the_readers(analyzer: Analyzer, mjpeg: MjpegServer) -> None:
    opened = stream(mjpeg.url, analyzer=analyzer, options=QUICK)
    next(opened)
    mjpeg.freeze()  # so that it's the waiting that is interrupted
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        for _ in opened:
            pass
    assert time.monotonic() - begun < 3.5
    assert opened.statuses[opened.cameras[0]].state is STOPPED


@pytest.mark.parametrize("ending", ["SIGINT", "its end"])
def test_a_program_that_never_closes_ends_quickly(analyzer: Analyzer, mjpeg: MjpegServer, ending: str) -> None:
    program = f"""
import clef_rt
stream = clef_rt.stream({mjpeg.url!r}, analyzer=clef_rt.load({str(analyzer.bundle.path)!r}))
for observation in stream:
    print(observation.seq, flush=True)
    if {ending == "its end"}:
        break
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdecimal()
        begun = time.monotonic()
        if ending == "SIGINT":
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        assert time.monotonic() - begun < 4
    if ending == "SIGINT":
        assert errors.strip().endswith("KeyboardInterrupt")
    else:
        assert (process.returncode, errors) == (0, "")


@pytest.mark.rtsp
def test_an_rtsp_camera_that_is_killed_comes_back(analyzer: Analyzer, rtsp_camera: RtspServer) -> None:
    statuses: list[Status] = []
    with stream(
        rtsp_camera.url, analyzer=analyzer, cameras=["door"], options=QUICK, on_status=statuses.append
    ) as opened:
        seen: list[Observation] = []
        for observation in opened:
            seen.append(observation)
            if len(seen) == 10:
                rtsp_camera.kill()
                rtsp_camera.start()
            if observation.epoch > 0:
                break
    assert seen[-1].epoch >= 1
    assert seen[-1].seq > seen[-2].seq
    assert all(observation.ms["total"] < 1000 for observation in seen)
    assert states(statuses)[:3] == [CONNECTING, LIVE, BACKOFF]
