"""The machine and the software that figures hold for, and what else the machine did meanwhile."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from clef_rt.cores import usable_cores
from clef_rt.errors import MissingExtra

__all__ = ["Busy", "Machine", "peak_rss_mb", "psutil", "reference", "sources_commit", "versions"]

_PACKAGES: Final = ("clef-rt", "numpy", "opencv-python-headless", "onnxruntime", "av", "pyzmq")
_REFERENCE: Final = bytes(1 << 22)


class Machine(BaseModel):
    """What was measured on. It holds no name of a host or of a person.

    Attributes:
        cpu: the model's name.
        cores: that this process may use.
        memory_gb: of the machine.
        system: operating system and its release.
        python: its version.
    """

    model_config = ConfigDict(extra="forbid")

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str

    @classmethod
    def this(cls) -> Machine:
        """The present one."""
        return cls(
            cpu=_cpu(),
            cores=usable_cores(),
            memory_gb=round(psutil().virtual_memory().total / 1e9, 1),
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
        )


def versions() -> dict[str, str]:
    """Versions of what is measured; `commit` is that of the sources, `+` behind it that they were changed since."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found | {"commit": sources_commit("clef_rt", "benchmarks")}


def peak_rss_mb() -> float:
    """The most memory that this process had in RAM so far, in megabytes (10⁶ bytes)."""
    status = Path("/proc/self/status")
    if status.exists():  # not getrusage: on Linux it begins with the peak of the process that started this one
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return float(psutil().Process().memory_info().peak_wset) / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def psutil() -> Any:
    """The module.

    Raises:
        MissingExtra: it isn't installed.
    """
    try:
        return importlib.import_module("psutil")
    except ImportError:
        raise MissingExtra("psutil", "benchmarks") from None


def reference(seconds: float = 0.2) -> NDArray[np.float64]:
    """Time work that no change of ours touches, on one core: the SHA-256 of 4 MiB.

    Two machines, or one at two times, can be told apart by it.

    Returns:
        (n,) float64, milliseconds of each run.
    """
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter_ns()
        hashlib.sha256(_REFERENCE).digest()
        times.append((time.perf_counter_ns() - begun) / 1e6)
    return np.array(times)


class Busy:
    """Watches how much of the machine others use, from its creation on."""

    def __init__(self) -> None:
        self._psutil = psutil()
        self._begun = time.monotonic()
        self._all, self._own = self._cpu_seconds()

    def others(self) -> float:
        """Cores that others kept busy, on average, since then. Call it when all own children have ended."""
        everything, own = self._cpu_seconds()
        elapsed = max(time.monotonic() - self._begun, 1e-3)
        return max(0.0, float((everything - self._all) - (own - self._own)) / elapsed)

    def _cpu_seconds(self) -> tuple[float, float]:
        total = self._psutil.cpu_times()
        idle = total.idle + getattr(total, "iowait", 0.0)
        # Time of guests counts as user time already.
        everything = sum(total) - idle - getattr(total, "guest", 0.0) - getattr(total, "guest_nice", 0.0)
        own = os.times()
        return everything, own.user + own.system + own.children_user + own.children_system


def now() -> datetime:
    """The present time, UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.lower().startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def sources_commit(*folders: str) -> str:
    """The sources' commit, with a `+` where one of the folders was changed since; empty outside of a clone."""

    def git(*arguments: str) -> str:
        root = Path(__file__).parents[1]
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "--short", "HEAD")
    return f"{head}+" if head and git("status", "--porcelain", "--", *folders) else head
