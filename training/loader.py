"""Batches, read ahead of the step that needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data import Examples

__all__ = ["Batch", "Loader"]


class Batch(NamedTuple):
    """What a step learns from: tensors of n rows each, NaN where unknown.

    Attributes:
        faces: (n, S, S, C) uint8.
        votes: (n, e) float32.
        aus: (n, k) float32, 0–1.
        intensities: (n, k) float32, 0–5.
        groups: (n,) int64: what makes two faces a positive pair.
        activities: (n,) int64.
    """

    faces: Tensor
    votes: Tensor
    aus: Tensor
    intensities: Tensor
    groups: Tensor
    activities: Tensor

    def to(self, device: torch.device) -> Batch:
        """On the device; from pinned memory without waiting."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Loader:
    """Reads batches in a thread, two ahead: the crops are in a file, and the page cache isn't always warm.

    Args:
        examples: the faces.
        groups: (n,) integers: what makes two faces a positive pair.
        activities: (n,) integers.
        pin: into page-locked memory, from which a GPU copies on its own.
    """

    def __init__(
        self, examples: Examples, *, groups: NDArray[np.int64], activities: NDArray[np.int64], pin: bool = False
    ) -> None:
        self._examples = examples
        self._groups, self._activities = groups, activities
        self._pin = pin

    def __call__(self, batches: Sequence[NDArray[np.int64]]) -> Iterator[Batch]:
        """The batches of these rows, in order."""
        with ThreadPoolExecutor(1, thread_name_prefix="clef-loader") as pool:
            ahead: deque[Future[Batch]] = deque()
            for rows in batches:
                ahead.append(pool.submit(self._read, rows))
                if len(ahead) > 2:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _read(self, rows: NDArray[np.int64]) -> Batch:
        found = self._examples
        arrays = (
            found.faces[rows],
            found.votes[rows],
            found.aus[rows],
            found.intensities[rows],
            self._groups[rows],
            self._activities[rows],
        )
        tensors = [torch.from_numpy(array) for array in arrays]
        return Batch(*(tensor.pin_memory() for tensor in tensors) if self._pin else tensors)
