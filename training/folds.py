"""Subject-exclusive folds: from a manifest with folds to train, val and test of one of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError

__all__ = ["by_fold", "draw_subjects"]


def by_fold(table: pd.DataFrame, fold: int, *, val_share: float = 0.15, seed: int = 0) -> pd.DataFrame:
    """The manifest with the splits of one fold.

    The fold's subjects become test. Of the others, whole subjects are drawn for val, the same ones for the same seed,
    and the rest train: so thresholds and epochs are never chosen on the test fold, and neither stage sees its subjects.

    Args:
        table: a manifest with the column `fold`.
        fold: which fold to test on.
        val_share: share of the remaining subjects for val, 0–1; at least one subject unless it is 0.
        seed: draws them.

    Returns:
        A copy; `split` is replaced, the rows and their order stay.

    Raises:
        ConfigError: the table has no folds, not this one, or rows outside of all folds, or too few subjects remain.
    """
    if "fold" not in table.columns or table["fold"].isna().all():
        raise ConfigError("The data has no folds.", "Leave the fold out: its splits are fixed.")
    if table["fold"].isna().any():
        row = int(np.flatnonzero(table["fold"].isna())[0])
        raise ConfigError(f"Row {row} ({table['path'].iloc[row]}) is in no fold, but others are.")
    folds = sorted({int(value) for value in table["fold"]})
    if fold not in folds:
        raise ConfigError(f"There is no fold {fold}.", f"There are {', '.join(map(str, folds))}.")
    tested = table["fold"] == fold
    rest = sorted(set(table.loc[~tested, "subject"]))
    val = draw_subjects(rest, val_share, seed)
    if len(val) >= len(rest):
        raise ConfigError(f"Beside fold {fold} there are {len(rest)} subjects: too few to train and validate.")
    split = np.where(tested, "test", np.where(table["subject"].isin(val), "val", "train"))
    return table.assign(split=split)


def draw_subjects(subjects: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """Draw about a share of subjects; at least one unless the share is 0. Their order doesn't matter.

    Args:
        subjects: their names.
        share: 0–1.
        seed: draws.
    """
    names = sorted(set(subjects))
    count = max(1, round(share * len(names))) if share > 0 and names else 0
    return frozenset(np.random.default_rng(seed).permutation(np.array(names, object))[:count].tolist())
