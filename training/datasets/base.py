"""What the adapters share: what one is, what it gives back, and how it finds and names files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from clef_rt.errors import ConfigError

__all__ = ["Dataset", "Framing", "ReadResult", "few", "find_home"]

Framing = Literal["tight", "frame"]
"""tight: the face fills most of the picture. frame: a whole frame, in which the face must be found."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadResult:
    """What an adapter read.

    Attributes:
        table: the manifest (`training.manifest`); its paths are relative to the folder that was given.
        notes: what differs from the published dataset, a line each: what is missing, unexpected or left out.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """An adapter.

    Attributes:
        name: as the command line and `texts/activities/<name>.yaml` call it.
        read: from the data folder to the manifest; raises ConfigError where the layout is another.
        framing: what its pictures show.
    """

    name: str
    read: Callable[[Path], ReadResult]
    framing: Framing


def find_home(root: Path, folders: Sequence[str], files: Sequence[str]) -> str:
    """Where below `root` a dataset lies: in `root` itself, or in one of `folders`.

    Args:
        root: the folder that the user gave.
        folders: usual names of the dataset's folder.
        files: files or folders that it must hold, all of them.

    Returns:
        The way from `root` to the dataset: empty, or the folder's name and a slash.

    Raises:
        ConfigError: none of these places has all the files; names the first that is missing.
    """
    homes = ["", *(f"{folder}/" for folder in folders)]
    for home in homes:
        if all((root / home / file).exists() for file in files):
            return home
    start = next((home for home in homes if any((root / home / file).exists() for file in files)), "")
    missing = next(file for file in files if not (root / start / file).exists())
    raise ConfigError(
        f"{root / start / missing} isn't there.",
        f"Give the folder that holds {' and '.join(files)}; docs/training.md has the layout.",
    )


def few(items: Iterable[object], limit: int = 5) -> str:
    """The first `limit` of some items, and how many more there are."""
    names = [str(item) for item in items]
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
