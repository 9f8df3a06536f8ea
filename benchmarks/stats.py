"""Statistics of measurements: percentiles, and how far repeats of the same measurement lie apart. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PERCENTILES", "Ratio", "curve", "percentiles", "ratio", "spread", "steady"]

PERCENTILES = (50, 95, 99)
_CURVE_POINTS = 201


def percentiles(samples: NDArray[np.float64]) -> tuple[float, ...]:
    """The `PERCENTILES` of samples, interpolated linearly between neighbours.

    Raises:
        ValueError: there is no sample.
    """
    if not len(samples):
        raise ValueError("there is nothing to take percentiles of")
    return tuple(float(value) for value in np.percentile(samples, PERCENTILES))


def curve(samples: NDArray[np.float64]) -> list[float]:
    """The 0 %, 0.5 %, … 100 % quantiles: enough to draw the distribution without its samples."""
    return [float(value) for value in np.quantile(samples, np.linspace(0, 1, _CURVE_POINTS))]


def spread(values: Sequence[float]) -> float | None:
    """How far repeats lie apart: (largest − smallest) / median. None for a single one, which says nothing."""
    middle = float(np.median(values)) if len(values) > 1 else 0.0
    return (max(values) - min(values)) / middle if middle > 0 else None


def steady(received_ns: NDArray[np.int64], warmup_s: float, seconds: float) -> slice:
    """Which of the messages count: those that came in a window behind the warm-up.

    Args:
        received_ns: (n,) int64, ascending: when each message came.
        warmup_s: left out at the start, from the first message.
        seconds: the window's length.
    """
    if not len(received_ns):
        return slice(0, 0)
    begin = int(received_ns[0]) + round(warmup_s * 1e9)
    first, last = np.searchsorted(received_ns, [begin, begin + round(seconds * 1e9)])
    return slice(int(first), int(last))


@dataclass(frozen=True, slots=True)
class Ratio:
    """A new measurement in terms of an old one.

    Attributes:
        value: median of the new repeats / median of the old ones.
        low: smallest new / largest old: the least that the repeats allow.
        high: largest new / smallest old: the most that they allow.
        repeats: of the series with fewer.
    """

    value: float
    low: float
    high: float
    repeats: int

    def differs(self, drift: float = 1.0) -> bool | None:
        """Whether old and new differ by more than the noise.

        The repeats must not overlap, and the ratio must be farther from 1 than the machine's own.

        Args:
            drift: the ratio of work that no change of ours touches.

        Returns:
            None where a single repeat leaves the noise unknown.
        """
        if self.repeats < 2:
            return None
        apart = self.low > 1 or self.high < 1
        return apart and abs(math.log(self.value)) > abs(math.log(drift))


def ratio(old: Sequence[float], new: Sequence[float]) -> Ratio | None:
    """The ratio of two series of repeats; None where one is empty or holds a value that isn't above 0."""
    if not old or not new or min(*old, *new, math.inf) <= 0:
        return None
    return Ratio(
        value=float(np.median(new) / np.median(old)),
        low=min(new) / max(old),
        high=max(new) / min(old),
        repeats=min(len(old), len(new)),
    )
