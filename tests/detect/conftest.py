"""Photographs with faces, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.picture import Picture


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """NASA's portrait of Eileen Collins, (512, 512, 3) BGR."""
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[..., ::-1])


@pytest.fixture
def photo(request: pytest.FixtureRequest) -> Callable[[str], Picture]:
    """Opens `astronaut` (of scikit-image) or a photograph of the shared data by its name; skips where it isn't here."""

    def open_photo(name: str) -> Picture:
        if name == "astronaut":
            return Picture.from_array(request.getfixturevalue("astronaut"))
        shared: Path = request.getfixturevalue("shared_data")
        [path] = shared.glob(f"media/*/{name}")
        return Picture.from_array(np.asarray(cv2.imread(str(path)), np.uint8))

    return open_photo
