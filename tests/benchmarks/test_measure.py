"""Real measurements of two seconds: real processes, real sockets, real video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.figures import PARTS, PICTURE, STAMP
from benchmarks.fps import RUNTIME, measure_fps
from benchmarks.gather import Gathered
from benchmarks.latency import measure_latency
from benchmarks.plan import Plan
from benchmarks.plots import plot
from benchmarks.report import Report
from clef_rt.errors import ConfigError, SourceError
from tests.rigs import rtsp

pytestmark = pytest.mark.timeout(180)

MakePlan = Callable[..., Plan]


def reported(gathered: Gathered, kind: str) -> Report:
    report = gathered.report(kind, "python -m benchmarks")  # type: ignore[arg-type]
    assert report is not None
    return report


def test_fps_of_all_stages_and_of_the_whole(plan: MakePlan, tmp_path: Path) -> None:
    gathered = Gathered()
    measure_fps(plan(seconds=1.0), gathered)
    report = reported(gathered, "fps")
    [case] = report.cases
    assert (case.name, case.faces, case.seconds) == ("1 face", 1, 0.5)
    assert [row.stage for row in case.rows] == [
        "decode",
        "gray",
        "bgr",
        "detect",
        "landmarks + track",
        "align",
        "encode",
        "compare",
        "analyzer",
        "wire encode",
        "wire decode",
        RUNTIME,
    ]
    for row in case.rows:
        assert row.fps is not None
        assert len(row.fps.repeats) == 2
        assert min(row.fps.repeats) > 0
        if row.ms is not None:
            assert 0 < row.ms.p50.value <= row.ms.p95.value <= row.ms.p99.value
    assert case.counts["faces"].value == 1
    assert case.counts["dropped"].value == case.counts["lost"].value == case.counts["unpublished"].value == 0
    assert 30 < case.counts["peak_rss_mb"].value < 2000
    assert 0 < case.counts["cpu_cores"].value < 64
    assert report.model.bundle == "tiny.test"
    assert not report.interrupted
    assert len(report.reference_ms.repeats) == 2
    plot(report, tmp_path / "fps.png")
    assert (tmp_path / "fps.png").stat().st_size > 20_000


def test_latency_of_a_file_in_real_time(plan: MakePlan, tmp_path: Path) -> None:
    gathered = Gathered()
    measure_latency(plan(faces=(2,), repeats=1), gathered, ["file"])
    report = reported(gathered, "latency")
    [case] = report.cases
    assert (case.name, case.via) == ("2 faces, file in real time", "file in real time")
    assert [row.stage for row in case.rows] == [*PARTS[1:], STAMP]
    means = {row.stage: row.ms.mean for row in case.rows if row.ms}
    assert sum(means[part] for part in PARTS[1:]) == pytest.approx(means[STAMP], abs=0.1)
    whole = case.row(STAMP)
    assert whole is not None
    assert whole.fps is not None
    assert whole.ms is not None
    assert whole.ms.curve is not None
    # Frames come at 30 a second; on a busy machine some are dropped, and what is left is still in time.
    frames, dropped = case.counts["frames"].value, case.counts["dropped"].value
    assert whole.fps.value < 33
    assert 45 <= frames + dropped <= 65
    assert case.counts["faces"].value == 2
    plot(report, tmp_path / "latency.png")
    assert (tmp_path / "latency.png").stat().st_size > 20_000


@pytest.mark.rtsp
def test_latency_of_a_camera_is_that_of_its_pictures(plan: MakePlan) -> None:
    if reason := rtsp.missing():
        pytest.skip(reason)
    gathered = Gathered()
    measure_latency(plan(repeats=1), gathered, ["rtsp"])
    [case] = reported(gathered, "latency").cases
    assert [row.stage for row in case.rows] == [*PARTS, STAMP, PICTURE]
    means = {row.stage: row.ms.mean for row in case.rows if row.ms}
    # Two clocks read in two processes agree: what the camera took, and what came after its frame had arrived.
    assert means["camera"] > 1
    assert means["camera"] + means[STAMP] == pytest.approx(means[PICTURE], abs=0.1)
    assert case.counts["faces"].value == 1
    assert case.counts["camera_cpu_cores"].value > 0


def test_a_live_source_comes_as_it_is(plan: MakePlan) -> None:
    gathered = Gathered()
    source = "synthetic://testsrc2?size=320x240&rate=25"
    measure_latency(plan(source=source, faces=(), repeats=1, seconds=1.0), gathered, [])
    [case] = reported(gathered, "latency").cases
    assert (case.via, case.faces, case.source.width, case.source.height) == ("as it is", None, 320, 240)
    assert case.counts["faces"].value == 0
    with pytest.raises(ConfigError, match="--via"):
        measure_latency(plan(source=source, faces=()), Gathered(), ["file"])


def test_a_source_that_fails_is_told_by_its_own_error(plan: MakePlan, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.mp4")
    for measure in (measure_fps, lambda *args: measure_latency(*args, [])):
        with pytest.raises(SourceError, match=r"There is no .*missing\.mp4"):
            measure(plan(source=missing, faces=()), Gathered())
    with pytest.raises(ConfigError, match="video file"):
        measure_fps(plan(source="rtsp://127.0.0.1:9/cam", faces=()), Gathered())
    with pytest.raises(ConfigError, match=r"is a folder.*video file"):
        measure_fps(plan(source=str(tmp_path), faces=()), Gathered())
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(ConfigError, match=r"single picture.*video file"):
        measure_fps(plan(source=str(tmp_path / "photo.png"), faces=()), Gathered())


def test_a_video_without_faces_has_no_stages_to_measure(plan: MakePlan, video: Path) -> None:
    with pytest.raises(SourceError, match="no face"):
        measure_fps(plan(source=str(video), faces=()), Gathered())


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"source": "a.mp4"}, "either"), ({"faces": (0,)}, "from 1 to"), ({"faces": (1, 10)}, "from 1 to")],
)
def test_plans_that_make_no_sense_are_refused(plan: MakePlan, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(**changes)


def test_nothing_measured_is_no_report() -> None:
    assert Gathered().report("fps", "") is None
