"""Encoders: aligned face crops in, unit embeddings out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoder"]


class Encoder(Protocol):
    """Turns crops into embeddings. Used by one thread.

    Attributes:
        description: the engine and its provider, for logs and `clef-rt doctor` ("onnxruntime CPUExecutionProvider").
    """

    description: str

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed a batch of crops of any size n ≥ 0.

        Args:
            crops: (n, S, S, C) uint8, as `clef_rt.align` makes them; C is 1 (luminance) or 3 (RGB), by the bundle.

        Returns:
            (n, d) float32, each row of length 1.
        """
        ...
