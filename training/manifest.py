"""The manifest: one table that says what is known of each picture. Datasets write it; everything after reads it.

| column | what |
| --- | --- |
| path | a file, `archive.zip!member` or `arrays.npz!index`, relative to the data folder |
| subject, sequence | who, and in which recording; splits never share a subject |
| frame | the picture's number within its sequence |
| activity | key of a sentence in `texts/activities.yaml`: what the subject was doing |
| split | train, val or test |
| `AU01` … | an Action Unit's probability, 0–1; empty where unknown |
| `neutral` … | an expression's share of the raters' votes; each row sums to 1, or is empty |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clef_rt.errors import ConfigError

__all__ = [
    "COLUMNS",
    "EXPRESSIONS",
    "SPLITS",
    "au_columns",
    "expression_columns",
    "labels",
    "read_manifest",
    "validate",
]

COLUMNS: Final = ("path", "subject", "sequence", "frame", "activity", "split")
SPLITS: Final = ("train", "val", "test")
EXPRESSIONS: Final = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
_AU = re.compile(r"AU\d\d(_[LR])?")


def au_columns(table: pd.DataFrame) -> list[str]:
    """The Action Unit columns, in ascending order."""
    return sorted(name for name in table.columns if _AU.fullmatch(str(name)))


def expression_columns(table: pd.DataFrame) -> list[str]:
    """The expression columns, in the order of `EXPRESSIONS`."""
    return [name for name in EXPRESSIONS if name in table.columns]


def labels(table: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    """Label columns as (rows, names) float32; NaN where unknown, also for columns that the table lacks."""
    return table.reindex(columns=list(names)).to_numpy(np.float32)


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest, CSV or Parquet, and validate it.

    Raises:
        ConfigError: it is missing, unreadable, or not a manifest.
    """
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such manifest.", "Make one with `python -m training prepare`.") from None
    except Exception as error:  # pandas' readers raise what their engines do
        raise ConfigError(f"{path} is no table: {str(error).splitlines()[0]}.") from None
    return validate(table, str(path))


def validate(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check a manifest; returns it.

    Raises:
        ConfigError: a column is missing, a value is out of range, or a subject is in two splits.
    """
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise ConfigError(f"{where}: the manifest has no column {', '.join(missing)}.")
    if unknown := sorted(set(table["split"]) - set(SPLITS)):
        raise ConfigError(f"{where}: split is {', '.join(map(str, unknown))}; it must be {', '.join(SPLITS)}.")
    scores = labels(table, [*au_columns(table), *expression_columns(table)])
    with np.errstate(invalid="ignore"):
        if np.any((scores < 0) | (scores > 1)):
            raise ConfigError(f"{where}: a label is outside of 0–1.")
    shares = labels(table, expression_columns(table)).sum(axis=1)
    if expression_columns(table) and np.any(np.abs(shares[np.isfinite(shares)] - 1) > 1e-3):
        raise ConfigError(f"{where}: the expressions of a row don't sum to 1.")
    known = table[table["subject"].notna()]
    if shared := sorted(known.groupby("subject")["split"].nunique().loc[lambda counts: counts > 1].index):
        raise ConfigError(f"{where}: subject {shared[0]} (and {len(shared) - 1} more) is in more than one split.")
    return table
