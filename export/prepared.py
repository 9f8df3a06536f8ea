"""Crops with labels, from a folder that `python -m training prepare` wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clef_rt.bundle.spec import Groups, InputSpec
from clef_rt.errors import BundleError, ConfigError
from export.crops import Crops

__all__ = ["is_prepared", "prepared_crops"]


def is_prepared(path: Path) -> bool:
    """Whether a path is such a folder."""
    return (path / "prepared.json").is_file()


def prepared_crops(
    folder: Path, splits: tuple[str, ...], spec: InputSpec, groups: Groups, most: int, fold: int | None
) -> Crops:
    """At most so many crops of a split, evenly spread over it.

    Args:
        folder: the prepared folder.
        splits: train, val, test: the first of them that has faces is taken.
        spec: what the encoder takes; larger crops are shrunk.
        groups: the labels to look for.
        most: crops, at most.
        fold: of a dataset in folds: which one is tested on.

    Raises:
        BundleError: the crops have other channels.
        ConfigError: the folder is damaged, its crops are too small, or none of the splits has a face.
    """
    from training.data import load_examples

    examples, errors = None, []
    for split in splits:
        try:
            examples = load_examples(
                [folder],
                split,
                fold=fold,
                aus=[label.name for label in groups.au.labels],
                expressions=[label.name for label in groups.expression.labels],
                side=spec.size,
            )
            break
        except ConfigError as error:
            errors.append(error)
    if examples is None:
        raise errors[0]
    if examples.faces.shape[3] != spec.channels:
        raise BundleError(
            f"{folder}: crops of {examples.faces.shape[3]} channel(s); the encoder takes {spec.channels}.",
            "Prepare them as the checkpoint's were.",
        )
    rows = np.unique(np.linspace(0, len(examples) - 1, min(most, len(examples))).astype(np.int64))
    return Crops(
        faces=examples.faces[rows],
        source=f"{examples.datasets[0]}, split {split}",
        aus=examples.aus[rows],
        votes=examples.votes[rows],
    )
