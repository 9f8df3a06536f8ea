"""The rigs' small encoder as a graph, traced once, and faces to run it on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from export.onnx import export_onnx
from tests.rigs.checkpoint import FakeModel
from tests.rigs.faces import head_crops


@pytest.fixture(scope="session")
def graph() -> bytes:
    """The fake encoder as ONNX."""
    return export_onnx(FakeModel().export_module(), 32, 1)


@pytest.fixture(scope="session")
def heads() -> NDArray[np.uint8]:
    """(96, 32, 32, 1): a real head in many ways."""
    return head_crops(96)
