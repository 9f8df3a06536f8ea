"""The crops that the parity check runs on: given ones, or made-up ones that span what pixels can be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle_spec import InputSpec
from clef_rt.errors import BundleError

__all__ = ["made_up_crops", "read_crops"]

MAX_CROPS: Final = 512
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


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
        (n, S, S, C) uint8, the first 512 in order of name.

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
