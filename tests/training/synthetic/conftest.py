"""The kit, and one studio for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clef_rt.errors import ClefError
from training.synthetic.geometry import FaceKit
from training.synthetic.studio import Studio

SIZE = 64


@pytest.fixture(scope="session")
def facekit(shared_data: Path) -> Path:
    return shared_data / "ict_facekit" / "ict_facekit.npz"


@pytest.fixture(scope="session")
def kit(facekit: Path) -> FaceKit:
    return FaceKit.load(facekit)


@pytest.fixture(scope="module")
def studio(facekit: Path) -> Iterator[Studio]:
    try:
        opened = Studio.open(facekit, SIZE)
        with opened as one:
            yield one
    except ClefError as error:
        pytest.skip(str(error))
