"""The part of a file that has arrived, and what is kept beside it, so that the next attempt goes on there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from clef_rt.errors import DownloadError

__all__ = [
    "State", "append", "discard", "emptied", "kept", "opened", "read_state", "size_of", "unwritable", "write_state",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """What the part is of: the server's mark of that version, the size of the whole, the Hub's hash."""

    validator: str = ""
    total: int | None = None
    linked: str = ""


def discard(part: Path) -> None:
    """Remove a part and what is kept beside it."""
    part.unlink(missing_ok=True)
    _state_file(part).unlink(missing_ok=True)


def kept(size: int) -> str:
    """What of it stays, as a hint; "" for nothing."""
    return f"{size / 1e6:.1f} MB are kept: the same command goes on from there." if size else ""


def append(file: BinaryIO, chunk: bytes, folder: Path) -> None:
    """Write at the part's end.

    Raises:
        DownloadError: the disk can't take it.
    """
    view = memoryview(chunk)
    try:
        while view:
            view = view[file.write(view) :]  # unbuffered: it may take a part only
    except OSError as error:
        raise unwritable(folder, error, size_of(file)) from None


def unwritable(folder: Path, error: OSError, size: int = 0) -> DownloadError:
    """What to say of a folder that can't be written, with so many bytes there."""
    room = "Make room there, or set" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "Set"
    hint = f"{room} CLEF_RT_CACHE to another folder. {kept(size)}".strip()
    return DownloadError(f"{folder} can't be written: {error.strerror or error}.", hint)


def size_of(file: BinaryIO) -> int:
    """How many bytes have arrived."""
    return file.seek(0, os.SEEK_END)


def emptied(file: BinaryIO) -> int:
    """Throw all of it away; 0."""
    file.truncate(0)
    return 0


@contextmanager
def opened(part: Path) -> Iterator[BinaryIO]:
    """The part, for one process at a time."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        file = open(part, "ab", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise unwritable(part.parent, error) from None
    with file:
        try:
            _lock(file)
        except OSError:
            raise DownloadError("Another process is downloading this already.", "Wait for that one.") from None
        yield file


def _lock(file: BinaryIO) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two at once spoil each other's part, and the hashes tell
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the file, or with the process


def _state_file(part: Path) -> Path:
    return part.with_suffix(".json")


def read_state(part: Path) -> State:
    """What is known of the part; nothing where that can't be read."""
    try:
        state = State(**json.loads(_state_file(part).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return State()
    right = isinstance(state.validator, str) and isinstance(state.linked, str) and isinstance(state.total, int | None)
    return state if right else State()


def write_state(part: Path, state: State, size: int) -> None:
    """Keep it beside the part, of which so many bytes are there.

    Raises:
        DownloadError: the folder can't be written.
    """
    try:
        _state_file(part).write_text(json.dumps(asdict(state)), "utf-8")
    except OSError as error:
        raise unwritable(part.parent, error, size) from None
