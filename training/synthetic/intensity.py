"""FACS' intensities as numbers, and how strongly a shape is moved by each."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["OCCURS", "intensity", "strength"]

OCCURS: Final = 2.0
"""From this intensity on an Action Unit counts as present, as DISFA's users have it."""

_INTENSITY: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_STRENGTH: Final = (0.0, 0.15, 0.33, 0.56, 0.8, 1.0)


def strength(intensities: ArrayLike) -> NDArray[np.float32]:
    """Weights 0–1 of intensities 0–5, of any shape.

    FACS gives C and D the widest ranges of evidence, A and B narrow ones; the steps follow that.
    """
    return np.asarray(np.interp(intensities, _INTENSITY, _STRENGTH), np.float32)


def intensity(strengths: ArrayLike) -> NDArray[np.float32]:
    """The other way: intensities 0–5 of weights 0–1, of any shape."""
    return np.asarray(np.interp(strengths, _STRENGTH, _INTENSITY), np.float32)
