from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.frame import Frame
from clef_rt.picture import Picture
from clef_rt.sources import SourceOptions, open_source
from clef_rt.sources._pace import Pace
from clef_rt.sources._stamp import Arrival, Stamper
from tests.rigs import oracle

PICTURE = Picture.from_array(np.zeros((2, 2), np.uint8))
SECOND = 1_000_000_000


def stamped(moments: list[tuple[int, int | None]], *, watch: bool = True) -> list[Frame]:
    stamper = Stamper("cam", epoch=3, seq=10, watch=watch)
    return [stamper.frame(PICTURE, pts_ns=pts, arrival=Arrival(at, at)) for at, pts in moments]


@given(st.lists(st.tuples(st.integers(0, 10**12), st.one_of(st.none(), st.integers(0, 10**12))), max_size=30))
def test_capture_stamps_and_numbers_never_run_backwards(moments: list[tuple[int, int | None]]) -> None:
    frames = stamped(moments)
    assert [frame.seq for frame in frames] == list(range(10, 10 + len(frames)))
    for before, after in itertools.pairwise(frames):
        assert before.captured_mono_ns <= after.captured_mono_ns
        assert before.epoch <= after.epoch
    for frame, (at, _) in zip(frames, moments, strict=True):
        assert frame.captured_mono_ns >= at


@pytest.mark.parametrize(
    ("step_pts", "step_arrival", "epochs"),
    [
        (SECOND, SECOND, [3, 3]),
        (60 * SECOND, 60 * SECOND, [3, 3]),  # silent for a minute
        (60 * SECOND, SECOND // 25, [3, 4]),  # the stream's clock was set
        (-50 * SECOND, SECOND // 25, [3, 4]),  # a server restarted behind a proxy
        (-SECOND // 100, SECOND // 25, [3, 3]),  # a camera's jitter
    ],
)
def test_a_jump_of_a_live_streams_clock_begins_an_epoch(step_pts: int, step_arrival: int, epochs: list[int]) -> None:
    moments = [(100 * SECOND, 100 * SECOND), (100 * SECOND + step_arrival, 100 * SECOND + step_pts)]
    assert [frame.epoch for frame in stamped(moments)] == epochs
    assert [frame.epoch for frame in stamped(moments, watch=False)] == [3, 3]


@pytest.mark.parametrize("realtime", [False, True])
def test_with_b_frames_each_frame_has_its_own_packets_arrival(
    video_bframes: Path, monkeypatch: pytest.MonkeyPatch, realtime: bool
) -> None:
    with av.open(str(video_bframes)) as container:
        arrived = {packet.pts: index for index, packet in enumerate(container.demux(video=0)) if packet.pts is not None}
        base = container.streams.video[0].time_base
    assert list(arrived) != sorted(arrived)  # there are B-frames
    ticks = iter(range(10**6))
    monkeypatch.setattr(Arrival, "now", classmethod(lambda cls: cls(*[next(ticks)] * 2)))
    with open_source(video_bframes, options=SourceOptions(realtime=realtime)) as source:
        stamps = [frame.captured_mono_ns for frame in source]
    own = [arrived[pts] for pts in sorted(arrived)]
    assert base is not None
    assert stamps == np.maximum.accumulate(own).tolist()
    assert sum(stamp == mine for stamp, mine in zip(stamps, own, strict=True)) > len(own) / 2


def test_stamps_lie_between_the_packets_arrival_and_the_frames_delivery(video: Path) -> None:
    before, before_utc = time.monotonic_ns(), time.time_ns()
    with open_source(video) as source:
        for frame in source:
            assert before <= frame.captured_mono_ns <= time.monotonic_ns()
            assert before_utc <= frame.captured_utc_ns <= time.time_ns()
            assert frame.decode_ms >= 0


def paced(times: list[float]) -> Iterator[float]:
    pace, start = Pace(threading.Event()), time.monotonic()
    for at_s in times:
        pace.wait(at_s)
        yield time.monotonic() - start


def test_pace_waits_for_each_moment_from_the_first_on() -> None:
    passed = list(paced([5.0, 5.1, 5.05, 5.2]))
    assert passed[0] < 0.1
    assert passed[1] >= 0.1
    assert passed[3] >= 0.2


def test_a_file_in_real_time_takes_its_duration_and_is_stamped_as_it_plays(video: Path) -> None:
    with open_source(video, options=SourceOptions(realtime=True)) as source:
        assert source.live
        assert source.finite
        frames = list(source)
    assert [oracle.read(frame.picture.gray()) for frame in frames] == list(range(45))
    assert (frames[-1].captured_mono_ns - frames[0].captured_mono_ns) / 1e9 >= 44 / 30 * 0.95
