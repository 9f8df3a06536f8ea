"""A loss that is no number, told by the pictures it came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd

from clef_rt.errors import ConfigError
from training.data import Examples
from training.loop import Broken

__all__ = ["BATCH", "naming_rows"]

BATCH: Final = "broken-batch.csv"


@contextmanager
def naming_rows(train: Examples, out: Path) -> Iterator[None]:
    """Turn `Broken` into an error that names the batch's pictures, all of which go into `broken-batch.csv`.

    Raises:
        ConfigError: a loss within was no number.
    """
    try:
        yield
    except Broken as broken:
        table = pd.DataFrame(
            {"row": broken.rows, "dataset": train.datasets[broken.rows], "path": train.paths[broken.rows]}
        )
        table.to_csv(out / BATCH, index=False)
        first = table.iloc[0]
        raise ConfigError(
            f"{broken} Its batch: row {first['row']} ({first['dataset']}, {first['path']}) and {len(table) - 1} more, "
            f"in {out / BATCH}.",
            "Try a lower --learning-rate, or --precision 32.",
        ) from None
