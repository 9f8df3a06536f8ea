"""FERPlus: 35,710 grey faces of 48 px (FER2013's pictures) with the votes of ten taggers (Barsoum et al., 2016)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError
from training.datasets.base import Dataset, ReadResult
from training.manifest import EXPRESSIONS

__all__ = ["FERPLUS"]

FILE: Final = "ferplus/ferplus_48.npz"
_SPLITS: Final = np.array(["train", "val", "test"])  # the official Training, PublicTest, PrivateTest


def read(root: Path) -> ReadResult:
    """The manifest of FERPlus.

    Expressions are the shares of the votes for the eight of them; votes for "unknown" and "not a face" are left out,
    and so are emotions with a single vote, as FERPlus' authors do against outliers. The pictures were gathered by
    searching for emotion words; those words aren't in the data, so the commonest vote stands in as the activity.
    Subjects aren't known.

    Args:
        root: the folder that holds `ferplus/ferplus_48.npz`: `images` (n, 48, 48) uint8, `votes` (n, 10), `vote_names`
            and `split` (n,) of 0, 1, 2.

    Raises:
        ConfigError: the file is missing or isn't laid out so.
    """
    try:
        with np.load(root / FILE) as arrays:
            votes, names, split = arrays["votes"].astype(np.float64), list(arrays["vote_names"]), arrays["split"]
            order = [names.index(name) for name in EXPRESSIONS]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{root / FILE} isn't FERPlus: {error}.", "See docs/training.md for its layout.") from None
    votes = votes[:, order]
    kept = np.where(votes > 1, votes, 0)
    kept = np.where(kept.sum(axis=1, keepdims=True) > 0, kept, votes)
    rows = np.flatnonzero(kept.sum(axis=1) > 0)
    shares = kept[rows] / kept[rows].sum(axis=1, keepdims=True)
    table = pd.DataFrame(
        {
            "path": [f"{FILE}!{row}" for row in rows],
            "subject": None,
            "sequence": [f"ferplus-{row}" for row in rows],
            "frame": 0,
            "activity": np.array(EXPRESSIONS)[shares.argmax(axis=1)],
            "split": _SPLITS[split[rows]],
        }
    )
    return ReadResult(table.assign(**dict(zip(EXPRESSIONS, shares.T, strict=True))))


FERPLUS: Final = Dataset("ferplus", read, "tight")
