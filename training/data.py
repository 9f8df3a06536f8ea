"""Prepared datasets joined into arrays, and the batches drawn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from clef_rt.errors import ConfigError
from training.manifest import EXPRESSIONS, au_columns, expression_columns, labels
from training.prepare import Prepared

__all__ = ["Examples", "balanced_batches", "load_examples", "shuffled_batches"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Faces of one split.

    Attributes:
        faces: (n, S, S, C) uint8.
        votes: (n, e) float32, in the order of `expression_names`; NaN in the rows of which they aren't known.
        aus: (n, k) float32, 0–1, in the order of `au_names`; NaN where unknown.
        au_names: the Action Units that any dataset labels.
        expression_names: likewise the expressions.
        activities: the activity of each face.
        datasets: its dataset's name.
    """

    faces: NDArray[np.uint8]
    votes: NDArray[np.float32]
    aus: NDArray[np.float32]
    au_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    activities: NDArray[np.object_]
    datasets: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def voted(self) -> NDArray[np.bool_]:
        """(n,): whose expression is known."""
        return np.isfinite(self.votes).any(axis=1)

    def of(self, dataset: str) -> Examples:
        """Those of one dataset."""
        rows = np.flatnonzero(self.datasets == dataset)
        return Examples(
            self.faces[rows],
            self.votes[rows],
            self.aus[rows],
            self.au_names,
            self.expression_names,
            self.activities[rows],
            self.datasets[rows],
        )


def load_examples(
    folders: Sequence[Path],
    split: str,
    *,
    aus: Sequence[str] | None = None,
    expressions: Sequence[str] | None = None,
) -> Examples:
    """Join one split of prepared folders.

    Args:
        folders: prepared datasets.
        split: train, val or test.
        aus: the Action Units to take, a model's; by default all that any folder labels.
        expressions: the expressions to take, likewise.

    Raises:
        ConfigError: a folder isn't prepared, sizes differ, there is no face of that split, or a folder has votes for
            an expression that isn't among those to take.
    """
    sets = [Prepared.load(folder) for folder in folders]
    if len({prepared.facts.size for prepared in sets}) > 1:
        sizes = ", ".join(f"{f} {p.facts.size} px" for f, p in zip(folders, sets, strict=True))
        raise ConfigError(f"The crops differ in size: {sizes}.", "Prepare them with the same --size.")
    labelled = {name for prepared in sets for name in expression_columns(prepared.table)}
    if aus is None:
        aus = sorted({name for prepared in sets for name in au_columns(prepared.table)})
    if expressions is None:
        expressions = [name for name in EXPRESSIONS if name in labelled]
    elif unknown := sorted(labelled - set(expressions)):
        raise ConfigError(f"The model has no {', '.join(unknown)}, but the data has votes for it.")
    rows = [np.flatnonzero((prepared.table["split"] == split).to_numpy()) for prepared in sets]
    if not sum(map(len, rows)):
        raise ConfigError(f"There is no face of the split {split} in {', '.join(map(str, folders))}.")
    pairs = list(zip(sets, rows, strict=True))
    tables = [prepared.table.iloc[own] for prepared, own in pairs]
    return Examples(
        faces=np.concatenate([prepared.crops[own] for prepared, own in pairs]),
        votes=np.concatenate([_votes(table, expressions) for table in tables]),
        aus=np.concatenate([labels(table, aus) for table in tables]),
        au_names=tuple(aus),
        expression_names=tuple(expressions),
        activities=np.concatenate([table["activity"].to_numpy(object) for table in tables]),
        datasets=np.concatenate([np.full(len(own), prepared.facts.dataset, object) for prepared, own in pairs]),
    )


def _votes(table: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    """The shares of the votes; a row that is known gave none to expressions that its dataset doesn't have."""
    votes = labels(table, names)
    known = np.isfinite(votes).any(axis=1, keepdims=True)
    return np.where(known, np.nan_to_num(votes), votes)


def shuffled_batches(count: int, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """One epoch: each of `count` rows once, in random order; a last short batch is left out."""
    yield from _whole_batches(torch.randperm(count, generator=generator), batch)


def balanced_batches(groups: Tensor, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """One epoch of as many rows as there are, each group equally often but at most eight times its size.

    A few activities hold nearly all pictures; drawn as they come, most batches would hold no positive pair of the
    rare ones. Repeating those without end would teach their single pictures by heart.

    Args:
        groups: (n,) integers.
        batch: rows a batch.
        generator: draws.
    """
    counts = torch.bincount(groups)
    share = torch.minimum(torch.full(counts.shape, len(groups) / (counts > 0).sum().item()), counts * 8.0)
    weights = (share / counts.clamp(min=1))[groups]
    order = torch.multinomial(weights, len(groups), replacement=True, generator=generator)
    yield from _whole_batches(order, batch)


def _whole_batches(order: Tensor, batch: int) -> Sequence[Tensor]:
    """Without the last short one; all in one where there are fewer than a batch."""
    return order[: len(order) - len(order) % batch].split(batch) if len(order) >= batch else [order]
