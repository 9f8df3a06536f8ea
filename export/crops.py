"""Aligned crops: given ones, or made-up ones that span what pixels can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.spec import Groups, InputSpec
from clef_rt.errors import BundleError

__all__ = ["MAX_CROPS", "Crops", "made_up_crops", "read_crops"]

MAX_CROPS: Final = 1024
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Aligned faces, and what is known of them.

    Attributes:
        faces: (n, S, S, C) uint8.
        source: where they are from, for the report.
        aus: (n, A) float32, 0–1, in the order of the bundle's Action Units; NaN where unknown.
        votes: (n, E) float32, by expression the share of the votes, likewise.
    """

    faces: NDArray[np.uint8]
    source: str
    aus: NDArray[np.float32]
    votes: NDArray[np.float32]

    @classmethod
    def unlabelled(cls, faces: NDArray[np.uint8], source: str, groups: Groups) -> Self:
        """Faces of which nothing is known."""
        unknown = (
            np.full((len(faces), len(group.labels)), np.nan, np.float32) for group in (groups.au, groups.expression)
        )
        return cls(faces, source, *unknown)


def made_up_crops(spec: InputSpec, count: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Noise from coarse to fine, of all contrasts, and black and white: (count, S, S, C) uint8."""
    import cv2

    rng = np.random.default_rng(seed)
    crops = np.empty((count, spec.size, spec.size, spec.channels), np.uint8)
    crops[0], crops[1:2] = 0, 255
    for i in range(2, count):
        grid = int(rng.choice([2, 4, 8, 16, spec.size]))
        low, high = np.sort(rng.uniform(0, 255, 2))
        coarse = rng.uniform(low, high, (grid, grid, spec.channels)).astype(np.float32)
        fine = cv2.resize(coarse, (spec.size, spec.size), interpolation=cv2.INTER_CUBIC)
        crops[i] = np.clip(fine, 0, 255).reshape(crops.shape[1:])
    return crops


def read_crops(path: Path, spec: InputSpec) -> NDArray[np.uint8]:
    """Aligned crops from an `.npy` file, or from a folder of images, which are resized to S.

    Returns:
        (n, S, S, C) uint8, the first 1024 in order of name.

    Raises:
        BundleError: there are none, or they are of another shape.
    """
    crops = _from_folder(path, spec) if path.is_dir() else _from_array(path)[:MAX_CROPS]
    wanted = (spec.size, spec.size, spec.channels)
    if crops.dtype != np.uint8 or crops.shape[1:] != wanted or len(crops) == 0:
        raise BundleError(f"{path}: {crops.dtype} {crops.shape}; crops are uint8 (n, {', '.join(map(str, wanted))}).")
    return crops


def _from_array(path: Path) -> NDArray[np.uint8]:
    try:
        loaded: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BundleError(f"{path} can't be read as an .npy file: {error}") from None
    if not isinstance(loaded, np.ndarray):
        raise BundleError(f"{path} holds several arrays.", "Give an .npy file of one.")
    return loaded


def _from_folder(folder: Path, spec: InputSpec) -> NDArray[np.uint8]:
    import cv2

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)[:MAX_CROPS]
    crops = np.empty((len(paths), spec.size, spec.size, spec.channels), np.uint8)
    for crop, path in zip(crops, paths, strict=True):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if spec.channels == 1 else cv2.IMREAD_COLOR)
        if image is None:
            raise BundleError(f"{path} is no image that can be read.")
        image = cv2.resize(image, (spec.size, spec.size), interpolation=cv2.INTER_AREA)
        crop[:] = image[:, :, None] if spec.channels == 1 else image[:, :, ::-1]
    return crops
