"""What docs/cli.md tells to type can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clef_rt.config import check_config
from clef_rt.publish import DEFAULT_ENDPOINT
from tests.cli.conftest import Call

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
GROUPS = ("config", "labels", "models")
TYPED = sorted(
    {line.strip() for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()}
)


@pytest.mark.parametrize("line", TYPED)
def test_commands_and_options_exist(call: Call, line: str) -> None:
    typed = re.split(r"[|>#]", line)[0].split()
    assert typed[0] == "clef-rt"
    depth = 3 if typed[1] in GROUPS else 2
    run = call(*typed[1:depth], "--help")
    assert run.returncode == 0
    for option in (word for word in typed if word.startswith("--")):
        assert f"{option} " in run.stdout


def test_yaml_is_right(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "clef.yaml"
    path.write_text(block)
    assert check_config(path)[1] == []


def test_the_address_shown_is_the_default() -> None:
    assert f"clef-rt live · {DEFAULT_ENDPOINT} ·" in TEXT
