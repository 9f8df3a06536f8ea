"""The detectors' benchmark, run for real on what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.detectors import measure_detectors
from benchmarks.detectors_report import DetectorsReport, to_markdown, write


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> DetectorsReport:
    """Without a folder of data: the photographs that packages bring."""
    pytest.importorskip("skimage")
    nowhere = tmp_path_factory.mktemp("nowhere")
    said: list[str] = []
    found = measure_detectors(nowhere, sheets=2, repeats=1, command="python -m benchmarks detectors", say=said.append)
    assert any("yunet is left out" in line for line in said)
    return found


@pytest.mark.timeout(600)
def test_ours_and_the_cascade_are_held_against_the_same_photographs(report: DetectorsReport) -> None:
    ours, cascade = report.contenders
    assert (ours.name, cascade.name) == ("clef", "cascade")
    assert ours.sets.keys() == cascade.sets.keys()
    figures = ours.sets["photographs"]
    assert 0 < figures.faces < figures.pictures * 6
    assert list(figures.recall) == ["0.1", "0.5", "1"]
    assert figures.recall["0.1"] <= figures.recall["1"]
    assert ours.ms["720p"].ratio == 1
    assert ours.ms["720p"].low <= ours.ms["720p"].median <= ours.ms["720p"].high


def test_the_report_is_written_and_read_again(report: DetectorsReport, tmp_path: Path) -> None:
    found, table = write(report, tmp_path)
    assert DetectorsReport.model_validate_json(found.read_text()) == report
    text = table.read_text()
    assert text == to_markdown(report)
    assert "| recall at 1 false faces a picture |" in text
    assert "720p, times as long as clef" in text
