"""Which faces go into which batch: an epoch's batches are a function of the seed and the epoch's number alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sampler", "activity_batches", "balanced_batches", "group_shares", "numbered", "shuffled_batches"]

Rows = NDArray[np.int64]
Sampler = Callable[[int], list[Rows]]
"""From an epoch's number to its batches."""

_MOST_REPEATS: Final = 8.0


def shuffled_batches(count: int, batch: int, seed: int) -> Sampler:
    """Each of `count` rows once an epoch, in random order; a last short batch is left out."""

    def draw(epoch: int) -> list[Rows]:
        return _whole_batches(np.random.default_rng((seed, epoch)).permutation(count), batch)

    return draw


def balanced_batches(groups: NDArray[Any], batch: int, seed: int) -> Sampler:
    """As many rows an epoch as there are, each group equally often, but none more than eight times its size.

    Args:
        groups: (n,) integers.
        batch: rows a batch.
        seed: of the draws.
    """
    shares = group_shares(groups)
    weights = shares[groups] / np.bincount(groups)[groups]

    def draw(epoch: int) -> list[Rows]:
        rng = np.random.default_rng((seed, epoch))
        return _whole_batches(rng.choice(len(groups), len(groups), p=weights / weights.sum()), batch)

    return draw


def activity_batches(activities: NDArray[Any], subjects: NDArray[Any], batch: int, seed: int) -> Sampler:
    """Batches in which every face has a positive by another subject, and identity is no shortcut.

    A batch takes its subjects from one small pool. Each activity in it is shown by as many of them as there are, and
    the same subjects show the other activities, too: so faces of one subject are each other's negatives, and only what
    they do tells positives from negatives. Frames of one subject in one activity, near copies of each other, are taken
    one by one. (CLEF pairs by activity whoever the subject is; how it draws its batches isn't public.)

    Args:
        activities: (n,) integers.
        subjects: (n,) integers; a face of an unknown subject has a number of its own.
        batch: rows a batch.
        seed: of the draws.
    """
    kinds = np.unique(activities)
    shares = group_shares(activities)[kinds]
    cells = _cells(activities, subjects)
    people = {int(kind): np.unique(subjects[activities == kind]) for kind in kinds}
    everybody = np.unique(subjects)
    pool_size = min(len(everybody), max(2 * batch // len(kinds), 4))
    steps = max(len(activities) // batch, 1)

    def draw(epoch: int) -> list[Rows]:
        rng = np.random.default_rng((seed, epoch))
        return [one(rng) for _ in range(steps)]

    def one(rng: np.random.Generator) -> Rows:
        quotas = rng.multinomial(batch, shares / shares.sum())
        alone = quotas == 1  # a face without a partner teaches nothing
        quotas[np.argmax(quotas)] += alone.sum() - alone[np.argmax(quotas)]
        quotas[alone & (np.arange(len(quotas)) != np.argmax(quotas))] = 0
        pool = rng.choice(everybody, pool_size, replace=False)
        rows: list[int] = []
        for kind, quota in zip(kinds.tolist(), quotas.tolist(), strict=True):
            order = [int(person) for person in pool if (kind, int(person)) in cells]
            if len(order) < quota:  # then whoever else shows it
                others = rng.choice(people[kind], min(len(people[kind]), quota), replace=False)
                order += [int(person) for person in others if person not in order]
            rows += [int(rng.choice(cells[kind, order[number % len(order)]])) for number in range(quota)]
        return np.array(rows, np.int64)

    return draw


def group_shares(groups: NDArray[Any]) -> NDArray[np.float64]:
    """How many rows each group gets of an epoch's n: equally many, but none more than eight times its size.

    A few activities hold nearly all pictures; drawn as they come, most batches would hold no positive pair of the
    rare ones. Repeating those without end would teach their single pictures by heart.
    """
    counts = np.bincount(groups)
    equal = np.full(len(counts), len(groups) / max((counts > 0).sum(), 1))
    shares: NDArray[np.float64] = np.minimum(equal, counts * _MOST_REPEATS)
    return shares


def numbered(words: NDArray[np.object_]) -> Rows:
    """Words as numbers 0 … k−1; each None as a number of its own."""
    found = np.empty(len(words), np.int64)
    known = np.array([word is not None for word in words])
    names, numbers = np.unique(words[known].astype(str), return_inverse=True)
    found[known] = numbers
    found[~known] = len(names) + np.arange((~known).sum())
    return found


def _cells(activities: NDArray[Any], subjects: NDArray[Any]) -> dict[tuple[int, int], Rows]:
    """The rows of each activity by each subject."""
    order = np.lexsort((subjects, activities))
    pairs = np.stack([activities[order], subjects[order]], axis=1)
    cuts = np.flatnonzero((np.diff(pairs, axis=0) != 0).any(axis=1)) + 1
    return {(int(activities[run[0]]), int(subjects[run[0]])): run for run in np.split(order, cuts) if len(run)}


def _whole_batches(order: NDArray[Any], batch: int) -> list[Rows]:
    """Without the last short one; all in one where there are fewer than a batch."""
    if len(order) < batch:
        return [order.astype(np.int64)]
    return [order[start : start + batch].astype(np.int64) for start in range(0, len(order) - batch + 1, batch)]
