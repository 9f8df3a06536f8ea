"""A low-pass filter that smooths what is still and follows what moves (Casiez et al. 2012, "1€ Filter")."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["OneEuro"]


class OneEuro:
    """Smooths points over time; each point by its own speed. Time is in seconds, so the frame rate doesn't matter.

    Args:
        cutoff: in Hz, for a point at rest. With the defaults at 30 fps, jitter of 1 % of the face's width falls to 0.6.
        slope: how much a speed of one unit a second adds to the cutoff, in Hz. With the defaults, a face that moves
            by its own width in a second lags by 11 ms, a faster one by less.
        speed_cutoff: in Hz, for the speed itself.
    """

    __slots__ = ("_speed", "_value", "cutoff", "slope", "speed_cutoff")

    def __init__(self, cutoff: float = 2.0, slope: float = 10.0, speed_cutoff: float = 6.0) -> None:
        self.cutoff = cutoff
        self.slope = slope
        self.speed_cutoff = speed_cutoff
        self._value: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] = np.zeros(())

    def __call__(self, points: NDArray[np.float32], seconds: float, unit: float) -> NDArray[np.float32]:
        """Feed the newest points; get them smoothed.

        Args:
            points: (n, 2), the same n each time.
            seconds: since the last call; 0 or less returns the points as they are and starts anew.
            unit: the length in which speeds are measured, such as the face's width; pixels.
        """
        new = points.astype(np.float64)
        if self._value is None or seconds <= 0 or unit <= 0:
            self._value, self._speed = new, np.zeros_like(new)
            return points
        speed = (new - self._value) / seconds
        self._speed += _share(self.speed_cutoff, seconds) * (speed - self._speed)
        cutoff = self.cutoff + self.slope * np.linalg.norm(self._speed, axis=1, keepdims=True) / unit
        self._value = self._value + _share(cutoff, seconds) * (new - self._value)
        return self._value.astype(np.float32)

    def shift(self, by: NDArray[np.float32]) -> None:
        """Move the state along where nothing was measured.

        Args:
            by: (2,) pixels.
        """
        if self._value is not None:
            self._value = self._value + by


def _share(cutoff: NDArray[np.float64] | float, seconds: float) -> NDArray[np.float64] | float:
    """The new value's weight in a first-order low-pass."""
    turn = 2 * math.pi * seconds * cutoff
    return turn / (1 + turn)
