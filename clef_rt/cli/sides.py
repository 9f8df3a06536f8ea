"""Action Units for people to read: one a muscle, not three where left and right do the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["shown_aus"]

_LOPSIDED: Final = 0.3


def shown_aus(scores: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    """The strongest Action Units, highest first; `AU12_L` in place of `AU12` where the left side does far more.

    Args:
        scores: 0–1 by name: `AU12`, and `AU12_L`, `AU12_R` where the model tells sides apart.
        count: how many at most.

    Returns:
        Names and scores. A side appears alone, where it is at least 0.3 above the other; else the whole one does.
    """
    found: list[tuple[str, float]] = []
    for name, value in scores.items():
        base, _, side = name.partition("_")
        if side in ("L", "R") and base in scores:
            continue
        left, right = scores.get(f"{base}_L"), scores.get(f"{base}_R")
        if left is None or right is None or abs(left - right) < _LOPSIDED:
            found.append((name, value))
        else:
            found.append((f"{base}_L", left) if left > right else (f"{base}_R", right))
    return sorted(found, key=lambda pair: -pair[1])[:count]
