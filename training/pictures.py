"""Read the picture that a manifest's path names.

| path | what |
| --- | --- |
| `file.jpg` | a picture |
| `archive.zip!member` | a picture in an archive |
| `arrays.npz!7` | one of the arrays' `images`, (n, H, W) or (n, H, W, 3) RGB uint8 |
| `video.avi!123` | a frame of a video; 0 is the first that the decoder gives |
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from training.videos import Video, number_of

__all__ = ["VIDEOS", "Channels", "PictureReader", "absent", "luminance", "split_path"]

Channels = Literal[1, 3]
"""1: luminance. 3: RGB."""

VIDEOS: Final = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
"""Files that a path with a `!` takes for videos."""
_FAILURES: Final = (OSError, KeyError, IndexError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)


def split_path(path: str) -> tuple[str, str | None]:
    """The file that a path is in, and what of it: a member, an index, a frame's number; None for the file itself."""
    container, bang, member = path.partition("!")
    holds = Path(container).suffix.lower() in VIDEOS | {".zip", ".npz"}
    return (container, member) if bang and holds else (path, None)


def luminance(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) of a picture that is that already, or (H, W, 3) RGB; uint8."""
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


class PictureReader:
    """Reads pictures, and keeps the last archive or video open: one at a time, so that memory stays bounded.

    Frames of one video are cheap in ascending order; a step back decodes it from its start again. Of an `.npz` the
    whole `images` is held.

    Args:
        root: the folder that paths are relative to.
        channels: 1 for luminance, 3 for RGB.
    """

    def __init__(self, root: Path, *, channels: Channels = 1) -> None:
        self._root = root
        self._channels = channels
        self._name = ""
        self._open: _Container | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive or video that is open; reading opens it again."""
        if self._open is not None:
            self._open.close()
        self._open, self._name = None, ""

    def read(self, path: str) -> NDArray[np.uint8]:
        """The picture, (H, W) or (H, W, 3) RGB uint8; turned upright as its file says.

        A picture that ends too early is refused. One that is damaged in its middle can't always be told: JPEG has no
        checksum.

        Raises:
            ConfigError: it is missing or can't be decoded; names the path.
        """
        container, member = split_path(path)
        try:
            if member is None:
                picture = _decode((self._root / container).read_bytes(), self._channels)
            else:
                picture = self._container(container).read(member, self._channels)
        except _FAILURES as error:
            why = str(error.args[0]) if isinstance(error, KeyError) and error.args else _reason(error)
            raise ConfigError(f"{path} can't be read: {why}.", f"Is {self._root} the data folder?") from None
        if picture is None or 0 in picture.shape:
            raise ConfigError(f"{path} can't be decoded.", "Fetch it anew, or take its row out of the manifest.")
        return picture

    def _container(self, name: str) -> _Container:
        if self._open is None or name != self._name:
            self.close()
            self._open, self._name = _open(self._root / name), name
        return self._open


def absent(paths: Sequence[str], root: Path) -> Iterator[tuple[int, str]]:
    """Those of a manifest's paths whose file, or whose member of an archive, isn't there; nothing is decoded.

    Args:
        paths: as the manifest has them.
        root: the folder that they are relative to.

    Yields:
        The row from 0, and why.
    """
    known: dict[str, bool] = {}
    members: tuple[str, frozenset[str]] = ("", frozenset())
    for row, path in enumerate(paths):
        container, member = split_path(path)
        if member is None:
            there = (root / container).is_file()
        else:
            if container not in known:
                known[container] = (root / container).is_file()
            there = known[container]
        if not there:
            yield row, f"{root / container} isn't there"
        elif member is not None and container.lower().endswith(".zip"):
            if members[0] != container:
                members = (container, _members(root / container))
            if members[1] and member not in members[1]:
                yield row, f"{container} has no member {member}"


def _members(path: Path) -> frozenset[str]:
    """The archive's members; none where it can't be opened: reading says why."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return frozenset()


class _Container(Protocol):
    def read(self, member: str, channels: Channels) -> NDArray[np.uint8] | None: ...

    def close(self) -> None: ...


def _open(path: Path) -> _Container:
    match path.suffix.lower():
        case ".zip":
            return _Zip(path)
        case ".npz":
            return _Arrays(path)
        case _:
            return Video(path)


class _Zip:
    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)

    def read(self, member: str, channels: Channels) -> NDArray[np.uint8] | None:
        return _decode(self._archive.read(member), channels)

    def close(self) -> None:
        self._archive.close()


class _Arrays:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file, np.load(file) as arrays:  # np.load leaves a damaged file open
            self._images: NDArray[np.uint8] = arrays["images"]
        if self._images.dtype != np.uint8 or self._images.shape[3:] not in ((), (3,)) or self._images.ndim < 3:
            raise ValueError(f"images is {self._images.shape} {self._images.dtype}; it must be (n, H, W) uint8")

    def read(self, member: str, channels: Channels) -> NDArray[np.uint8]:
        image = self._images[number_of(member)]
        if image.ndim == 2 and channels == 3:
            return np.repeat(image[..., None], 3, axis=2)
        return image if channels == 3 else luminance(image)

    def close(self) -> None:
        pass


def _decode(data: bytes, channels: Channels) -> NDArray[np.uint8] | None:
    mode = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), mode) if data else None
    except cv2.error:  # larger than OpenCV takes
        return None
    if picture is None:
        return None
    return np.asarray(picture if channels == 1 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _reason(error: BaseException) -> str:
    """An error's cause, without the errno and the path that Python adds."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).rstrip(".")
