"""What the benchmarks are run on for real: a tiny bundle, and clips of two seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.clips import make_clip
from benchmarks.model import ModelOptions
from benchmarks.plan import Plan
from tests.rigs.bundles import make_bundle

CLIP_S = 2.0


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny").path


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("skimage")
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def clip(clip_folder: Path) -> Path:
    """Two seconds of one face."""
    return make_clip(1, CLIP_S, folder=clip_folder)


@pytest.fixture
def plan(tiny_bundle: Path, clip_folder: Path) -> Callable[..., Plan]:
    """Makes a plan of two seconds on the tiny bundle."""

    def make(**changes: object) -> Plan:
        fields: dict[str, object] = {
            "source": None,
            "faces": (1,),
            "seconds": 2.0,
            "repeats": 2,
            "model": ModelOptions(bundle=str(tiny_bundle)),
            "say": lambda line: None,
            "clip_s": CLIP_S,
            "folder": clip_folder,
        }
        return Plan(**(fields | changes))  # type: ignore[arg-type]

    return make
