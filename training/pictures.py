"""Read the picture that a manifest's path names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import ConfigError

__all__ = ["PictureReader"]


class PictureReader:
    """Reads pictures as luminance; keeps the archives open.

    Args:
        root: the folder that paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._zips: dict[str, zipfile.ZipFile] = {}
        self._arrays: dict[str, NDArray[np.uint8]] = {}

    def read(self, path: str) -> NDArray[np.uint8]:
        """The picture, (H, W) uint8.

        Raises:
            ConfigError: it is missing or can't be decoded.
        """
        container, bang, member = path.partition("!")
        try:
            if container.endswith(".npz") and bang:
                return self._array(container)[int(member)]
            if bang:
                if container not in self._zips:
                    self._zips[container] = zipfile.ZipFile(self._root / container)
                data = self._zips[container].read(member)
            else:
                data = (self._root / container).read_bytes()
        except (OSError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{path} can't be read: {error}.", f"Is {self._root} the data folder?") from None
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
        if picture is None:
            raise ConfigError(f"{path} can't be decoded.", "Fetch it anew, or take its row out of the manifest.")
        return np.asarray(picture, np.uint8)

    def _array(self, name: str) -> NDArray[np.uint8]:
        if name not in self._arrays:
            with np.load(self._root / name) as arrays:
                self._arrays[name] = arrays["images"]
        return self._arrays[name]
