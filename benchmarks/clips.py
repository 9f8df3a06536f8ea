"""Clips with an exact number of faces: copies of one photograph, each moving on its own.

The photographs are scikit-image's: NASA's portrait of Eileen Collins (public domain) before a cup of coffee (CC0),
which gives the detector edges to look at. Grain keeps the codec from skipping what stands still.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.scene import Pose, cells, pose
from clef_rt.errors import ClefError, MissingExtra
from clef_rt.files import cache_folder, installed_file, whole_file

__all__ = ["FPS", "SIZE", "make_clip", "pictures"]

SIZE: Final = (1280, 720)
FPS: Final = 30
_VERSION: Final = 1  # part of the file's name: raise it with any change of the contents
_CODEC: Final = {"preset": "veryfast", "bf": "0", "g": "30", "b": "4M", "maxrate": "4M", "bufsize": "4M"}  # a camera's
_CENTRE, _RADII = (224.0, 112.0), (97.0, 123.0)  # of head and neck in the portrait, pixels
_HEIGHT: Final = 0.41  # of head and neck, of the picture's: alike for 1 and 4 faces; smaller where cells are


def make_clip(faces: int, seconds: float, *, folder: Path | None = None) -> Path:
    """A 720p30 H.264 clip; made once and kept. It appears under its name only once it is whole.

    Args:
        faces: how many are in every frame, 1–9.
        seconds: its length.
        folder: where it is kept; the user's cache by default.

    Raises:
        MissingExtra: scikit-image isn't installed.
        ClefError: the folder can't be written, or this PyAV has no x264.
    """
    import av

    folder = folder or cache_folder() / "benchmarks"
    path = folder / f"faces{faces}-{SIZE[1]}p{FPS}-{seconds:g}s-v{_VERSION}.mp4"
    if path.is_file():
        return path
    photographs = _photograph("astronaut.png"), _photograph("coffee.png")
    try:
        with whole_file(path) as partial:
            _encode(pictures(faces, seconds, *photographs), partial)
    except (OSError, av.FFmpegError) as error:
        raise ClefError(
            f"The clip can't be made in {folder}: {error}.", "Set CLEF_RT_CACHE to another folder."
        ) from error
    return path


def pictures(
    faces: int, seconds: float, portrait: NDArray[np.uint8], scenery: NDArray[np.uint8]
) -> Iterator[NDArray[np.uint8]]:
    """The clip's pictures, (720, 1280, 3) uint8 BGR.

    Args:
        faces: how many.
        seconds: the clip's length.
        portrait: what moves, (H, W, 3) uint8 BGR.
        scenery: what is behind it, likewise; enlarged to the picture's width.
    """
    import cv2

    width, height = SIZE
    enlarged = cv2.resize(scenery, (width, width * scenery.shape[0] // scenery.shape[1]), interpolation=cv2.INTER_CUBIC)
    background = enlarged[:height]
    shares = cells(faces, width, height)
    scale = min(_HEIGHT * height, 2 * _HEIGHT * shares[0].height) / (2 * _RADII[1])
    mask = _mask(portrait.shape[:2])
    random = np.random.default_rng(faces)
    gray = random.normal(5, 2.5, (height + 64, width + 64)).clip(0, 255)
    grain = np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2)
    for index in range(round(seconds * FPS)):
        picture = np.array(background, np.uint8)
        for number, cell in enumerate(shares):
            _paste(picture, portrait, mask, pose(cell, number, index / FPS, seconds), scale)
        y, x = random.integers(0, 64, 2)
        yield np.asarray(cv2.add(picture, grain[y : y + height, x : x + width]), np.uint8)


def _paste(
    picture: NDArray[np.uint8], portrait: NDArray[np.uint8], mask: NDArray[np.float32], place: Pose, scale: float
) -> None:
    """Blend the portrait into a picture, in place; only the window around it is touched."""
    import cv2

    scale *= place.scale
    half = math.ceil(scale * math.hypot(*_RADII))
    left, top = max(round(place.x) - half, 0), max(round(place.y) - half, 0)
    window = picture[top : round(place.y) + half, left : round(place.x) + half]
    cos, sin = scale * math.cos(place.angle), scale * math.sin(place.angle)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0]])
    matrix[:, 2] = (place.x - left, place.y - top) - matrix[:, :2] @ _CENTRE
    size = (window.shape[1], window.shape[0])
    alpha = cv2.warpAffine(mask, matrix, size)[..., None]
    moved = cv2.warpAffine(portrait, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    window[:] = window + (moved.astype(np.float32) - window) * alpha


def _mask(shape: tuple[int, int]) -> NDArray[np.float32]:
    """1 on head and neck, falling to 0 at the edge of the ellipse around them."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot((x - _CENTRE[0]) / _RADII[0], (y - _CENTRE[1]) / _RADII[1])
    return np.asarray(np.clip((1 - radius) / 0.11, 0, 1), np.float32)


def _photograph(name: str) -> NDArray[np.uint8]:
    """One of scikit-image's, read where it lies: importing the package takes longer than all the rest."""
    import cv2

    file = installed_file("skimage", f"data/{name}")
    picture = cv2.imread(str(file)) if file is not None else None
    if picture is not None:
        return np.asarray(picture, np.uint8)
    raise MissingExtra("scikit-image, whose photographs the clips show,", "demo")


def _encode(frames: Iterator[NDArray[np.uint8]], path: Path) -> None:
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options=_CODEC)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
