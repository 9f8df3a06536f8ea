"""Which cameras a stream has: its sources as URIs, each with a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from clef_rt.errors import ConfigError
from clef_rt.sources import SourceOptions, SourceUri, camera_name

__all__ = ["Source", "list_options", "list_sources", "name_cameras"]

Source = str | int | Path | SourceUri
"""What a user may name as a source."""

_LENGTH: Final = 64  # of a camera's name, at most


def list_sources(sources: Source | Sequence[Source]) -> list[SourceUri]:
    """One or several sources, as URIs.

    Raises:
        ConfigError: there is none.
        SourceError: one isn't written as a source.
    """
    several = [sources] if isinstance(sources, (str, int, Path, SourceUri)) else sources
    if not isinstance(several, Sequence):
        raise ConfigError(
            f"stream() takes sources, not {type(sources).__name__}.",
            "Give a camera's number, a URL or a file; for pixels there is Analyzer.analyze(image).",
        )
    if not several:
        raise ConfigError("There is no source.", "Give a camera's number, a URL, a file or a folder.")
    return [SourceUri.parse(source) for source in several]


def name_cameras(sources: Sequence[SourceUri], cameras: Sequence[str | None] | None) -> list[str]:
    """A name for each source, no two alike.

    Args:
        sources: what to name.
        cameras: the names given; None in place of one, or of all, makes it from the source: `front`, `front-2`.

    Raises:
        ConfigError: there are more or fewer names than sources, or two alike.
    """
    given = [None] * len(sources) if cameras is None else [cameras] if isinstance(cameras, str) else list(cameras)
    if len(given) != len(sources):
        raise ConfigError(f"{len(sources)} source(s) but {len(given)} camera name(s).", "Give one name a source.")
    taken = [name for name in given if name is not None]
    if twice := sorted({name for name in taken if taken.count(name) > 1}):
        raise ConfigError(f"Two cameras are called {', '.join(twice)}.", "Give each a name of its own.")
    names: list[str] = []
    for source, name in zip(sources, given, strict=True):
        names.append(_unique(camera_name(source), {*names, *taken}) if name is None else name)
    return names


def list_options(count: int, options: SourceOptions | Sequence[SourceOptions] | None) -> list[SourceOptions]:
    """The options of each of `count` sources.

    Raises:
        ConfigError: there are more or fewer.
    """
    if options is None or isinstance(options, SourceOptions):
        return [options or SourceOptions()] * count
    if len(options) != count:
        raise ConfigError(f"{count} source(s) but options for {len(options)}.", "Give options for each.")
    return list(options)


def _unique(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        ending = f"-{number}"
        candidate = name[: _LENGTH - len(ending)] + ending
    return candidate
