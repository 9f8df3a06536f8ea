"""FERPlus: grey faces of 48 px (FER2013's pictures) with the votes of ten taggers (Barsoum et al., 2016).

```
fer2013.csv       FER2013's, from Kaggle: emotion, pixels, Usage
fer2013new.csv    FERPlus', from github.com/microsoft/FERPlus: Usage, Image name, and ten columns of votes, row by row
ferplus_48.npz    made from both the first time: images (n, 48, 48) uint8, votes (n, 10), vote_names, split (n,) of 0–2
```
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from clef_rt.files import whole_file
from training.datasets.base import Dataset, ReadResult, compare_counts, find_home, number_of, one_hot
from training.manifest import EXPRESSIONS

__all__ = ["FERPLUS", "FERPLUS_MAJORITY"]

PACKED: Final = "ferplus_48.npz"
PICTURES: Final = "fer2013.csv"
VOTES: Final = "fer2013new.csv"
_USAGES: Final = ("Training", "PublicTest", "PrivateTest")
_SPLITS: Final = np.array(["train", "val", "test"])
_VOTED: Final = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
_SIDE: Final = 48
_PUBLISHED: Final = {"pictures with a name": 35_714}
"""The rows of `fer2013new.csv` with an image's name; its authors took it from the other 173, which are no faces."""


def read(root: Path, *, majority: bool) -> ReadResult:
    """The manifest of FERPlus; the official Training, PublicTest and PrivateTest are train, val and test.

    Probability labels are the shares of the votes for the eight expressions. Emotions with a single vote are left
    out, as FERPlus' authors do against outliers. The pictures were gathered by searching for emotion words; those
    words aren't in the data, so the commonest vote stands in as the activity.

    Majority labels are 1 for the expression with most votes, 0 for the others; at a tie for the first in the order of
    the votes' columns. Votes for unknown and for no face don't count. Of FERPlus whole that keeps 28,559, 3,579 and
    3,573 pictures. It isn't the stricter rule in FERPlus' own code, over half of all votes that aren't single, which
    keeps 25,060, 3,199 and 3,153. There are no activities.

    In both, pictures that nobody gave an expression are left out. Subjects aren't known.

    Args:
        root: the folder that holds the files above, or the one that holds it as `ferplus`.
        majority: majority labels.

    Raises:
        ConfigError: a file is missing or isn't laid out so; names the row.
    """
    home, layout = find_home(root, ("ferplus", "FERPlus"), (PACKED,), (PICTURES, VOTES))
    file = root / home / PACKED
    notes = []
    if layout == 1:
        _pack(root / home / PICTURES, root / home / VOTES, file)
        notes.append(f"{file.name} made from {PICTURES} and {VOTES}")
    votes, split = _load(file)
    notes += compare_counts({"pictures with a name": len(votes)}, _PUBLISHED)
    rows = np.flatnonzero(votes.sum(axis=1) > 0)
    if len(rows) < len(votes):
        notes.append(f"{number_of(len(votes) - len(rows), 'picture')} that nobody gave an expression, left out")
    votes = votes[rows]
    table = pd.DataFrame(
        {
            "path": [f"{home}{PACKED}!{row}" for row in rows],
            "subject": None,
            "sequence": [f"ferplus-{row}" for row in rows],
            "frame": 0,
            "activity": None,
            "split": _SPLITS[split[rows]],
        }
    )
    if majority:
        names = [_VOTED[index] for index in votes.argmax(axis=1)]
        return ReadResult(table.assign(**one_hot(names, EXPRESSIONS)), tuple(notes))
    shares = _shares(votes[:, [_VOTED.index(name) for name in EXPRESSIONS]])
    table = table.assign(activity=np.array(EXPRESSIONS)[shares.argmax(axis=1)])
    return ReadResult(table.assign(**dict(zip(EXPRESSIONS, shares.T, strict=True))), tuple(notes))


def _shares(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, e) of votes to shares; without single votes, unless there are no others."""
    kept = np.where(votes > 1, votes, 0)
    kept = np.where(kept.sum(axis=1, keepdims=True) > 0, kept, votes)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True), np.float64)


def _load(file: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Votes (n, 8) in the order of `_VOTED`, and splits (n,) of 0–2."""
    try:
        with np.load(file) as arrays:
            votes, names, split = arrays["votes"], list(arrays["vote_names"]), arrays["split"]
            count = len(arrays["images"])
            order = [names.index(name) for name in _VOTED]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{file} isn't FERPlus: {error}.", "See docs/training.md for its layout.") from None
    if not len(votes) == len(split) == count or not np.isin(split, (0, 1, 2)).all():
        raise ConfigError(f"{file} isn't FERPlus: images, votes and split don't fit.", "See docs/training.md.")
    return votes[:, order].astype(np.float64), split.astype(np.int64)


def _pack(pictures: Path, votes: Path, out: Path) -> None:
    """Join FER2013's pictures and FERPlus' votes into one file."""
    table = _read_votes(votes)
    images = np.zeros((len(table), _SIDE, _SIDE), np.uint8)
    usages: list[str] = []
    try:
        with pd.read_csv(pictures, usecols=["pixels", "Usage"], dtype=str, chunksize=2000) as chunks:
            for chunk in chunks:
                for pixels, usage in zip(chunk["pixels"], chunk["Usage"], strict=True):
                    if len(usages) < len(images):
                        images[len(usages)] = _picture(str(pixels), f"{pictures}: row {len(usages)}")
                    usages.append(str(usage))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{pictures} isn't FER2013: {str(error).splitlines()[0]}.") from None
    hint = "Both must be as distributed: row by row the same pictures."
    if len(usages) != len(table):
        raise ConfigError(f"{pictures} has {len(usages):,} rows, but {votes} has {len(table):,}.", hint)
    if len(other := np.flatnonzero(np.array(usages) != table["Usage"].to_numpy(str))):
        raise ConfigError(f"Row {other[0]} of {pictures} and of {votes}: the Usage differs.", hint)
    named = np.flatnonzero(table["Image name"].notna())
    columns = [*_VOTED, "unknown", "NF"]
    with whole_file(out) as partial_file:
        np.savez_compressed(
            partial_file,
            images=images[named],
            votes=table[columns].to_numpy(np.uint8)[named],
            vote_names=np.array(columns),
            split=np.array([_USAGES.index(usages[row]) for row in named], np.int8),
        )


def _picture(pixels: str, where: str) -> NDArray[np.uint8]:
    """(48, 48) of 2,304 numbers."""
    try:
        return np.array(pixels.split()).astype(np.uint8).reshape(_SIDE, _SIDE)
    except (ValueError, OverflowError):
        raise ConfigError(f"{where}: the pixels aren't {_SIDE * _SIDE:,} numbers of 0–255.") from None


def _read_votes(file: Path) -> pd.DataFrame:
    columns = [*_VOTED, "unknown", "NF"]
    try:
        table = pd.read_csv(file)
        values = table[columns].to_numpy(np.float64)
        usages = table["Usage"]
        table["Image name"]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{file} isn't FERPlus: {error}.", "It comes from github.com/microsoft/FERPlus.") from None
    wrong = ~usages.isin(_USAGES).to_numpy() | ~np.isin(values, np.arange(11)).all(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(f"{file}: row {row}: the Usage or a number of votes is wrong.", "Votes are 0–10.")
    return table


FERPLUS: Final = Dataset("ferplus", partial(read, majority=False), "tight")
FERPLUS_MAJORITY: Final = Dataset("ferplus_majority", partial(read, majority=True), "tight")
