"""Prepared datasets joined: the faces and all that is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from training.crops import MIN_PRESENCE
from training.faces import Faces
from training.folds import by_fold
from training.manifest import EXPRESSIONS, au_columns, expression_columns, labels
from training.prepare import Prepared

__all__ = ["Examples", "load_examples"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Faces of one split.

    Attributes:
        faces: (n, S, S, C) uint8, read as they are asked for.
        votes: (n, e) float32, in the order of `expression_names`; NaN in the rows of which they aren't known.
        aus: (n, k) float32, 0–1, in the order of `au_names`; NaN where unknown.
        intensities: (n, k) float32, 0–5, in the same order; NaN where unknown.
        au_names: the Action Units that any dataset labels.
        expression_names: likewise the expressions.
        activities: what the subject was doing; None where unknown.
        subjects: who; None where unknown.
        datasets: its dataset's name.
        paths: its picture, as the manifest has it.
    """

    faces: Faces
    votes: NDArray[np.float32]
    aus: NDArray[np.float32]
    intensities: NDArray[np.float32]
    au_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    activities: NDArray[np.object_]
    subjects: NDArray[np.object_]
    datasets: NDArray[np.object_]
    paths: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def voted(self) -> NDArray[np.bool_]:
        """(n,): whose expression is known."""
        voted: NDArray[np.bool_] = np.asarray(np.isfinite(self.votes).any(axis=1))
        return voted

    @property
    def rated(self) -> tuple[str, ...]:
        """The Action Units whose intensity is known of any face."""
        known = np.asarray(np.isfinite(self.intensities).any(axis=0))
        return tuple(name for name, any_known in zip(self.au_names, known, strict=True) if any_known)

    def subset(self, rows: NDArray[Any]) -> Examples:
        """Just these rows."""
        own = np.arange(len(self))[rows]
        arrays = {
            field.name: value[own]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, faces=self.faces.subset(own), **arrays)

    def of(self, dataset: str) -> Examples:
        """Those of one dataset."""
        return self.subset(np.flatnonzero(self.datasets == dataset))


def load_examples(
    folders: Sequence[Path],
    split: str,
    *,
    fold: int | None = None,
    aus: Sequence[str] | None = None,
    expressions: Sequence[str] | None = None,
    side: int | None = None,
    distrusted: Sequence[str] = (),
) -> Examples:
    """Join one split of prepared folders.

    Args:
        folders: prepared datasets.
        split: train, val or test.
        fold: of datasets in folds: the one that is tested on.
        aus: the Action Units to take, a model's; by default all that any folder labels.
        expressions: the expressions to take, likewise.
        side: shrink the crops to it as they are read, px.
        distrusted: Action Units of which a teacher's labels aren't taken; a dataset's own are.

    Raises:
        ConfigError: a folder isn't prepared, sizes differ, there is no face of that split, a dataset in folds is
            given no fold, or a folder has votes for an expression that isn't among those to take.
    """
    sets = [Prepared.load(folder) for folder in folders]
    for what in ("size", "channels"):
        if len({getattr(prepared.facts, what) for prepared in sets}) > 1:
            found = ", ".join(f"{f} {getattr(p.facts, what)}" for f, p in zip(folders, sets, strict=True))
            raise ConfigError(f"The crops differ in {what}: {found}.", "Prepare them alike.")
    tables = [
        _in_fold(prepared.table, folder, fold).assign(dataset=prepared.facts.dataset)
        for prepared, folder in zip(sets, folders, strict=True)
    ]
    labelled = {name for table in tables for name in expression_columns(table)}
    if aus is None:
        aus = sorted({name for table in tables for name in au_columns(table)})
    if expressions is None:
        expressions = [name for name in EXPRESSIONS if name in labelled]
    elif expressions and (unknown := sorted(labelled - set(expressions))):  # one of Action Units alone needs none
        raise ConfigError(f"The model has no {', '.join(unknown)}, but the data has votes for it.")
    rows = [_rows(table, split) for table in tables]
    if not sum(map(len, rows)):
        raise ConfigError(f"There is no face of the split {split} in {', '.join(map(str, folders))}.")
    taught = [
        _without(table, distrusted) if prepared.facts.teacher else table
        for prepared, table in zip(sets, tables, strict=True)
    ]
    if side is not None and side > sets[0].facts.size:
        raise ConfigError(f"The crops are of {sets[0].facts.size} px, not {side}.", "Prepare larger ones.")
    chosen = pd.concat([table.iloc[own] for table, own in zip(taught, rows, strict=True)], ignore_index=True)
    return Examples(
        faces=Faces([(prepared.crops, own) for prepared, own in zip(sets, rows, strict=True)], side),
        votes=np.concatenate([_votes(table.iloc[own], expressions) for table, own in zip(tables, rows, strict=True)]),
        aus=labels(chosen, aus),
        intensities=labels(chosen, [f"{name}_intensity" for name in aus]),
        au_names=tuple(aus),
        expression_names=tuple(expressions),
        activities=_words(chosen["activity"]),
        subjects=_words(chosen["subject"]),
        datasets=_words(chosen["dataset"]),
        paths=_words(chosen["path"]),
    )


def _rows(table: pd.DataFrame, split: str) -> NDArray[np.int64]:
    """Of a split; what shows no face isn't learnt from, but is tested on all the same."""
    mine = (table["split"] == split).to_numpy()
    if split == "train" and "presence" in table.columns:
        mine = mine & ~(table["presence"] < MIN_PRESENCE).to_numpy()
    rows: NDArray[np.int64] = np.flatnonzero(mine)
    return rows


def _without(table: pd.DataFrame, aus: Sequence[str]) -> pd.DataFrame:
    """Without the labels of these Action Units: of a whole one with its sides, or of one side (`AU12_L`) alone."""
    gone = [name for name in au_columns(table) if name in aus or name.partition("_")[0] in aus]
    return table.assign(**dict.fromkeys(gone, np.nan))


def _in_fold(table: pd.DataFrame, folder: Path, fold: int | None) -> pd.DataFrame:
    folds = sorted(table["fold"].dropna().astype(int).unique()) if "fold" in table.columns else []
    if not folds:
        return table
    if fold is None:
        raise ConfigError(
            f"{folder} is in {len(folds)} folds.", f"Say which is tested on: --fold {folds[0]} … {folds[-1]}."
        )
    if fold not in folds:
        raise ConfigError(f"{folder} has no fold {fold}.", f"Choose {', '.join(map(str, folds))}.")
    return by_fold(table, fold)


def _votes(table: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    """The shares of the votes; a row that is known gave none to expressions that its dataset doesn't have."""
    votes = labels(table, names)
    known = np.isfinite(votes).any(axis=1, keepdims=True)
    return np.where(known, np.nan_to_num(votes), votes)


def _words(column: pd.Series) -> NDArray[np.object_]:
    words: NDArray[np.object_] = column.astype(object).where(column.notna(), None).to_numpy(object)
    return words
