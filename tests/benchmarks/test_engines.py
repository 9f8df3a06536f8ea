"""Engines held against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.engines import measure_engines, to_markdown
from clef_rt.errors import ConfigError
from tests.rigs.bundles import make_bundle


def test_each_engine_is_timed_on_each_batch(tmp_path: Path) -> None:
    bundle = str(make_bundle(tmp_path / "b").path)
    said: list[str] = []
    timings = measure_engines(
        bundle, [("cpu", "fp32"), ("cpu", "auto")], batches=[1, 3], repeats=3, threads=1, say=said.append
    )
    assert [own.batch for own in timings] == [1, 1, 3, 3]
    for own in timings:
        assert own.engine == "onnxruntime CPUExecutionProvider, fp32, 1 threads"
        assert 0 < own.best_ms <= own.median_ms
        assert own.cosine == pytest.approx(1, abs=1e-5)
    assert len(to_markdown(timings).splitlines()) == 6
    assert said[0] == "loading cpu fp32"


def test_an_engine_that_is_none_is_an_error(tmp_path: Path) -> None:
    bundle = str(make_bundle(tmp_path / "b").path)
    with pytest.raises(ConfigError, match="no engine 'gpu'"):
        measure_engines(bundle, [("gpu", "auto")], batches=[1], repeats=1, threads=1, say=print)
