"""What stage 2 is taught: which labels, of which faces, and how much each counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clef_rt.errors import ConfigError
from training.config import Stage2Settings
from training.data import Examples

__all__ = ["au_weights", "chosen_labels", "class_weights", "few_labels", "words_as_votes"]


def words_as_votes(examples: Examples, trust: float) -> Examples:
    """Faces without votes, but with an expression's word as activity, get votes: `trust` for it, the rest evenly.

    A word is one annotator's, and of press pictures often the caption's rather than the face's.
    """
    names = list(examples.expression_names)
    if not trust or not names:
        return examples
    words = np.array([names.index(word) if word in names else -1 for word in examples.activities], np.int64)
    rows = np.flatnonzero((words >= 0) & ~examples.voted)
    votes = examples.votes.copy()
    votes[rows] = (1 - trust) / len(names)
    votes[rows, words[rows]] += trust
    return replace(examples, votes=votes)


def chosen_labels(examples: Examples, options: Stage2Settings) -> Examples:
    """Without the kinds of labels and the expressions that aren't to be learnt; faces that showed just those go, too.

    Raises:
        ConfigError: an expression to leave out isn't in the data, or nothing is left to learn.
    """
    if unknown := sorted(set(options.leave_out) - set(examples.expression_names)):
        raise ConfigError(f"There is no {', '.join(unknown)} in the data to leave out.")
    kept = [
        column
        for column, name in enumerate(examples.expression_names)
        if name not in options.leave_out and options.only != "au"
    ]
    aus = slice(0, None) if options.only != "expression" else slice(0, 0)
    result = replace(
        examples,
        votes=_shares(examples.votes[:, kept]),
        expression_names=tuple(examples.expression_names[column] for column in kept),
        aus=examples.aus[:, aus],
        intensities=examples.intensities[:, aus],
        au_names=examples.au_names[aus],
    )
    gone = np.zeros(len(examples), bool)
    if options.leave_out:
        left_out = [examples.expression_names.index(name) for name in options.leave_out]
        gone = examples.voted & np.isin(np.nan_to_num(examples.votes).argmax(axis=1), left_out)
    known = result.voted | np.isfinite(result.aus).any(axis=1) | np.isfinite(result.intensities).any(axis=1)
    if not (known & ~gone).any():
        raise ConfigError("No face has a label to learn.", "Stage 2 needs expressions or Action Units.")
    return result.subset(np.flatnonzero(known & ~gone))


def few_labels(train: Examples, options: Stage2Settings, seed: int) -> Examples:
    """So many faces, or those of so many subjects, drawn at random by the seed.

    Raises:
        ConfigError: there aren't so many subjects.
    """
    rng = np.random.default_rng(seed)
    if options.labelled_subjects:
        people = np.array(sorted({subject for subject in train.subjects if subject is not None}))
        if len(people) < options.labelled_subjects:
            raise ConfigError(f"There are {len(people)} subjects to train on, not {options.labelled_subjects}.")
        chosen = rng.choice(people, options.labelled_subjects, replace=False)
        train = train.subset(np.flatnonzero(np.isin(train.subjects.astype(str), chosen)))
    if options.labelled and options.labelled < len(train):
        train = train.subset(np.sort(rng.choice(len(train), options.labelled, replace=False)))
    return train


def class_weights(votes: NDArray[np.float32]) -> Tensor:
    """(e,) float32: by the inverse root of how common a class is; 1 over the faces on average, 0 for absent ones.

    The root is a mean between no weights and equal classes, which would make a rare class's few pictures everything.
    """
    shares = np.nan_to_num(votes).sum(axis=0) / max(float(np.nan_to_num(votes).sum()), 1e-9)
    weights = np.where(shares > 0, 1 / np.sqrt(np.maximum(shares, 1e-9)), 0)
    return torch.from_numpy((weights / max(float((weights * shares).sum()), 1e-9)).astype(np.float32))


def au_weights(aus: NDArray[np.float32]) -> Tensor:
    """(k,) float32: by the inverse of how common an Action Unit is, 1 on average (ME-GraphAU's and JÂA-Net's way)."""
    rates = np.nanmean(np.where(np.isfinite(aus).any(axis=0), aus, 0.0), axis=0)
    inverse = 1 / np.clip(rates, 0.01, None)
    return torch.from_numpy((inverse * len(inverse) / inverse.sum()).astype(np.float32))


def _shares(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Votes that sum to 1 again; rows without any left are unknown."""
    sums = votes.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(votes, sums, out=np.full_like(votes, np.nan), where=sums > 0)
    return shares
