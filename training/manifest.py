"""The manifest: one table that says what is known of each picture. Datasets write it; everything after reads it.

| column | what |
| --- | --- |
| path | `file.jpg`, `archive.zip!member`, `arrays.npz!index` or `video.avi!frame`, relative to the data folder |
| subject, sequence | who, and in which recording; splits and folds never share a subject |
| frame | the picture's number within its sequence |
| activity | what the subject was doing: a key of the dataset's sentences (`texts/activities/`), or a sentence |
| split | train, val or test; may be empty where the row has a fold |
| fold | optional: 0, 1, …: the fold in which the subject is tested (`training.folds`) |
| `AU01` … | an Action Unit's probability, 0–1; empty where unknown |
| `AU01_intensity` … | its intensity, 0–5; empty where unknown |
| `neutral` … | an expression's share of the raters' votes; each row sums to 1, or is empty |
| box_x, box_y, box_w, box_h | optional: the face's box in pixels of the picture; empty where it must be found |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from clef_rt.errors import ConfigError

__all__ = [
    "BOX",
    "COLUMNS",
    "EXPRESSIONS",
    "SPLITS",
    "au_columns",
    "expression_columns",
    "intensity_columns",
    "labels",
    "read_manifest",
    "validate",
]

COLUMNS: Final = ("path", "subject", "sequence", "frame", "activity", "split")
SPLITS: Final = ("train", "val", "test")
EXPRESSIONS: Final = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
BOX: Final = ("box_x", "box_y", "box_w", "box_h")
_AU = re.compile(r"AU\d\d(_[LR])?")
_INTENSITY = re.compile(r"AU\d\d(_[LR])?_intensity")
_TEXTS: Final = dict.fromkeys(("path", "subject", "sequence", "activity", "split"), "str")  # "007" is no number


def au_columns(table: pd.DataFrame) -> list[str]:
    """The Action Units' occurrence columns, in ascending order."""
    return sorted(name for name in table.columns if _AU.fullmatch(str(name)))


def intensity_columns(table: pd.DataFrame) -> list[str]:
    """The Action Units' intensity columns, in ascending order."""
    return sorted(name for name in table.columns if _INTENSITY.fullmatch(str(name)))


def expression_columns(table: pd.DataFrame) -> list[str]:
    """The expression columns, in the order of `EXPRESSIONS`."""
    return [name for name in EXPRESSIONS if name in table.columns]


def labels(table: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    """Label columns as (rows, names) float32; NaN where unknown, also for columns that the table lacks."""
    return np.asarray(table.reindex(columns=list(names)).to_numpy(np.float32), np.float32)


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest, CSV or Parquet, and validate it.

    Raises:
        ConfigError: it is missing, unreadable, or not a manifest.
    """
    try:
        table = pd.read_csv(path, dtype=_TEXTS) if path.suffix == ".csv" else pd.read_parquet(path)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such manifest.", "Make one with `python -m training prepare`.") from None
    except Exception as error:  # pandas' readers raise what their engines do
        raise ConfigError(f"{path} is no table: {(str(error).splitlines() or [type(error).__name__])[0]}.") from None
    if path.suffix == ".csv" and not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus fields for an index
        raise ConfigError(f"{path}: row 0 has more fields than the header.", "Put a sentence with a comma in quotes.")
    return validate(table, str(path))


def validate(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check a manifest; returns it.

    Args:
        table: the manifest.
        where: its file or dataset, for the errors.

    Raises:
        ConfigError: it is empty, a column is missing, or a row is wrong: a path is empty or there twice, a label is
            out of range, the expressions don't sum to 1, the activity is empty where other rows have one, a split or
            fold is unknown, a subject is in two of them, or a box is none. Names the row, counted from 0, and its path.
    """
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise ConfigError(f"{where}: the manifest has no column {', '.join(missing)}.")
    if table.empty:
        raise ConfigError(f"{where}: the manifest has no rows.")
    _check_texts(table, where)
    _check_labels(table, where)
    _check_places(table, where)
    if any(name in table.columns for name in BOX):
        _check_boxes(table, where)
    return table


def _refuse(bad: ArrayLike, table: pd.DataFrame, where: str, what: str, hint: str = "") -> None:
    """Raise for the first row that is bad, if any is."""
    if rows := np.flatnonzero(bad).tolist():
        more = f" The same holds for {len(rows) - 1:,} more rows." if len(rows) > 1 else ""
        raise ConfigError(f"{where}: row {rows[0]} ({table['path'].iloc[rows[0]]}): {what}.{more}", hint)


def _blank(column: pd.Series) -> NDArray[np.bool_]:
    """(n,): which values are missing, or text of nothing but spaces."""
    return np.array([value is None or value != value or not str(value).strip() for value in column], bool)


def _check_texts(table: pd.DataFrame, where: str) -> None:
    _refuse(_blank(table["path"]), table, where, "the path is empty")
    twice = table["path"].duplicated().to_numpy()
    _refuse(twice, table, where, "the path is there twice", "Each picture has one row.")
    empty = table["activity"].isna().to_numpy()
    if not empty.all():
        hint = "Say what the subject was doing; or leave the whole column empty, if no activity is known."
        _refuse(_blank(table["activity"]), table, where, "the activity is empty, but other rows have one", hint)
        strange = np.array([not isinstance(value, str) for value in table["activity"]], bool)
        _refuse(strange, table, where, "the activity is no text")


def _check_labels(table: pd.DataFrame, where: str) -> None:
    for names, top in (((*au_columns(table), *expression_columns(table)), 1), (intensity_columns(table), 5)):
        for name in names:
            values = _numbers(table, name, where)
            with np.errstate(invalid="ignore"):
                bad = (values < 0) | (values > top)
            if bad.any():
                _refuse(bad, table, where, f"{name} is {values[bad][0]:g}; it must be 0–{top}, or empty if unknown")
    if names := expression_columns(table):
        shares = labels(table, names)
        known = np.isfinite(shares)
        _refuse(
            known.any(axis=1) & ~known.all(axis=1),
            table,
            where,
            "some expressions are empty, others aren't",
            "Give 0 to those that nobody voted for.",
        )
        wrong = np.abs(shares.sum(axis=1) - 1) > 1e-3  # False for NaN
        _refuse(wrong, table, where, "the expressions don't sum to 1")


def _numbers(table: pd.DataFrame, name: str, where: str) -> NDArray[np.float64]:
    """A column as (n,) float64; raises for a row that is no number."""
    values = np.asarray(pd.to_numeric(table[name], errors="coerce"), np.float64)
    wrong = np.isnan(values) & table[name].notna().to_numpy()
    if wrong.any():
        _refuse(wrong, table, where, f"{name} is {table[name][wrong].iloc[0]!r}, which is no number")
    return values


def _check_places(table: pd.DataFrame, where: str) -> None:
    """Splits and folds."""
    split = table["split"].where(~_blank(table["split"]))
    fold = _numbers(table, "fold", where) if "fold" in table.columns else np.full(len(table), np.nan)
    unknown = (split.notna() & ~split.isin(SPLITS)).to_numpy()
    if unknown.any():
        _refuse(unknown, table, where, f"split is {split[unknown].iloc[0]!r}; it must be {', '.join(SPLITS)}")
    with np.errstate(invalid="ignore"):
        bad = np.isfinite(fold) & ((fold < 0) | (fold != np.floor(fold))) | np.isinf(fold)
    _refuse(bad, table, where, "the fold must be 0, 1, 2, …")
    neither = split.isna().to_numpy() & np.isnan(fold)
    _refuse(neither, table, where, "the split is empty", f"Give {', '.join(SPLITS)}, or a fold.")
    nobody = _blank(table["subject"])
    _refuse(np.isfinite(fold) & nobody, table, where, "it has a fold, but no subject", "Folds are by subject.")
    for name, places in (("splits", split), ("folds", pd.Series(fold, index=table.index))):
        _check_apart(table, places, np.flatnonzero(~nobody & places.notna().to_numpy()), where, name)


def _check_apart(table: pd.DataFrame, places: pd.Series, known: NDArray[np.int64], where: str, what: str) -> None:
    """Raise where a subject is in two splits or folds; names the first row of the second."""
    subjects = table["subject"].iloc[known].reset_index(drop=True)
    own = places.iloc[known].reset_index(drop=True)
    first = own.groupby(subjects).transform("first")
    apart = np.flatnonzero(own != first)
    if not len(apart):
        return
    at, shared = apart[0], subjects.iloc[apart].nunique()
    more = f" The same holds for {shared - 1:,} more subjects." if shared > 1 else ""
    there, here = (f"{value:g}" if what == "folds" else value for value in (first[at], own[at]))
    row = known[at]
    raise ConfigError(
        f"{where}: row {row} ({table['path'].iloc[row]}): subject {subjects[at]} is in the {what} {there} and {here}."
        f"{more}",
        "A subject may be in one only: figures would be too good.",
    )


def _check_boxes(table: pd.DataFrame, where: str) -> None:
    if missing := [name for name in BOX if name not in table.columns]:
        raise ConfigError(f"{where}: the manifest has no column {', '.join(missing)}, but other parts of a box.")
    box = np.stack([_numbers(table, name, where) for name in BOX], axis=1)
    known = np.isfinite(box)
    hint = "Give x, y, width and height in pixels; or leave all four empty, and the face is found."
    _refuse(known.any(axis=1) & ~known.all(axis=1), table, where, "the box is incomplete", hint)
    with np.errstate(invalid="ignore"):
        _refuse((box[:, 2:] <= 0).any(axis=1), table, where, "the box has no size", hint)
