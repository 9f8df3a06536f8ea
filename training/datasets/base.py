"""What the adapters share: what one is, what it gives back, and how it finds, counts and compares."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from clef_rt.errors import ConfigError

__all__ = [
    "Dataset",
    "Framing",
    "ReadResult",
    "compare_counts",
    "compare_names",
    "draw_val",
    "few",
    "find_home",
    "follow",
    "keep_present",
    "list_pictures",
    "listed",
    "number_of",
    "one_hot",
]

T = TypeVar("T")
Framing = Literal["tight", "frame"]
"""tight: the face fills most of the picture. frame: a whole frame, in which the face must be found."""

_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


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
        framing: what its pictures show, where the manifest has no box.
    """

    name: str
    read: Callable[[Path], ReadResult]
    framing: Framing


def find_home(root: Path, folders: Sequence[str], *layouts: Sequence[str]) -> tuple[str, int]:
    """Where below `root` a dataset lies, in `root` itself or in one of `folders`, and how it is laid out.

    Args:
        root: the folder that the user gave.
        folders: usual names of the dataset's folder.
        layouts: for each way in which it is distributed, files or folders that it must hold, all of them.

    Returns:
        The way from `root` to the dataset, empty or the folder's name and a slash; and the layout's index.

    Raises:
        ConfigError: no place has all the files of a layout; names one that is missing where most are there.
    """
    places = [(home, index) for home in ("", *(f"{name}/" for name in folders)) for index in range(len(layouts))]
    missing = {
        (home, index): [file for file in layouts[index] if not (root / home / file).exists()] for home, index in places
    }
    best = max(places, key=lambda place: len(layouts[place[1]]) - len(missing[place]))
    for place in places:
        if not missing[place]:
            return place
    ways = ", or ".join(" and ".join(layout) for layout in layouts)
    raise ConfigError(
        f"{root / best[0] / missing[best][0]} isn't there.",
        f"Give the folder that holds {ways}; docs/training.md has the layout.",
    )


def list_pictures(root: Path, place: str) -> dict[str, str]:
    """The pictures of a folder and the folders in it, or of the archive `place.zip` where there is no such folder.

    Args:
        root: the folder that a manifest's paths are relative to.
        place: the folder's way from there.

    Returns:
        From each picture's way within the folder or archive to its path for a manifest; empty where there is neither.

    Raises:
        ConfigError: the archive can't be read.
    """
    if (root / place).is_dir():
        found: dict[str, str] = {}
        for folder, _, files in os.walk(root / place):
            inside = Path(folder).relative_to(root / place).as_posix()
            prefix = "" if inside == "." else f"{inside}/"
            found |= {prefix + name: f"{place}/{prefix}{name}" for name in files}
    elif (archive := root / f"{place}.zip").is_file():
        try:
            with zipfile.ZipFile(archive) as opened:
                names = opened.namelist()
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{archive} can't be read: {error}.", "Fetch it anew.") from None
        found = {name: f"{place}.zip!{name}" for name in names}
    else:
        return {}
    return {name: path for name, path in sorted(found.items()) if name.lower().endswith(_PICTURES)}


def keep_present(table: pd.DataFrame, present: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the rows whose picture isn't there.

    Args:
        table: a manifest.
        present: the paths that are there.

    Returns:
        The rows that stay, numbered from 0, and a note for each kind of difference.

    Raises:
        ConfigError: no row has its picture.
    """
    there = table["path"].isin(present).to_numpy()
    if not there.any():
        raise ConfigError(
            f"None of {len(table):,} labelled pictures is there, for example {table['path'].iloc[0]}.",
            "Are the pictures unpacked? docs/training.md has the layout.",
        )
    notes = []
    if not there.all():
        notes.append(listed(table["path"][~there].tolist(), "label", "without a picture, left out"))
    if spare := sorted(set(present) - set(table["path"])):
        notes.append(listed(spare, "picture", "without a label, left out"))
    return table[there].reset_index(drop=True), notes


def one_hot(labels: Iterable[str], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Expression columns of rows with one label each: 1 for it, 0 for the others; (n,) float32."""
    found = np.array(list(labels), object)
    return {name: (found == name).astype(np.float32) for name in names}


def draw_val(names: Iterable[str], share: float) -> NDArray[np.bool_]:
    """Draw about a share of pictures by their names' checksum: the same ones each time, whatever else is there.

    Args:
        names: of the pictures.
        share: 0–1.

    Returns:
        (n,): who is drawn.
    """
    return np.array([zlib.crc32(name.encode()) < share * 2**32 for name in names], bool)


def compare_names(what: str, found: Iterable[str], published: Iterable[str]) -> list[str]:
    """Notes on names, such as subjects, that are missing or unexpected; none where all is as published."""
    found, published = set(found), set(published)
    notes = []
    if missing := sorted(published - found):
        notes.append(f"{len(published):,} {what} published, {len(found & published):,} found; missing: {few(missing)}")
    if spare := sorted(found - published):
        notes.append(f"{what} that aren't published, left out: {few(spare)}")
    return notes


def compare_counts(found: Mapping[str, int], published: Mapping[str, int]) -> list[str]:
    """Notes on numbers that differ from the published ones, one for each name."""
    return [
        f"{name}: {count:,} published, {found.get(name, 0):,} found"
        for name, count in published.items()
        if found.get(name, 0) != count
    ]


def number_of(count: int, noun: str) -> str:
    """Such as 1 picture, or 2,000 pictures."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(items: Collection[object], noun: str, what: str) -> str:
    """Such as 7 pictures without a label: a.jpg, b.jpg, … and 2 more."""
    return f"{number_of(len(items), noun)} {what}: {few(items)}"


def follow(items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
    """The items, with a bar on stderr that goes when they are done.

    Args:
        items: what to go through.
        label: before the bar.
        total: how many they are, if they don't know themselves.
    """
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return track(items, description=label, total=total, transient=True, console=console, disable=hidden)


def few(items: Iterable[object], limit: int = 5) -> str:
    """The first `limit` of some items, and how many more there are."""
    names = [str(item) for item in items]
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
