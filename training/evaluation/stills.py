"""Photographs played as video: what a camera would send that looks at somebody who doesn't move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.frame import Frame
from clef_rt.picture import Picture

__all__ = ["FPS", "Image", "as_frames", "cross_fade", "noisy_video", "photographs"]

Image = NDArray[np.uint8]
"""(H, W, 3) BGR uint8."""

FPS: Final = 30
_LONGEST: Final = 960  # px, as a camera's picture would be
_SUFFIXES: Final = (".jpg", ".jpeg", ".png")
_NOISE: Final = 4.0  # grey levels of 255: a webcam's in a room in the evening
_QUALITY: Final = 80
_GREY: Final = 110


def photographs(folders: Iterable[Path] = ()) -> dict[str, Image]:
    """Photographs by name: those in folders, at any depth, and those that scikit-image and insightface install.

    Raises:
        OSError: a folder can't be read.
    """
    found: dict[str, Image] = {}
    try:
        from skimage import data

        found["scikit-image astronaut"] = np.ascontiguousarray(data.astronaut()[..., ::-1])
    except (ImportError, OSError):  # OSError: a version that fetches it, without a network
        pass
    try:
        import insightface

        installed = Path(insightface.__file__).parent / "data/images/t1.jpg"
        if (image := cv2.imread(str(installed))) is not None:
            found["insightface t1"] = np.asarray(image, np.uint8)
    except ImportError:
        pass
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in _SUFFIXES and (image := cv2.imread(str(path))) is not None:
                found[f"{path.parent.name}/{path.name}"] = np.asarray(image, np.uint8)
    return {name: _fitting(image) for name, image in found.items()}


def noisy_video(still: Image, frames: int, rng: np.random.Generator) -> Iterator[Image]:
    """A still as a camera films it: shaken by up to 1 px, with noise of the sensor, compressed as JPEG.

    Args:
        still: the photograph.
        frames: how many.
        rng: of shaking and noise.

    Yields:
        Pictures like the still.
    """
    height, width = still.shape[:2]
    for _ in range(frames):
        x, y = rng.uniform(-1, 1, 2)
        moved = cv2.warpAffine(
            still, np.array([[1, 0, x], [0, 1, y]]), (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        noise = rng.standard_normal(still.shape, np.float32) * np.float32(_NOISE)
        grainy = np.clip(np.rint(moved + noise), 0, 255).astype(np.uint8)
        _, data = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        yield np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def cross_fade(before: Image, after: Image, shares: Sequence[float]) -> Iterator[Image]:
    """From one aligned crop into another, each on a plain ground as a camera would see a head.

    Args:
        before: (S, S, C) uint8, luminance or RGB.
        after: another of the same shape.
        shares: of `after` in each frame, 0–1.

    Yields:
        (3 S, 4 S, 3) pictures, the crop in the middle at twice its size.
    """
    side = before.shape[0]
    for share in shares:
        mixed = (1 - share) * before.astype(np.float32) + share * after.astype(np.float32)
        face = cv2.resize(np.rint(mixed).astype(np.uint8), (2 * side, 2 * side), interpolation=cv2.INTER_CUBIC)
        face = cv2.cvtColor(face, cv2.COLOR_GRAY2BGR if face.ndim == 2 else cv2.COLOR_RGB2BGR)
        picture = np.full((3 * side, 4 * side, 3), _GREY, np.uint8)
        picture[side // 2 : side // 2 + 2 * side, side : 3 * side] = face
        yield picture


def as_frames(images: Iterable[Image], camera: str) -> Iterator[Frame]:
    """Pictures as frames of a camera at `FPS`."""
    for number, image in enumerate(images):
        at = round(number * 1e9 / FPS)
        yield Frame(camera, 0, number, Picture.from_array(np.ascontiguousarray(image)), at, at, at)


def _fitting(image: Image) -> Image:
    """At most so large, each side even."""
    scale = min(1.0, _LONGEST / max(image.shape[:2]))
    if scale == 1.0:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
