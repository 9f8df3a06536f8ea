"""How many cores this process may really use: a container's quota is often below what the machine has."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["usable_cores"]


def usable_cores(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """Cores by affinity and cgroup quota (v1 and v2), at least 1. A quota of 2.5 counts as 2.

    Args:
        root: where cgroups are mounted.
        membership: says which cgroup this process is in.
    """
    # macOS and Windows have no affinity to ask for.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(int(quota) for quota in _quotas(root, membership))]))


def _quotas(root: Path, membership: Path) -> list[float]:
    """The quotas, in cores, of this process's group and of all above it: each of them binds."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    quotas = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Within a container the path is often the host's and doesn't exist here; the mount's top is then its own.
        parts = Path(group.lstrip("/")).parts
        mounts = [root, root / "unified"] if not controllers else [root / "cpu", root / controllers]
        for mount in mounts:
            quotas += [_quota(mount.joinpath(*parts[:depth])) for depth in range(len(parts) + 1)]
    return [quota for quota in quotas if quota]


def _quota(folder: Path) -> float | None:
    try:
        if (v2 := folder / "cpu.max").is_file():
            quota, period = v2.read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return float(quota) / float(period) if float(quota) > 0 else None
    except (OSError, ValueError):  # absent, or "max": no quota
        return None
