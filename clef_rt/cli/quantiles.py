"""Quantiles of any number of times in a few kilobytes: a histogram whose buckets grow by 2 %."""

from __future__ import annotations

import bisect
import itertools
import math
from typing import Final

__all__ = ["Quantiles"]

_LOWEST_MS: Final = 0.01
_RATIO: Final = 1.02
_BUCKETS: Final = 1163  # up to 10⁸ ms, a day


class Quantiles:
    """Quantiles of times in milliseconds, right to 1 %."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def add(self, value_ms: float) -> None:
        """Count a time; what is below 0.01 ms counts as that."""
        steps = math.log(max(value_ms, _LOWEST_MS) / _LOWEST_MS) / math.log(_RATIO)
        self._counts[min(int(steps), _BUCKETS - 1)] += 1
        self._total += 1

    def at(self, quantile: float) -> float | None:
        """The time that this share of all, 0–1, doesn't exceed; None where there is none yet."""
        if not self._total:
            return None
        rank = max(1, math.ceil(quantile * self._total))
        bucket = bisect.bisect_left(list(itertools.accumulate(self._counts)), rank)
        return float(_LOWEST_MS * _RATIO ** (bucket + 0.5))
