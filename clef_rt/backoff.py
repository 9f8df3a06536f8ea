"""How long to wait before the next attempt to reach a camera."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Delays that double from `first_s` to `cap_s`, each shortened by a random part of up to one half.

    The randomness keeps the cameras behind one failed switch from all knocking at the same instant.

    Args:
        first_s: the first delay's upper bound.
        cap_s: the upper bound of any delay.
        rng: where the randomness comes from.
    """

    def __init__(self, first_s: float = 0.5, cap_s: float = 30.0, rng: random.Random | None = None) -> None:
        if not 0 < first_s <= cap_s:
            raise ValueError(f"a backoff needs 0 < first_s <= cap_s; got {first_s} and {cap_s}")
        self.first_s = first_s
        self.cap_s = cap_s
        self._rng = rng if rng is not None else random.Random()
        self._bound_s = first_s

    def next_s(self) -> float:
        """The next delay in seconds."""
        bound = self._bound_s
        self._bound_s = min(self.cap_s, 2 * bound)
        return bound * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start again from the first delay."""
        self._bound_s = self.first_s
