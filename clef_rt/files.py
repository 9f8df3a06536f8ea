"""Files in the user's cache, that appear only once they are whole; model files from the network; installed files."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import secrets
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from clef_rt.errors import ClefError

__all__ = ["cache_folder", "fetch", "installed_file", "sha256_of", "whole_file"]

_CHUNK = 1 << 16


def cache_folder() -> Path:
    """Where downloads are kept: `$CLEF_RT_CACHE`, or the platform's cache folder for clef-rt."""
    import platformdirs

    return Path(os.environ.get("CLEF_RT_CACHE") or platformdirs.user_cache_dir("clef-rt", appauthor=False))


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def installed_file(package: str, inside: str) -> Path | None:
    """A file that a package brought, found without importing the package; None where there is none.

    Args:
        package: its top module.
        inside: the path in it.
    """
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(root, inside)).is_file():
            return file
    return None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write, which takes that name at the end of the block, or goes if the block fails.

    So an interruption, or two processes at once, do no harm.

    Raises:
        OSError: the folder can't be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{path.suffix}")
    partial.touch(exist_ok=False)  # with the rights of any new file, so that others can read it
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def fetch(
    name: str,
    urls: Sequence[str],
    sha256: str,
    *,
    error: type[ClefError],
    hint: str,
    limit: int = 1 << 28,
    timeout: float = 20.0,
) -> Path:
    """The path of a file in the cache; downloaded first if it isn't there with the right contents.

    The file appears under its name only once it is whole and its hash is right, so an interrupted download or
    two processes at once do no harm.

    Args:
        name: file name in the cache.
        urls: where it may be had, tried in order; without credentials, as errors show them.
        sha256: what its contents must hash to.
        error: the class to raise.
        hint: how to get by without the download; for the error.
        limit: bytes that it may have at most.
        timeout: seconds without any data before an address is given up.

    Raises:
        ClefError: of the class `error`: no address gives the file, or the cache can't be written.
    """
    path = cache_folder() / name
    reasons = []
    try:
        if path.is_file() and sha256_of(path) == sha256:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            descriptor, partial = tempfile.mkstemp(prefix=f".{name}.", dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    found = _download(url, file, limit, timeout)
                if found == sha256:
                    Path(partial).replace(path)
                    return path
                reasons.append(f"{url}: unexpected contents (SHA-256 {found[:12]}…)")
            except (OSError, ValueError, HTTPException) as cause:
                reasons.append(f"{url}: {getattr(cause, 'reason', None) or cause or type(cause).__name__}")
            finally:
                Path(partial).unlink(missing_ok=True)
    except OSError as cause:
        raise error(
            f"{name} can't be kept in {path.parent}: {cause}.", "Set CLEF_RT_CACHE to another folder."
        ) from cause
    raise error(f"{name} can't be downloaded ({'; '.join(reasons)}).", hint)


def _download(url: str, file: BinaryIO, limit: int, timeout: float) -> str:
    digest, size = hashlib.sha256(), 0
    request = urllib.request.Request(url, headers={"User-Agent": "clef-rt"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        while chunk := response.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise ValueError(f"more than {limit} bytes")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
