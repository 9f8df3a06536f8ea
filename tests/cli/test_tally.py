"""Figures: rates, latencies, losses and faces, added up within bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.cli import tally as tallies
from clef_rt.cli.quantiles import Quantiles
from clef_rt.cli.tally import CameraFigures, Tally
from clef_rt.status import CameraState
from tests.rigs import messages

S = 1_000_000_000


def feed(
    tally: Tally, count: int, *, fps: float = 30.0, latency_ms: float = 20.0, start_s: float = 1000.0, first: int = 0
) -> float:
    """Observations of a camera at a rate and age; the time of the last."""
    now_ns = 0
    for index in range(count):
        captured_ns = int((start_s + index / fps) * S)
        now_ns = captured_ns + int(latency_ms * 1e6)
        tally.add(
            messages.observation(seq=first + index, captured_mono_ns=captured_ns, dropped=0), mono_ns=now_ns, utc_ns=0
        )
    return now_ns / S


def only(tally: Tally, now_s: float) -> CameraFigures:
    [figures] = tally.snapshot(now_s=now_s).cameras
    return figures


@given(st.lists(st.floats(0.02, 1e6), min_size=1, max_size=200), st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.99, 1.0]))
def test_quantiles_are_right_to_one_percent(values: list[float], quantile: float) -> None:
    quantiles = Quantiles()
    for value in values:
        quantiles.add(value)
    exact = float(np.quantile(values, quantile, method="inverted_cdf"))
    assert quantiles.at(quantile) == pytest.approx(exact, rel=0.0101)
    assert len(quantiles) == len(values)


@pytest.mark.parametrize("value", [-5.0, 0.0, 1e30])
def test_quantiles_of_impossible_times_stay_in_bounds(value: float) -> None:
    quantiles = Quantiles()
    quantiles.add(value)
    assert 0 < (quantiles.at(0.5) or 0) < 1.1e8


def test_quantiles_of_nothing_are_none() -> None:
    assert Quantiles().at(0.5) is None


def test_rate_and_latency_of_a_steady_camera() -> None:
    tally = Tally(same_host=True, from_start=True)
    now = only(tally, feed(tally, 90))
    assert now.fps == pytest.approx(30, rel=1e-3)
    assert now.p50_ms == pytest.approx(20, abs=0.01)
    assert now.p99_ms == pytest.approx(20, abs=0.01)
    assert (now.frames, now.tracks, now.dropped, now.lost) == (90, 1, 0, 0)


def test_p99_shows_the_slow_ones_and_p50_does_not() -> None:
    tally = Tally(same_host=True, from_start=True)
    feed(tally, 98, latency_ms=20)
    now = only(tally, feed(tally, 2, latency_ms=500, start_s=1003.3, first=98))
    assert now.p50_ms == pytest.approx(20, abs=0.01)
    assert now.p99_ms == pytest.approx(500, abs=0.01)


def test_figures_of_now_forget_what_is_old_and_those_of_the_run_do_not() -> None:
    tally = Tally(same_host=True, from_start=True)
    feed(tally, 300, fps=30, latency_ms=400)
    last_s = feed(tally, 150, fps=10, latency_ms=20, start_s=1000 + 10 + tallies.WINDOW_S, first=300)
    now = only(tally, last_s)
    assert now.fps == pytest.approx(10, rel=0.01)
    assert now.p99_ms == pytest.approx(20, abs=0.01)
    [whole] = tally.summary().cameras
    assert whole.frames == 450
    assert whole.p50_ms == pytest.approx(400, rel=0.02)


def test_rate_sinks_once_frames_fail_to_come() -> None:
    tally = Tally(same_host=True, from_start=True)
    last_s = feed(tally, 60)
    assert only(tally, last_s + 0.5).fps == pytest.approx(30, rel=0.01)
    assert only(tally, last_s + 4).fps < 12
    assert only(tally, last_s + 2 * tallies.WINDOW_S).fps == 0


def test_faces_vanish_from_the_view_once_they_are_old() -> None:
    tally = Tally(same_host=True, from_start=True)
    last_s = feed(tally, 3)
    assert only(tally, last_s + 1).latest is not None
    assert only(tally, last_s + 5).latest is None


def test_latency_over_the_network_is_by_utc() -> None:
    tally = Tally(same_host=False, from_start=False)
    tally.add(
        messages.observation(captured_utc_ns=5 * S, captured_mono_ns=99 * S), mono_ns=S, utc_ns=5 * S + 30_000_000
    )
    assert only(tally, 1.0).p50_ms == pytest.approx(30)


@pytest.mark.parametrize(("from_start", "expected"), [(True, 7 + 3 + 2), (False, 3 + 2)])
def test_drops_add_up_across_a_restart_of_the_publisher(from_start: bool, expected: int) -> None:
    tally = Tally(same_host=True, from_start=from_start)
    for seq, dropped in enumerate([7, 7, 10, 0, 2]):
        tally.add(messages.observation(seq=seq, dropped=dropped))
    [figures] = tally.snapshot().cameras
    assert figures.dropped == expected


def test_losses_are_the_subscription_s() -> None:
    tally = Tally(same_host=True, from_start=True)
    tally.add(messages.observation("door"))
    tally.add(messages.observation("gate"))
    assert [own.lost for own in tally.snapshot({"gate": 3}).cameras] == [0, 3]


def test_each_face_counts_once_and_anew_in_a_new_epoch() -> None:
    tally = Tally(same_host=True, from_start=True)
    for epoch, faces in [(0, 2), (0, 3), (0, 1), (1, 1)]:
        tally.add(messages.observation(epoch=epoch, faces=faces))
    [figures] = tally.snapshot().cameras
    assert figures.tracks == 4


def test_state_and_labels_are_kept() -> None:
    tally = Tally(same_host=True, from_start=True)
    tally.add(messages.hello())
    tally.add(messages.status(state=CameraState.BACKOFF, reason="refused", detail="Next attempt in 2 s."))
    snapshot = tally.snapshot()
    [figures] = snapshot.cameras
    assert (figures.state, figures.reason, figures.detail) == (CameraState.BACKOFF, "refused", "Next attempt in 2 s.")
    assert (figures.frames, figures.p50_ms, figures.fps) == (0, None, 0.0)
    assert snapshot.hellos["door"].aus == messages.AUS


def test_memory_is_bounded() -> None:
    tally = Tally(same_host=True, from_start=True)
    plain = messages.observation(faces=0)
    for seq in range(20_000):  # 1,000 fps, each with a face never seen before
        tally.add(replace(plain, seq=seq, faces=(messages.face(seq),)), mono_ns=seq * 1_000_000)
    camera = tally._cameras["door"]
    assert len(camera._recent) <= 4096
    assert len(camera._seen_s) <= 1000 * tallies.WINDOW_S + 1
    [figures] = tally.snapshot(now_s=20).cameras
    assert (figures.frames, figures.tracks) == (20_000, 20_000)
