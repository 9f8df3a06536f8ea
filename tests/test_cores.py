"""A container's quota binds, however many cores the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clef_rt.cores import usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def cores(root: Path, groups: str, quotas: dict[str, str]) -> int:
    for name, text in quotas.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "self").write_text(groups)
    return usable_cores(root, root / "self")


def test_a_quota_of_version_2_binds(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/pod/box\n", {"pod/box/cpu.max": "250000 100000\n"}) == 2


def test_the_narrowest_of_the_groups_above_binds(tmp_path: Path) -> None:
    quotas = {"pod/box/cpu.max": "max 100000\n", "pod/cpu.max": "300000 100000\n"}
    assert cores(tmp_path, "0::/pod/box\n", quotas) == 3


def test_the_mount_is_the_group_where_the_path_is_the_hosts(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/host/path\n", {"cpu.max": "400000 100000"}) == 4


def test_a_quota_of_version_1_binds(tmp_path: Path) -> None:
    quotas = {"cpu,cpuacct/box/cpu.cfs_quota_us": "150000", "cpu,cpuacct/box/cpu.cfs_period_us": "100000"}
    assert cores(tmp_path, "4:memory:/box\n3:cpu,cpuacct:/box\n", quotas) == 1


def test_less_than_a_core_is_one(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/\n", {"cpu.max": "20000 100000"}) == 1


def test_no_quota_leaves_the_affinity(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/\n1:cpu:/\n", {"cpu.max": "max 100000", "cpu/cpu.cfs_quota_us": "-1"}) == 8
    assert usable_cores(tmp_path, tmp_path / "absent") == 8


def test_this_machine_has_a_core() -> None:
    assert 1 <= usable_cores() <= 8
