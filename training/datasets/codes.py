"""Tables of codes by frame, as people who code Action Units write them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError

__all__ = ["UNKNOWN", "read_codes"]

UNKNOWN: Final = 9


def read_codes(file: Path, allowed: Collection[int], *, header: bool = False) -> pd.DataFrame:
    """Read a table whose first column is the frame, and each other one a code.

    Args:
        file: comma-separated.
        allowed: the codes; 9, unknown, is allowed as well.
        header: whether the first row names the columns.

    Returns:
        float64 by frame number; NaN where unknown.

    Raises:
        ConfigError: it can't be read, has no codes, a frame is no number or there twice, or a code isn't allowed;
            names the file and the row, counted from 0 behind the header.
    """
    try:
        raw = pd.read_csv(file, header=0 if header else None, index_col=0, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise ConfigError(f"{file} can't be read: {str(error).splitlines()[0]}.") from None
    if not raw.shape[1]:
        raise ConfigError(f"{file} has a single column; it must have a frame and codes.")
    frames = pd.to_numeric(pd.Series(raw.index), errors="coerce").to_numpy(np.float64)
    if (wrong := frames != np.floor(frames)).any():  # NaN too
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(f"{file}: row {row}: {raw.index[row]} is no frame number.")
    if (again := pd.Series(frames).duplicated().to_numpy()).any():
        row = int(np.flatnonzero(again)[0])
        raise ConfigError(f"{file}: row {row}: frame {frames[row]:.0f} is there twice.")
    values = raw.apply(pd.to_numeric, errors="coerce")
    if (wrong := ~values.isin([*allowed, UNKNOWN]).to_numpy()).any():
        row, column = (int(found[0]) for found in np.nonzero(wrong))
        what = f"column {raw.columns[column]}" if header else "the code"
        raise ConfigError(
            f"{file}: row {row} (frame {frames[row]:.0f}): {what} is {raw.iloc[row, column]}; "
            f"it must be {', '.join(map(str, allowed))}, or {UNKNOWN} for unknown."
        )
    return values.mask(values == UNKNOWN).set_axis(frames.astype(np.int64), axis=0).astype(np.float64)
