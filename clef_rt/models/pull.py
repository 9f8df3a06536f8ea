"""Pulling a bundle: fetched, checked whole, tried apart, and only then kept under its name.

name = pull("hf:owner/repo").name        # or an https:// address, a .clef file, a folder
analyzer = clef_rt.load(name)            # from then on by name, without the network
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clef_rt.bundle import DEFAULT, embedded_bundles, load_bundle
from clef_rt.bundle.spec import BUNDLE_NAME
from clef_rt.bundle.store import Origin, keep, origin_of, pulled_bundle, pulled_bundles, store_folder
from clef_rt.bundle.write import pack
from clef_rt.errors import BundleError, DownloadError
from clef_rt.files import sha256_of
from clef_rt.models.download import Patience, Watcher, download
from clef_rt.models.http_get import Remote
from clef_rt.models.part import discard
from clef_rt.models.source import parse_source, without_credentials
from clef_rt.models.trial import try_bundle

__all__ = ["DEFAULT_LIMIT", "Pulled", "pull"]

DEFAULT_LIMIT: Final = 1 << 30
"""Bytes that a bundle may have unless more is allowed."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What `pull` ended with.

    Attributes:
        name: as `clef_rt.load` takes it.
        path: the file in the store.
        origin: where it came from.
        new: False where it had been there before.
    """

    name: str
    path: Path
    origin: Origin
    new: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the user said of the bundle that is to be kept."""

    name: str | None
    sha256: str | None
    force: bool


class _Taken(BundleError):
    """The bundle is right; its name isn't free."""


def pull(
    source: str,
    *,
    name: str | None = None,
    sha256: str | None = None,
    force: bool = False,
    limit: int = DEFAULT_LIMIT,
    watcher: Watcher | None = None,
    patience: Patience | None = None,
) -> Pulled:
    """Fetch a bundle and keep it under a name that `clef_rt.load` takes. Nothing else fetches bundles.

    What has been pulled from the web before is there, and isn't fetched again without `force`.

    Args:
        source: as `parse_source` takes it.
        name: to keep it under; by default the model's own name.
        sha256: (hex) that the `.clef` file must have.
        force: fetch it anew, and replace a pulled bundle of that name.
        limit: bytes that it may have.
        watcher: is told how the download goes.
        patience: how long to try.

    Raises:
        BundleError: the source isn't one, the bundle isn't right or not the expected one, its encoder can't be run
            within bounds, or the name is taken.
        DownloadError: it can't be fetched. What has arrived is kept for the next call.
    """
    wanted = _Wanted(name, _read_sha256(sha256), force)
    if name is not None:
        _check_name(name)
    if there := _there_already(without_credentials(source), wanted):
        return there
    place = parse_source(source)
    if isinstance(place, Path):
        return _from_disk(place, wanted, limit)
    return _from_the_web(place, wanted, limit, watcher, patience)


def _from_disk(place: Path, wanted: _Wanted, limit: int) -> Pulled:
    if place.is_file() and place.stat().st_size > limit:
        raise BundleError(f"{place} is larger than {limit / 1e6:.0f} MB.", "Allow more with --max-mb if that is right.")
    draft = store_folder() / "parts" / f"{secrets.token_hex(8)}.clef"
    try:
        if place.is_dir():
            pack(place, draft)
        else:
            draft.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, draft)
        return _settle(draft, str(place.absolute()), wanted)
    except OSError as error:
        raise BundleError(f"{place} can't be copied to {draft.parent}: {error.strerror or error}.") from None
    finally:
        draft.unlink(missing_ok=True)


def _from_the_web(
    place: Remote, wanted: _Wanted, limit: int, watcher: Watcher | None, patience: Patience | None
) -> Pulled:
    part = store_folder() / "parts" / f"{hashlib.sha256(place.url.encode()).hexdigest()[:32]}.part"
    while True:
        received = download(place, part, limit=limit, watcher=watcher, patience=patience)
        try:
            promised = received.linked_sha256
            if re.fullmatch(r"[0-9a-f]{64}", promised) and promised != sha256_of(part):
                raise BundleError(f"{place.shown} isn't what the Hub says that it is.", "Try again later.")
            pulled = _settle(part, place.shown, wanted)
        except (_Taken, DownloadError):
            raise  # the part stays, for the same command with another --name or more room
        except BundleError:
            discard(part)
            if not received.resumed:
                raise
            continue  # the two halves may not have been of one file: once more, whole
        discard(part)
        return pulled


def _there_already(shown: str, wanted: _Wanted) -> Pulled | None:
    """The bundle that was pulled from there before, if it is what is wanted now."""
    if wanted.force:
        return None
    for name, path in pulled_bundles().items():
        origin = origin_of(name)
        if origin is None or origin.source != shown or wanted.name not in (None, name):
            continue
        if wanted.sha256 in (None, origin.sha256) and sha256_of(path) == origin.sha256:
            return Pulled(name, path, origin, new=False)
    if wanted.name is not None:
        _check_free(wanted.name)
    return None


def _settle(draft: Path, shown: str, wanted: _Wanted) -> Pulled:
    """Check a file and move it into the store."""
    origin = Origin(shown, sha256_of(draft), datetime.now(UTC).date().isoformat())
    if wanted.sha256 not in (None, origin.sha256):
        raise BundleError(
            f"{shown} has the sha256 {origin.sha256}, not the one that was given.", "Check both; it isn't kept."
        )
    try:
        bundle = load_bundle(draft)
        name = wanted.name or bundle.spec.name
        _check_name(name)
        there = pulled_bundle(name)
        if there and sha256_of(there) == origin.sha256:
            return Pulled(name, there, origin_of(name) or origin, new=False)
        if not wanted.force:
            _check_free(name)
        try_bundle(bundle)
    except BundleError as error:
        raise type(error)(error.what.replace(str(draft), shown), error.hint) from None
    return Pulled(name, keep(draft, name, origin), origin, new=True)


def _read_sha256(text: str | None) -> str | None:
    if text is None or re.fullmatch(r"[0-9a-f]{64}", text.lower()):
        return text.lower() if text else None
    raise BundleError(f"{text[:80]!r} is no sha256.", "Give all of its 64 hex digits.")


def _check_name(name: str) -> None:
    if not re.fullmatch(BUNDLE_NAME, name):
        raise BundleError(f"{name[:80]!r} can't name a bundle.", "Use a-z, 0-9, dots, dashes and underscores.")
    if name in embedded_bundles() or name == DEFAULT or name == "default":
        raise _Taken(f"{name} is the name of an embedded bundle.", "Keep it under another with --name.")


def _check_free(name: str) -> None:
    if pulled_bundle(name):
        origin = origin_of(name)
        came = f", from {origin.source}" if origin else ""
        raise _Taken(f"{name} is there already{came}.", "Replace it with --force, or keep both with --name.")
