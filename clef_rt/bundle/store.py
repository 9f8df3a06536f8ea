"""Where pulled bundles are kept: `NAME.clef` in a folder of the cache, and beside it where it came from."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from clef_rt.bundle.spec import BUNDLE_NAME
from clef_rt.errors import BundleError, DownloadError
from clef_rt.files import cache_folder, whole_file

__all__ = ["Origin", "forget", "keep", "origin_of", "pulled_bundle", "pulled_bundles", "store_folder"]

SUFFIX: Final = ".clef"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a pulled bundle came from.

    Attributes:
        source: as `clef-rt models pull` was given it, without credentials.
        sha256: (hex) of the whole `.clef` file.
        pulled: the day, UTC, as 2026-01-31.
    """

    source: str
    sha256: str
    pulled: str


def store_folder() -> Path:
    """The folder of pulled bundles: `bundles` in `cache_folder()`. It need not exist."""
    return cache_folder() / "bundles"


def pulled_bundles() -> dict[str, Path]:
    """The pulled bundles' files by name."""
    found = sorted(store_folder().glob(f"*{SUFFIX}"))
    return {path.stem: path for path in found if re.fullmatch(BUNDLE_NAME, path.stem) and path.is_file()}


def pulled_bundle(name: str) -> Path | None:
    """The file of one; None where there is none, or `name` can't be a bundle's."""
    # Held against the pattern first, so that no name leads out of the folder.
    if not re.fullmatch(BUNDLE_NAME, name):
        return None
    path = store_folder() / f"{name}{SUFFIX}"
    return path if path.is_file() else None


def origin_of(name: str) -> Origin | None:
    """Where a pulled bundle came from; None where that isn't written down, or can't be read."""
    try:
        found = json.loads(_beside(name).read_text("utf-8"))
        texts = [found[key] for key in ("source", "sha256", "pulled")]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Origin(*texts) if all(isinstance(text, str) for text in texts) else None


def keep(draft: Path, name: str, origin: Origin) -> Path:
    """Move a checked file into the store; one of that name is replaced.

    Args:
        draft: in the same file system, so that it moves in one step.
        name: as in `BUNDLE_NAME`.
        origin: where it came from.

    Raises:
        DownloadError: the folder can't be written.
    """
    target = store_folder() / f"{name}{SUFFIX}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In this order a break leaves a bundle of unknown origin, not one of a wrong origin.
        _beside(name).unlink(missing_ok=True)
        os.replace(draft, target)
        with whole_file(_beside(name)) as file:
            file.write_text(json.dumps(asdict(origin), indent=1) + "\n", "utf-8")
    except OSError as error:
        raise DownloadError(
            f"{target}: can't be written: {error.strerror or error}.", "Set CLEF_RT_CACHE to another folder."
        ) from None
    return target


def forget(name: str) -> None:
    """Remove a pulled bundle.

    Raises:
        BundleError: there is none of that name, or it can't be removed.
    """
    path = pulled_bundle(name)
    if path is None:
        known = ", ".join(pulled_bundles())
        raise BundleError(f"No bundle {name[:200]!r} has been pulled.", f"Pulled are: {known}." if known else "")
    try:
        path.unlink()
        _beside(name).unlink(missing_ok=True)
    except OSError as error:
        raise BundleError(f"{path}: can't be removed: {error.strerror or error}.") from None


def _beside(name: str) -> Path:
    return store_folder() / f"{name}.json"
