"""The true age of a picture: a camera draws the time into it, and who sees it on the way reads it.

A frame's own stamp says when it arrived, and hides what the camera's encoder and the network took before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef_rt import Analyzer, Frame, Observation
from tests.rigs import oracle

__all__ = ["Witness", "ages"]


class Witness(Analyzer):
    """An analyzer that keeps what a camera has drawn into its frames."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._strips: list[tuple[int, NDArray[np.uint8]]] = []

    def observe(self, frames: Sequence[Frame]) -> list[Observation]:
        """See `Analyzer.observe`."""
        for frame in frames:
            strip = frame.picture.gray()[: oracle.HEIGHT, : oracle.WIDTH]  # faces need the luminance anyway
            self._strips.append((frame.seq, strip.copy()))  # 8 KB; read when there is time
        return super().observe(frames)

    def write(self, path: Path) -> None:
        """Read the strips, and write what could be read as .npy: (n, 2) int64, `seq` and ms."""
        rows = []
        for seq, strip in self._strips:
            try:
                rows.append((seq, oracle.read(strip)))
            except ValueError:  # damaged
                continue
        np.save(path, np.array(rows, np.int64).reshape(-1, 2))


def ages(heard: NDArray[np.void], drawn: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How old pictures were.

    Args:
        heard: (n,) of `listen.HEARD`.
        drawn: (m, 2) as `Witness.write` writes it; whole milliseconds, so ages are up to 1 ms too long.

    Returns:
        (k,) float64 each, milliseconds: at the subscriber, and when their frames had arrived.
    """
    _, mine, theirs = np.intersect1d(heard["seq"], drawn[:, 0], return_indices=True)
    received, captured = (heard[name][mine] / 1e6 for name in ("received_ns", "captured_ns"))
    return (received - drawn[theirs, 1]) % oracle.MODULUS, (captured - drawn[theirs, 1]) % oracle.MODULUS
