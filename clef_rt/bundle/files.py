"""The files of a bundle, in a folder or in a zip archive that anybody may have made: listed and read within bounds."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from clef_rt.bundle.spec import FILE_NAME
from clef_rt.errors import BundleError

__all__ = ["BundleFiles", "FolderFiles", "ZipFiles", "digest", "open_files", "outside_weights", "read", "size_limit"]

MAX_FILES: Final = 33
MAX_DIRECTORY: Final = 1 << 20
MAX_ARCHIVE: Final = (1 << 32) - 2  # beyond it a zip needs its 64-bit form
MAX_RATIO: Final = 16  # weights hardly compress; zlib's bombs reach 1000
RATIO_SLACK: Final = 8 << 20  # a description and a card alone may shrink further
CHUNK: Final = 1 << 20

# What zipfile and zlib raise on damaged archives, found by fuzzing.
_ZIP_FAULTS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeError,
    ValueError,
    OverflowError,
    KeyError,
    IndexError,
)


class BundleFiles(Protocol):
    """Where a bundle's files lie. Nothing is held open between calls."""

    path: Path

    def sizes(self) -> dict[str, int]:
        """Each file's size in bytes by name. Raises BundleError on what no bundle may hold."""
        ...

    def chunks(self, name: str) -> Iterator[bytes]:
        """The contents of one file, in pieces of at most 1 MiB."""
        ...


def open_files(path: Path) -> BundleFiles:
    """The files of the folder or archive at `path`."""
    if path.is_dir():
        return FolderFiles(path)
    if path.is_file():
        return ZipFiles(path)
    raise BundleError(
        f"{path}: no such bundle.", "Give the bundle's folder, its .clef file, or a name that is embedded."
    )


def size_limit(name: str) -> int:
    """The most bytes that a file of this name may have.

    2 GiB for a graph (protobuf's own limit), 4 MiB for JSON (parsed, it can take 27 times as much), 64 MiB for others.
    """
    return {".onnx": (1 << 31) - 1, ".json": 4 << 20}.get(Path(name).suffix, 64 << 20)


def read(files: BundleFiles, name: str) -> bytes:
    """The whole of one file."""
    return b"".join(_bounded(files, name))


def digest(files: BundleFiles, name: str) -> str:
    """sha256 (hex) of one file, at 1 MiB of memory."""
    sha = hashlib.sha256()
    for chunk in _bounded(files, name):
        sha.update(chunk)
    return sha.hexdigest()


def outside_weights(graph: bytes) -> bool:
    """Whether an ONNX graph keeps weights in other files.

    Given bytes, onnxruntime looks for them in the working directory (1.20 to 1.31), where no hash covers them.
    """
    # Such a tensor has an entry of the key "location", its length 8 before it (in protobuf's longer forms of 8, a 0).
    return b"\x08location" in graph or b"\x00location" in graph


def _bounded(files: BundleFiles, name: str) -> Iterator[bytes]:
    # Counted as read: the size that a listing gave may be a lie, or out of date.
    left = size_limit(name)
    for chunk in files.chunks(name):
        left -= len(chunk)
        if left < 0:
            raise _too_large(files.path, name)
        yield chunk


def _too_large(path: Path, name: str) -> BundleError:
    limit = size_limit(name) >> 20
    return BundleError(f"{path}: {name} is larger than a bundle's file may be (about {limit} MiB).", "Fetch it anew.")


class _Listing:
    """Collects names and refuses what no bundle may hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes: dict[str, int] = {}

    def add(self, name: str, size: int, *, regular: bool) -> None:
        if not re.fullmatch(FILE_NAME, name):
            raise BundleError(
                f"{self.path}: {name!r} has no place in a bundle.", "Remove it, or fetch the bundle anew."
            )
        if not regular:
            raise BundleError(f"{self.path}: {name} is a link or folder, not a file.", "Put the file itself there.")
        if name in self.sizes:
            raise BundleError(f"{self.path}: {name} is there twice.", "Fetch the bundle anew.")
        if size > size_limit(name):
            raise _too_large(self.path, name)
        if len(self.sizes) == MAX_FILES:
            raise BundleError(f"{self.path}: more than {MAX_FILES} files.", "This is no bundle's folder or archive.")
        self.sizes[name] = size


class FolderFiles:
    """Files in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sizes(self) -> dict[str, int]:
        """See `BundleFiles.sizes`."""
        listing = _Listing(self.path)
        with self._faults(), os.scandir(self.path) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                listing.add(entry.name, status.st_size, regular=stat.S_ISREG(status.st_mode))
        return listing.sizes

    def chunks(self, name: str) -> Iterator[bytes]:
        """See `BundleFiles.chunks`."""
        # O_NOFOLLOW: it may have become a link since it was listed.
        flags = getattr(os, "O_NOFOLLOW", 0)
        with (
            self._faults(),
            open(self.path / name, "rb", opener=lambda path, mode: os.open(path, mode | flags)) as file,
        ):
            yield from _pieces(file)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            name = Path(error.filename).name if error.filename else "a file"
            raise BundleError(f"{self.path}: {name} can't be read: {error.strerror or error}.") from None


class ZipFiles:
    """Files in a `.clef` archive (zip)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sizes(self) -> dict[str, int]:
        """See `BundleFiles.sizes`."""
        listing = _Listing(self.path)
        with self._open() as archive:
            for info in archive.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archiver kept no mode
                regular = kind in (0, stat.S_IFREG) and not info.is_dir()
                # orig_filename: `filename` has been cut at a NUL and had its separators changed.
                listing.add(info.orig_filename, info.file_size, regular=regular)
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 0x1:
                    raise BundleError(
                        f"{self.path}: {info.filename} is encrypted or oddly compressed.", "Pack it anew."
                    )
            whole = self.path.stat().st_size
        if sum(listing.sizes.values()) > MAX_RATIO * whole + RATIO_SLACK:
            raise BundleError(f"{self.path} would unpack to far more than its {whole} bytes.", "Fetch it anew.")
        return listing.sizes

    def chunks(self, name: str) -> Iterator[bytes]:
        """See `BundleFiles.chunks`."""
        with self._open(name) as archive, archive.open(name) as file:
            yield from _pieces(file)

    @contextmanager
    def _open(self, name: str = "the archive") -> Iterator[zipfile.ZipFile]:
        try:
            with open(self.path, "rb") as file:
                _check_directory(file)
                with zipfile.ZipFile(file) as archive:
                    yield archive
        except OSError as error:
            raise BundleError(f"{self.path}: {name} can't be read: {error.strerror or error}.") from None
        except _ZIP_FAULTS as error:
            raise BundleError(f"{self.path}: {name} is damaged: {error}.", "Fetch the bundle anew.") from None


def _check_directory(file: IO[bytes]) -> None:
    """Refuse an archive whose directory zipfile would read into memory whole, however large it be."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_ARCHIVE:
        raise ValueError("it is larger than 4 GiB")
    file.seek(max(0, size - 42))
    tail = file.read(42)
    end = tail[-22:]
    if len(end) < 22 or end[:4] != b"PK\x05\x06" or end[20:] != b"\0\0":
        raise ValueError("it doesn't end as a zip archive without a comment does")
    entries, length = struct.unpack_from("<HI", end, 10)
    if tail[-42:-38] == b"PK\x06\x07" or entries > MAX_FILES or length > MAX_DIRECTORY:
        raise ValueError(f"its directory isn't one of at most {MAX_FILES} files")
    file.seek(0)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
