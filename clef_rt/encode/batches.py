"""Batch sizes: those that an engine is made for, and how any number of crops becomes runs of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Profile", "Run", "encode_in_runs"]

Shape: TypeAlias = tuple[int, ...]


class Run(NamedTuple):
    """Crops from `start` to `stop`, run as a batch of `size`; what is more than the crops is padding."""

    start: int
    stop: int
    size: int


@dataclass(frozen=True, slots=True)
class Profile:
    """The batch sizes that an engine takes.

    Attributes:
        best: the one that it is tuned for.
        most: the largest.
    """

    best: int = 8
    most: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.best <= self.most:
            raise ValueError(f"1 ≤ best ≤ most; got {self.best} and {self.most}")

    def __str__(self) -> str:
        return f"1-{self.best}-{self.most}"

    @classmethod
    def up_to(cls, most: int) -> Profile:
        """The one for batches of 1 to `most`."""
        return cls(min(8, most), most)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that are run, ascending: powers of two, and the largest.

        Few of them, as each has buffers, kernels chosen for it and a CUDA graph of its own.
        """
        return (*(1 << i for i in range((self.most - 1).bit_length())), self.most)

    def fit(self, count: int) -> int:
        """The smallest size that holds so many crops, from 1 to `most`."""
        return next(size for size in self.sizes if size >= count)

    def runs(self, count: int) -> Iterator[Run]:
        """The runs that so many crops take."""
        for start in range(0, count, self.most):
            stop = min(start + self.most, count)
            yield Run(start, stop, self.fit(stop - start))

    def shapes(self, crop: Shape) -> tuple[Shape, Shape, Shape]:
        """The smallest, best and largest shape of a batch of such crops."""
        return (1, *crop), (self.best, *crop), (self.most, *crop)


def encode_in_runs(
    crops: NDArray[np.uint8],
    profile: Profile,
    dim: int,
    run: Callable[[NDArray[np.uint8], int], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Encode any number of crops in runs of bounded size.

    Args:
        crops: (n, S, S, C) uint8.
        profile: the sizes.
        dim: d.
        run: given up to `size` crops and that size, gives float32 embeddings, whose first rows are theirs; an engine
            of fixed sizes pads to it. It may give the same memory each time.

    Returns:
        (n, d) float32, not the engine's memory.
    """
    embeddings = np.empty((len(crops), dim), np.float32)
    for start, stop, size in profile.runs(len(crops)):
        embeddings[start:stop] = run(crops[start:stop], size)[: stop - start]
    return embeddings
