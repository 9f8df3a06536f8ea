"""Milliseconds a face on this machine's CPU."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.encode import Encoder

__all__ = ["BATCHES", "time_encoder"]

BATCHES: Final = (1, 8)
FACES: Final = 64  # a batch size


def time_encoder(encoder: Encoder, crops: NDArray[np.uint8]) -> dict[int, float]:
    """The least time a face, by batch size: what else the machine does only ever adds.

    Args:
        encoder: runs the graph; warm, as encoders are once they are made.
        crops: (n, S, S, C) uint8, n ≥ 1; repeated where there are fewer than a batch.

    Returns:
        Milliseconds.
    """
    found = {}
    for batch in BATCHES:
        faces = np.resize(crops, (batch, *crops.shape[1:]))
        times = []
        for _ in range(FACES // batch):
            started = time.perf_counter()
            encoder.encode(faces)
            times.append(time.perf_counter() - started)
        found[batch] = min(times) * 1e3 / batch
    return found
