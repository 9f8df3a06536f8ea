"""Confidence intervals by drawing whole subjects anew, with replacement: faces of one person aren't independent.

A figure is written once, as a `Statistic`: from weights, how often each subject counts, to values. Weights of 1 give
the figure itself, drawn weights its bootstrap distribution, and the same weights for two models their paired
difference. No face is ever copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "FEWEST_SUBJECTS",
    "Estimate",
    "Floats",
    "Ints",
    "Resamples",
    "Statistic",
    "by_subject",
    "difference",
    "estimate",
    "resample",
    "subject_codes",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Statistic: TypeAlias = Callable[[Floats], Floats]
"""From (b, s) weights of s subjects to (b, m) values of m figures; NaN where a figure is undefined."""

FEWEST_SUBJECTS: Final = 5  # with fewer, drawing them anew says nothing of subjects not seen
_DEFINED: Final = 0.95  # of the draws; where a label is so rare that more lack it, an interval would mislead
_PERCENTILES: Final = (2.5, 97.5)
_CHUNK: Final = 1 << 22  # weights at a time, so that a large test set fits into memory


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """Draws of subjects.

    Attributes:
        codes: (n,) the subject of each face, 0 … s-1.
        count: draws.
        seed: the same seed gives the same draws.
    """

    codes: Ints
    count: int
    seed: int

    @property
    def subjects(self) -> int:
        """How many subjects there are, s."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    def apply(self, statistic: Statistic) -> Floats:
        """The statistic of each draw, (count, m)."""
        rng = np.random.default_rng(self.seed)
        subjects, parts = self.subjects, []
        step = max(_CHUNK // max(subjects, 1), 1)
        for start in range(0, self.count, step):
            drawn = min(step, self.count - start)
            weights = np.stack(
                [np.bincount(rng.integers(0, subjects, subjects), minlength=subjects) for _ in range(drawn)]
            )
            parts.append(statistic(weights.astype(np.float64)))
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: the figure; None where it is undefined.
        low, high: percentiles 2.5 and 97.5 of the draws; None where there are too few subjects or defined draws.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> list[float] | None:
        """Low and high, as JSON has them."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def subject_codes(subjects: NDArray[np.object_]) -> Ints:
    """(n,) subjects as integers 0 … s-1; a face without a subject (None, NaN or empty) is a subject of its own."""
    codes: Ints = pd.factorize(pd.Series(subjects, dtype=object).replace("", None))[0].astype(np.intp)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    return codes


def resample(subjects: NDArray[np.object_], count: int = 1000, seed: int = 0) -> Resamples:
    """Draws of the subjects of (n,) faces."""
    return Resamples(subject_codes(subjects), count, seed)


def by_subject(values: NDArray[np.bool_] | Floats, codes: Ints) -> Floats:
    """Sum (n, …) values of faces over each subject: (s, …)."""
    flat = values.reshape(len(values), -1)
    subjects = int(codes.max()) + 1 if len(codes) else 0
    sums = np.zeros((subjects, flat.shape[1]))
    for column in range(flat.shape[1]):
        sums[:, column] = np.bincount(codes, weights=flat[:, column], minlength=subjects)
    return sums.reshape(subjects, *values.shape[1:])


def estimate(statistic: Statistic, resamples: Resamples) -> list[Estimate]:
    """The m figures of a statistic, each with its interval."""
    values = statistic(np.ones((1, resamples.subjects)))[0]
    if resamples.count == 0 or resamples.subjects < FEWEST_SUBJECTS:
        return [Estimate(_known(value)) for value in values]
    found = []
    for value, draws in zip(values, resamples.apply(statistic).T, strict=True):
        defined = draws[np.isfinite(draws)]
        if np.isfinite(value) and len(defined) >= _DEFINED * len(draws):
            low, high = np.percentile(defined, _PERCENTILES)
            found.append(Estimate(float(value), float(low), float(high)))
        else:
            found.append(Estimate(_known(value)))
    return found


def difference(ours: Statistic, theirs: Statistic, resamples: Resamples) -> list[Estimate]:
    """The m figures of one model minus those of another on the same faces: each draw scores both.

    An interval without 0 says that the one is better on subjects like these.
    """

    def both(weights: Floats) -> Floats:
        return ours(weights) - theirs(weights)

    return estimate(both, resamples)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
