from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.compare import Change, Verdict, caveats, compare
from benchmarks.machine import Machine
from benchmarks.report import read_report, write_report
from clef_rt.errors import ConfigError
from tests.benchmarks.reports import FPS, case, report


def change(changes: list[Change], what: str) -> Change:
    [found] = [change for change in changes if change.what == what]
    return found


@pytest.mark.parametrize(
    ("fps", "verdict"),
    [((120, 121, 119), "better"), ((80, 81, 79), "worse"), ((101, 99, 100), "alike"), ((120.0,), "unknown")],
)
def test_a_rate_is_better_when_it_rises(fps: tuple[float, ...], verdict: Verdict) -> None:
    found = change(compare(report(), report(case(fps=fps))), "encode, per second")
    assert found.verdict == verdict
    assert found.before == 100
    assert found.ratio.value == pytest.approx(found.after / 100)


def test_a_time_is_better_when_it_falls() -> None:
    changes = compare(report(case(ms=20)), report(case(ms=10)))
    assert change(changes, "wait, p50 ms").verdict == "better"
    assert change(compare(report(case(ms=10)), report(case(ms=20))), "wait, p99 ms").verdict == "worse"


def test_a_slower_machine_explains_what_is_slower() -> None:
    slower = report(case(fps=(80, 81, 79)), reference=(3, 3, 3))
    assert change(compare(report(), slower), "encode, per second").verdict == "alike"
    assert "1.50 times as long" in " ".join(caveats(report(), slower))


def test_changes_come_in_the_order_of_the_older_report() -> None:
    before = report(case("4 faces"), case("1 face"))
    after = report(case("1 face"), case("4 faces"), case("9 faces"))
    changes = compare(before, after)
    assert [c.case for c in changes] == ["4 faces"] * 4 + ["1 face"] * 4
    assert [c.what for c in changes[:4]] == [
        "encode, per second",
        "wait, p50 ms",
        "wait, p99 ms",
        "peak memory, MB",
    ]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ConfigError, match="two of a kind"):
        compare(report(), report(kind="latency"))
    with pytest.raises(ConfigError, match="no figure"):
        compare(report(), report(case("other")))


def test_caveats_name_what_else_has_changed() -> None:
    same = report()
    assert caveats(same, report(versions={**same.versions, "commit": "fff0000", "clef-rt": "0.2.0"})) == []
    other = report(
        machine=Machine(cpu="Another", cores=8, memory_gb=8, system="Linux 6", python="3.11.7"),
        model=same.model.model_copy(update={"detector": "yunet"}),
        versions={**same.versions, "numpy": "2.1.0"},
        others_cores=1.5,
        interrupted=True,
    )
    text = " ".join(caveats(same, other))
    for part in ("machines", "detector", "numpy", "1.5 cores busy during the second", "second was broken off"):
        assert part in text
    assert "bundle" not in text


def test_a_report_reads_back_as_it_was_written(tmp_path: Path) -> None:
    original = report(case(fps=FPS), case("4 faces"))
    path = write_report(original, tmp_path / "results")
    assert path.name == "20260102-030405-fps.json"
    assert read_report(path) == original
    # Quantiles stand in one line, so that a diff of two files can be read.
    assert max(map(len, path.read_text().splitlines())) > 500
    assert len(path.read_text().splitlines()) < 250


@pytest.mark.parametrize("content", [None, "no JSON", "{}", '{"schema_version": 2}'])
def test_what_is_no_report_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"report\.json"):
        read_report(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--out"):
        write_report(report(), tmp_path / "file" / "results")
