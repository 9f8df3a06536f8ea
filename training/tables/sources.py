"""The prepared folders that a table is made on: what each is for, and what must not be mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from clef_rt.errors import ConfigError
from training.config import Stage2Settings
from training.data import Examples, load_examples
from training.prepare import Prepared
from training.supervision import chosen_labels

__all__ = ["Activities", "Labelled", "choose", "open_activities", "open_labelled"]

Only = Literal["au", "expression"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A folder that stage 2 learns from and is tested on.

    Attributes:
        folder: prepared.
        only: which of its labels.
        dataset: its name.
        teacher: what labelled its Action Units; empty where people or a renderer did.
        train, val, test: labelled faces of each split.
        subjects: of the training faces; 0 where they aren't known.
        names: of its labels.
        shown: how many test faces show each expression; empty for Action Units.
        fold: of datasets in folds.
    """

    folder: Path
    only: Only
    dataset: str
    teacher: str
    train: int
    val: int
    test: int
    subjects: int
    names: tuple[str, ...]
    shown: dict[str, int]
    fold: int | None

    @property
    def title(self) -> str:
        """Of its column."""
        return f"{'Action Units' if self.only == 'au' else 'expressions'}, {self.dataset}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The expressions that test faces show."""
        return tuple(self.shown)

    @property
    def guess(self) -> tuple[str, float] | None:
        """What it is to be measured against: always the commonest expression; None for Action Units."""
        if self.only == "au":
            return None
        return "always the commonest", max(self.shown.values()) / sum(self.shown.values())


@dataclass(frozen=True, slots=True)
class Activities:
    """A folder that stage 1 learns from.

    Attributes:
        folder: prepared.
        dataset: its name.
        words: its activities.
        train, val: faces with an activity.
        subjects: of the training faces; 0 where they aren't known.
        fold: of datasets in folds.
    """

    folder: Path
    dataset: str
    words: tuple[str, ...]
    train: int
    val: int
    subjects: int
    fold: int | None


def open_labelled(folder: Path, only: Only, fold: int | None = None) -> Labelled:
    """Look into a labelled folder.

    Raises:
        ConfigError: it isn't prepared, a split is empty, or it lacks such labels.
    """
    facts = Prepared.load(folder).facts
    options = Stage2Settings(only=only)
    try:
        train, val, test = (
            chosen_labels(load_examples([folder], split, fold=fold), options) for split in ("train", "val", "test")
        )
    except ConfigError as error:
        raise ConfigError(f"{folder}: {error}") from None
    votes = test.votes[test.voted].argmax(axis=1) if test.expression_names else np.zeros(0, int)
    counts = np.bincount(votes, minlength=len(test.expression_names)).tolist()
    return Labelled(
        folder=folder,
        only=only,
        dataset=facts.dataset,
        teacher=facts.teacher if only == "au" else "",
        train=len(train),
        val=len(val),
        test=len(test),
        subjects=_people(train),
        names=train.au_names if only == "au" else train.expression_names,
        shown={name: count for name, count in zip(test.expression_names, counts, strict=True) if count},
        fold=fold,
    )


def open_activities(folder: Path, fold: int | None = None) -> Activities:
    """Look into a folder for stage 1.

    Raises:
        ConfigError: it isn't prepared, no face has an activity, or its activities are its own labels in disguise.
    """
    facts, train = Prepared.load(folder).facts, load_examples([folder], "train", fold=fold)
    known = np.array([word is not None for word in train.activities])
    if not known.any():
        raise ConfigError(f"{folder}: no training face has an activity.", "Stage 1 learns from nothing else.")
    _refuse_disguised_labels(folder, train)
    held = np.array([word is not None for word in load_examples([folder], "val", fold=fold).activities])
    return Activities(
        folder=folder,
        dataset=facts.dataset,
        words=tuple(sorted({str(word) for word in train.activities[known]})),
        train=int(known.sum()),
        val=int(held.sum()),
        subjects=_people(train),
        fold=fold,
    )


def choose(
    au_data: Sequence[Path],
    expression_data: Sequence[Path],
    activity_data: Path | None,
    au_activity_data: Path | None,
    fold: int | None,
) -> tuple[tuple[Labelled, ...], tuple[Activities, ...]]:
    """Open what was given: the labelled folders, and for each what stage 1 learns from.

    Args:
        au_data: folders with Action Units.
        expression_data: folders with expressions.
        activity_data: stage 1's, beside expressions.
        au_activity_data: stage 1's, beside Action Units; by default each folder's own activities.
        fold: of datasets in folds.

    Raises:
        ConfigError: a folder isn't what it is given for, they don't fit together, or stage 1 would see what is tested.
    """
    if not (au_data or expression_data):
        raise ConfigError("No labelled data is given.", "Give --au-data, --expression-data, or both.")
    given = (*au_data, *expression_data, activity_data, au_activity_data)
    _check_alike([folder for folder in given if folder is not None])
    labelled = [open_labelled(folder, "au", fold) for folder in au_data]
    labelled += [open_labelled(folder, "expression", fold) for folder in expression_data]
    activities = []
    for own in labelled:
        other = activity_data if own.only == "expression" else au_activity_data
        if other is None and own.only == "expression":
            raise ConfigError(f"Stage 1 beside {own.folder} has no data.", "Give --activity-data.")
        found = open_activities(other or own.folder, fold)
        _check_apart(found, own)
        activities.append(found)
    return tuple(labelled), tuple(activities)


def _check_alike(folders: Sequence[Path]) -> None:
    """See that stage 2 can start from stage 1's encoder.

    Raises:
        ConfigError: the crops differ in size or channels.
    """
    kinds = {folder: (own := Prepared.load(folder).facts).size * 10 + own.channels for folder in folders}
    if len(set(kinds.values())) > 1:
        found = ", ".join(f"{folder} {kind // 10} px × {kind % 10}" for folder, kind in kinds.items())
        raise ConfigError(f"The crops differ: {found}.", "Prepare all folders with one size, in colour or not.")


def _check_apart(activities: Activities, labelled: Labelled) -> None:
    """See that stage 1 sees no subject that is tested.

    Raises:
        ConfigError: it does.
    """
    if activities.folder == labelled.folder:
        return  # a manifest has no subject in two splits
    seen = _names(load_examples([activities.folder], "train", fold=activities.fold))
    tested = _names(load_examples([labelled.folder], "test", fold=labelled.fold))
    if both := sorted(seen & tested):
        raise ConfigError(
            f"{activities.folder} trains stage 1 on {len(both)} test subjects of {labelled.folder}, {both[0]} first.",
            "Give both the same splits.",
        )


def _refuse_disguised_labels(folder: Path, train: Examples) -> None:
    """FERPlus' activity, say, is its commonest vote: stage 1 would learn all labels, few-label rows included."""
    told = np.array([word in train.expression_names for word in train.activities]) & train.voted
    if not told.any():
        return
    votes = np.array(train.expression_names)[np.nan_to_num(train.votes[told]).argmax(axis=1)]
    if (votes == train.activities[told].astype(str)).mean() > 0.9:
        raise ConfigError(
            f"{folder}: its activities are its own expression labels.",
            "Stage 1 would learn what stage 2 is tested on; give another --activity-data.",
        )


def _people(examples: Examples) -> int:
    return len(_names(examples))


def _names(examples: Examples) -> set[str]:
    return {str(subject) for subject in examples.subjects if subject is not None}
