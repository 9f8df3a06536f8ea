"""A run's settings: from flags and files, and back into one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.errors import ConfigError
from training.config import LoopSettings, RunConfig, parse_changes, read_config, with_changes


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    run = RunConfig(stage=2, data=(Path("a"), Path("b")), fold=1, start=Path("s")).changed(
        {"model.tune.image": 3, "stage2.leave_out": ["fear"], "loop.ema": 0.9}
    )
    run.save(tmp_path)
    again = RunConfig.of(read_config(tmp_path / "config.yaml"))
    assert again == run
    assert again.model.tune.image == 3
    assert again.stage2.leave_out == ("fear",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"loop.epoch": 3}, "loop.epoch"),
        ({"loop.batch": 1}, "loop.batch"),
        ({"stage1.pairs": "friends"}, "stage1.pairs"),
        ({"model": "clip"}, "model"),
        ({"data": []}, "data"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        RunConfig(stage=1, data=(Path("a"),)).changed(changes)


def test_where_a_run_is_computed_does_not_make_it_another() -> None:
    run = RunConfig(stage=1, data=(Path("a"),))
    assert run.same_run(run.changed({"loop.devices": 4, "loop.accelerator": "cuda", "loop.save_every": 7}))
    assert not run.same_run(run.changed({"loop.seed": 1}))
    assert not run.same_run(run.changed({"stage1.pairs": "identity"}))


def test_changes_are_read_as_yaml() -> None:
    assert parse_changes(["loop.ema=0.99", "stage2.leave_out=[fear, anger]", "a.b=true"]) == {
        "loop.ema": 0.99,
        "stage2.leave_out": ["fear", "anger"],
        "a.b": True,
    }
    with pytest.raises(ConfigError, match="name=value"):
        parse_changes(["loop.ema"])
    with pytest.raises(ConfigError, match=r"loop\.ema"):
        parse_changes(["loop.ema=["])


@given(st.dictionaries(st.sampled_from(["a", "a.b", "c.d.e", "c"]), st.integers(), max_size=1))
def test_changes_leave_the_table_alone(changes: dict[str, int]) -> None:
    table: dict[str, Any] = {"a": {"b": 1}, "c": 2}
    changed = with_changes(table, changes)
    assert table == {"a": {"b": 1}, "c": 2}
    for name, value in changes.items():
        place: Any = changed
        for key in name.split("."):
            place = place[key]
        assert place == value


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="no table"):
        read_config(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="can't be read"):
        read_config(tmp_path / "gone.yaml")


def test_defaults_are_valid() -> None:
    assert LoopSettings().epochs == 12
