"""Single images and folders of images."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from clef_rt.errors import SourceNotFound, SourceUnauthorized, SourceUndecodable
from clef_rt.frame import Frame
from clef_rt.picture import Picture
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._pace import Pace
from clef_rt.sources._stamp import Arrival, Stamper
from clef_rt.sources._uri import SourceUri

__all__ = ["IMAGE_SUFFIXES", "ImageSource", "images_in", "read_image"]

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

PLAY_FPS = 25.0


def read_image(path: Path) -> Picture:
    """Read an image file, turned upright as its EXIF data says.

    Raises:
        SourceNotFound: there is no such file.
        SourceUnauthorized: the system denies access to it.
        SourceUndecodable: it isn't an image, or it is damaged.
    """
    import cv2

    try:
        data = np.fromfile(path, np.uint8)  # imread can't open every name on Windows
    except PermissionError:
        raise SourceUnauthorized(f"The system denies access to {path}.", "Check the file's permissions.") from None
    except OSError:
        raise SourceNotFound(f"There is no {path}.", "Check the path.") from None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise SourceUndecodable(f"{path} can't be decoded as an image.", "Check that it is one, and complete.")
    return Picture.from_array(np.asarray(image, np.uint8))


def images_in(folder: Path) -> list[Path]:
    """The images of a folder, `2.png` before `10.png`.

    Raises:
        SourceNotFound: there is none.
        SourceUnauthorized: the system denies access to the folder.
    """
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    except PermissionError:
        raise SourceUnauthorized(f"The system denies access to {folder}.", "Check the permissions.") from None
    if not paths:
        raise SourceNotFound(f"{folder} holds no image.", f"Looked for {', '.join(IMAGE_SUFFIXES)}.")
    return sorted(paths, key=lambda path: _natural(path.name))


class ImageSource:
    """Images as a source: one, or a folder's, each a frame. See `Source`."""

    def __init__(self, path: Path, uri: SourceUri, camera: str, options: SourceOptions) -> None:
        self._folder = path.is_dir()
        self._paths = images_in(path) if self._folder else [path]
        # A lone image is read at once: what is wrong with it is wrong with the source.
        self._alone = None if self._folder else read_image(path)
        self._options = options
        self._closed = threading.Event()
        self._stamper = Stamper(camera, epoch=options.epoch, seq=options.seq, watch=False)
        self.uri = uri
        self.camera = camera
        self.live = options.realtime
        self.finite = True
        self.nominal_fps = options.fps if self._folder else None
        self.corrupt = 0

    def __iter__(self) -> Iterator[Frame]:
        """See `Source`."""
        fps = self._options.fps or PLAY_FPS
        while True:
            first, pace = self._stamper.seq, Pace(self._closed)
            for index, path in enumerate(self._paths):
                if self._options.realtime:
                    pace.wait(index / fps)
                if self._closed.is_set():
                    return
                arrival, begun = Arrival.now(), time.perf_counter()
                try:
                    picture = self._alone or read_image(path)
                except (SourceNotFound, SourceUnauthorized, SourceUndecodable):
                    self.corrupt += 1
                    continue
                yield self._stamper.frame(
                    picture,
                    pts_ns=round(index * 1e9 / self._options.fps) if self._options.fps else None,
                    arrival=arrival,
                    decode_ms=(time.perf_counter() - begun) * 1e3,
                )
            if self._stamper.seq == first:
                raise SourceUndecodable(f"{self.uri} holds no image that can be decoded.")
            if not self._options.loop:
                return
            self._stamper.next_epoch()

    def again(self) -> SourceOptions:
        """See `Source`."""
        return replace(self._options, epoch=self._stamper.epoch + 1, seq=self._stamper.seq)

    def close(self) -> None:
        """See `Source`."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"(\d+)|(\D+)", name.lower())
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in parts]
