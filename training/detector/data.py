"""Photographs of faces with five landmarks each, and photographs without faces, for the detector."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks, iou
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.files import installed_file
from training.landmarks.data import PHOTOS

__all__ = ["HELD_OUT", "Faces", "Gray", "load_backgrounds", "load_faces", "read_photo"]

Gray = NDArray[np.uint8]

HELD_OUT: Final = ("skimage:brick.png", "skimage:coffee.png", "skimage:rocket.jpg", "sklearn:china.jpg")
"""Photographs without faces of which nothing is trained on; the first three are the landmark network's too."""
_BACKGROUNDS: Final = (
    # The cameraman has a face; the chessboard is drawn by `textures` in a thousand ways.
    *(f"skimage:{name}" for name in PHOTOS if name not in ("camera.png", "chessboard_GRAY.png")),
    "sklearn:flower.jpg",
)
_FOLDERS: Final = {
    "skimage": ("skimage", "data"),
    "sklearn": ("sklearn", "datasets/images"),
    "insightface": ("insightface", "data/images"),
    "matplotlib": ("matplotlib", "mpl-data/sample_data"),
}
_SURE: Final = 0.7  # the landmark network's presence
_AGREE: Final = 0.4  # IoU of its box with YuNet's; of a FERPlus face with the picture's middle


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of one labelled face each.

    Attributes:
        images: (H, W) uint8 each.
        landmarks: (n, 5, 2) float32, pixels of each.
    """

    images: list[Gray]
    landmarks: NDArray[np.float32]


def load_faces(data: Path, split: str, *, ferplus: int = 0, limit: int | None = None) -> Faces:
    """Photographs of one split (by subject), with the landmarks of our own landmark network.

    It looks where YuNet saw the face; pictures in which it isn't sure of one, or sees it elsewhere, are left out.

    Args:
        data: folder with `real_faces/real_faces.zip` and `ferplus/ferplus_48.npz`.
        split: train, val or test.
        ferplus: so many faces of FERPlus' training split are looked at as well.
        limit: read so many photographs only.
    """
    net = LandmarkNet()
    images: list[Gray] = []
    landmarks: list[NDArray[np.float32]] = []
    for picture, box in (*_real_faces(data, split, limit), *(_ferplus(data, ferplus) if ferplus else ())):
        [(points, presence)] = net.refine([picture], [box[None]], passes=2)
        if presence[0] >= _SURE and iou(box_from_landmarks(points), box[None])[0, 0] >= _AGREE:
            images.append(picture)
            landmarks.append(points[0])
    return Faces(images, np.array(landmarks, np.float32).reshape(-1, 5, 2))


def _real_faces(data: Path, split: str, limit: int | None) -> Iterator[tuple[Gray, NDArray[np.float32]]]:
    with zipfile.ZipFile(data / "real_faces" / "real_faces.zip") as archive:
        rows = [
            row for row in csv.DictReader(archive.read("labels.csv").decode().splitlines()) if row["split"] == split
        ]
        for row in rows[:limit]:
            if row["box"]:
                pixels = np.frombuffer(archive.read(f"images/{row['file']}"), np.uint8)
                yield np.asarray(cv2.imdecode(pixels, 0), np.uint8), np.array(row["box"].split(), np.float32)


def _ferplus(data: Path, count: int) -> Iterator[tuple[Gray, NDArray[np.float32]]]:
    arrays = np.load(data / "ferplus" / "ferplus_48.npz")
    pictures = arrays["images"]
    for index in np.random.default_rng(0).permutation(np.flatnonzero(arrays["split"] == 0))[:count]:
        yield pictures[index], np.array([5, 3, 38, 44], np.float32)


def load_backgrounds() -> list[Gray]:
    """Photographs without faces, as many as are installed.

    Raises:
        FileNotFoundError: none is.
    """
    found = [photo for name in _BACKGROUNDS if (photo := read_photo(name)) is not None]
    if not found:
        raise FileNotFoundError("photographs without faces: pip install scikit-image")
    return found


def read_photo(name: str, *, colour: bool = False) -> Gray | None:
    """A photograph that a package brought.

    Args:
        name: `package:file`.
        colour: in BGR rather than as luminance.

    Returns:
        (H, W) or (H, W, 3) uint8; None where it isn't installed.
    """
    package, _, file = name.partition(":")
    module, folder = _FOLDERS[package]
    path = installed_file(module, f"{folder}/{file}")
    return (
        None
        if path is None
        else np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE), np.uint8)
    )
