"""Packed crops of several datasets as one array, read from disk as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Faces"]


class Faces:
    """A view of rows of memory-mapped arrays, one after the other.

    Args:
        parts: crops (m, S, S, C) uint8 each, and which of their rows to take, (k,) integers.
        side: faces are shrunk to it as they are read, px; None for the crops' own.
    """

    def __init__(self, parts: Sequence[tuple[NDArray[np.uint8], NDArray[Any]]], side: int | None = None) -> None:
        self._side = side
        self._parts = [(crops, np.asarray(rows, np.int64)) for crops, rows in parts]
        self._starts = np.cumsum([0, *(len(rows) for _, rows in self._parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, S, S, C)."""
        _, side, _, channels = self._parts[0][0].shape
        side = self._side or side
        return (len(self), side, side, channels)

    def __getitem__(self, rows: slice | NDArray[Any] | Sequence[int]) -> NDArray[np.uint8]:
        """Read rows, (m, S, S, C) uint8.

        Raises:
            IndexError: a row isn't there.
        """
        wanted = np.arange(len(self))[rows]
        found = np.empty((len(wanted), *self._parts[0][0].shape[1:]), np.uint8)
        if len(self._parts) == 1 and len(wanted):  # the usual case, in one copy
            crops, own = self._parts[0]
            return self._sized(np.take(crops, own[wanted], axis=0, out=found, mode="clip"))
        owner = self._owner(wanted)
        for number, (crops, own) in enumerate(self._parts):
            mine = np.flatnonzero(owner == number)
            if len(mine):
                found[mine] = crops[own[wanted[mine] - self._starts[number]]]
        return self._sized(found)

    def subset(self, rows: NDArray[Any]) -> Faces:
        """Just these rows, in this order, as a view still."""
        wanted = np.arange(len(self))[rows]
        owner = self._owner(wanted)
        runs = np.split(np.arange(len(wanted)), np.flatnonzero(np.diff(owner)) + 1)  # of rows of the same array
        parts = []
        for run in runs:
            if len(run):
                crops, own = self._parts[owner[run[0]]]
                parts.append((crops, own[wanted[run] - self._starts[owner[run[0]]]]))
        return Faces(parts or [(self._parts[0][0], np.zeros(0, np.int64))], self._side)

    def mean_and_deviation(self, most: int = 4096) -> tuple[float, float]:
        """Of the light, in 0–1; over at most `most` faces, evenly spread."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).astype(np.int64))
        sample = self[rows]
        return float(sample.mean()) / 255, float(sample.std()) / 255

    def _sized(self, faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._side is None or self._side == faces.shape[1]:
            return faces
        small = np.empty((len(faces), self._side, self._side, faces.shape[3]), np.uint8)
        for face, out in zip(faces, small, strict=True):
            shrunk = cv2.resize(face, (self._side, self._side), interpolation=cv2.INTER_AREA)
            out[...] = shrunk.reshape(out.shape)
        return small

    def _owner(self, wanted: NDArray[Any]) -> NDArray[Any]:
        return np.searchsorted(self._starts, wanted, side="right") - 1
