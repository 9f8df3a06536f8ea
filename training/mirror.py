"""Mirrored faces, whose left is right: labels of one side change places."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.loader import Batch

__all__ = ["exchanged", "mirror_some"]

_OTHER = {"L": "R", "R": "L"}


def exchanged(names: Sequence[str]) -> list[int]:
    """For each Action Unit the column whose label it has in a mirrored face: `AU12_L` that of `AU12_R`.

    A side whose other isn't among the names keeps its place, which is wrong in a mirrored face: such names must not be
    mirrored (`mirror_some` doesn't).
    """
    order = list(names)
    columns = []
    for column, name in enumerate(order):
        base, _, side = name.partition("_")
        other = f"{base}_{_OTHER[side]}" if side in _OTHER else name
        columns.append(order.index(other) if other in order else column)
    return columns


def mirror_some(batch: Batch, names: Sequence[str]) -> Batch:
    """Mirror about half of the faces, by the host's default generator.

    Args:
        batch: n faces, (n, S, S, C) uint8, and their labels.
        names: of the Action Units in the labels' columns.

    Returns:
        A new batch; the same one where a side's label lacks its other.
    """
    columns = exchanged(names)
    if any("_" in name and columns[column] == column for column, name in enumerate(names)):
        return batch
    chosen = (torch.rand(len(batch.faces)) < 0.5).to(batch.faces.device, non_blocking=True)

    def put(own: Tensor, other: Tensor) -> Tensor:
        return torch.where(chosen.view(-1, *(1,) * (own.ndim - 1)), other, own)

    return batch._replace(
        faces=put(batch.faces, batch.faces.flip(2)),
        aus=put(batch.aus, batch.aus[:, columns]),
        intensities=put(batch.intensities, batch.intensities[:, columns]),
    )
