"""How far a graph may be from its checkpoint: a limit for each figure that matters, by the graph's kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from clef_rt.errors import BundleError, ConfigError
from export.parity import Parity

__all__ = ["TOLERANCES", "Tolerances", "check", "exceeded", "parse_tolerances"]

Tolerances = Mapping[str, Mapping[str, float]]
"""Limits by kind of graph and by figure."""

TOLERANCES: Final[Tolerances] = {
    "float32": {"embedding_max_abs": 1e-3, "score_max_abs": 1e-3},
    "float16-weights": {"score_max_abs": 2e-3},
    "fp16": {"score_max_abs": 0.02, "score_mean_abs": 1e-3, "f1_drop": 0.005, "accuracy_drop": 0.005},
    "int8": {"score_mean_abs": 0.01, "f1_drop": 0.01, "accuracy_drop": 0.01},
}
FIGURES: Final = ("embedding_max_abs", "score_max_abs", "score_mean_abs", "flipped", "f1_drop", "accuracy_drop")
"""What may be given a limit: figures that are 0 where nothing differs. F1 and accuracy are shares, 0–1."""


def parse_tolerances(given: Sequence[str]) -> Tolerances:
    """The limits, some of them replaced.

    Args:
        given: each as `int8.score_mean_abs=0.03`.

    Raises:
        ConfigError: one isn't of that form, or names no kind or figure that there is.
    """
    limits = {kind: dict(own) for kind, own in TOLERANCES.items()}
    for text in given:
        name, _, number = text.partition("=")
        kind, _, figure = name.partition(".")
        if kind not in limits or figure not in FIGURES:
            known = f"Kinds: {', '.join(limits)}. Figures: {', '.join(FIGURES)}."
            raise ConfigError(f"{text[:200]!r} is no tolerance.", f"Write one as int8.score_mean_abs=0.03. {known}")
        try:
            limit = float(number)
        except ValueError:
            limit = math.nan
        if not 0 <= limit < math.inf:
            raise ConfigError(f"{text[:200]!r}: the limit is no number from 0 up.")
        limits[kind][figure] = limit
    return limits


def exceeded(kind: str, parity: Parity, limits: Mapping[str, float]) -> list[str]:
    """What exceeds its limit, in words. A figure that is NaN does; one that the crops have no labels for doesn't."""
    found = []
    for figure, limit in limits.items():
        value = getattr(parity, figure)
        if value is not None and not value <= limit:
            found.append(f"{kind}: {figure.replace('_', ' ')} {value:.2g}, more than {limit:g}")
    return found


def check(parities: Mapping[str, Parity], tolerances: Tolerances) -> None:
    """Raise BundleError where a graph differs too much; it names all of them."""
    if found := [line for kind, parity in parities.items() for line in exceeded(kind, parity, tolerances[kind])]:
        raise BundleError(
            f"The bundle doesn't score as the checkpoint does. {'; '.join(found)}.",
            "Nothing was written. A layer may not export as it computes; else raise the limit with --tolerance.",
        )
