"""The file of a kept engine: two lines of text, a mark and a JSON header with its key and hash, then the contents.

CLEF-RT engine cache 1
{"key": {"kind": "engine", "model": "…", …}, "sha256": "…", "size": 15728640}
<bytes>
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["MARK", "distrust", "parse_file", "read_key", "write_file"]

MARK: Final = b"CLEF-RT engine cache 1\n"
MAX_HEADER: Final = 1 << 14


def write_file(path: Path, key: Mapping[str, str], data: bytes) -> None:
    """Write one, for its user alone, and onto the disk.

    Raises:
        OSError: it can't be written.
    """
    header = {"key": dict(key), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    with path.open("wb") as file:
        path.chmod(0o600)
        file.write(MARK + json.dumps(header, sort_keys=True).encode() + b"\n")
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def parse_file(raw: bytes) -> tuple[dict[str, str], bytes]:
    """A file's key and contents.

    Raises:
        ValueError: it isn't whole, or isn't such a file; says in what way.
    """
    header, start = _parse_header(raw[: len(MARK) + MAX_HEADER])
    data = raw[start:]
    if len(data) != header.get("size"):
        raise ValueError(f"{len(data)} bytes instead of {header.get('size')}")
    if hashlib.sha256(data).hexdigest() != header.get("sha256"):
        raise ValueError("its contents don't have their hash")
    return dict(header["key"]), data


def _parse_header(raw: bytes) -> tuple[dict[str, Any], int]:
    """A file's header, and where its contents begin.

    Raises:
        ValueError: it is none of ours.
    """
    if not raw.startswith(MARK):
        raise ValueError("it doesn't begin as one of ours")
    end = raw.find(b"\n", len(MARK))
    if end < 0:
        raise ValueError("its header doesn't end")
    try:
        header = json.loads(raw[len(MARK) : end])  # its errors are ValueErrors, of the text's encoding as well
    except RecursionError:
        raise ValueError("its header isn't one of ours") from None
    if not isinstance(header, dict) or not isinstance(header.get("key"), dict):
        raise ValueError("its header isn't one of ours")
    return header, end + 1


def read_key(path: Path) -> dict[str, str]:
    """The key in a file's header; empty if it can't be read."""
    try:
        with path.open("rb") as file:
            header, _ = _parse_header(file.read(len(MARK) + MAX_HEADER))
    except (OSError, ValueError):
        return {}
    return dict(header["key"])


def distrust(path: Path) -> str:
    """Why a file isn't to be run; empty if nothing speaks against it."""
    if not hasattr(os, "geteuid"):  # Windows: the user's own cache folder is closed to others by its rights
        return ""
    for place in (path, path.parent):
        status = place.stat()
        if status.st_uid not in (0, os.geteuid()):
            return f"{place} belongs to another user"
        if status.st_mode & 0o022:
            return f"others may write to {place}; run: chmod go-w '{place}'"
    return ""
