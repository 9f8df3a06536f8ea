"""Scenes and videos with a real face in them: NASA's portrait of Eileen Collins, as scikit-image brings it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

SIZE = (640, 360)
FPS = 25

Place = tuple[float, float, float]
"""Where a head is: x and y of its centre and the side of its square, pixels. The face's box is half as high."""


def portrait() -> NDArray[np.uint8]:
    """(512, 512, 3) BGR uint8; skips the test where scikit-image isn't installed."""
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[..., ::-1])


def scene(places: Sequence[Place], size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A plain picture (H, W, 3) BGR with the head at each of the places; parts may lie outside."""
    head = portrait()[:230, 110:340]
    picture = np.full((size[1], size[0], 3), 96, np.uint8)
    for x, y, side in places:
        scale = side / 230
        small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else head
        matrix = np.array([[1, 0, x - side / 2], [0, 1, y - side / 2]])
        if scale >= 1:
            matrix[:, :2] *= scale
        cv2.warpAffine(small, matrix, size, dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
    return picture


def make_face_video(
    path: Path, where: Callable[[int], Sequence[Place]], *, frames: int = 30, size: tuple[int, int] = SIZE
) -> Path:
    """Encode a video at 25 fps with the head where `where` says for each frame."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "18"}
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(where(index), size), format="bgr24")
            frame.pts = index
            for packet in stream.encode(frame):
                output.mux(packet)
        for packet in stream.encode():
            output.mux(packet)
    return path


def head_crops(count: int, size: int = 32, channels: int = 1, seed: int = 0) -> NDArray[np.uint8]:
    """Crops (count, size, size, channels) of the head: from several places, at several scales, in several lights."""
    head = portrait()[:230, 110:340, ::-1]
    rng = np.random.default_rng(seed)
    crops = np.empty((count, size, size, channels), np.uint8)
    for crop in crops:
        side = int(rng.integers(110, 200))
        x, y = rng.integers(0, 230 - side, 2)
        cut = cv2.resize(head[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
        cut = np.clip(cut * rng.uniform(0.5, 1.3) + rng.uniform(-20, 40), 0, 255).astype(np.uint8)
        crop[:] = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)[:, :, None] if channels == 1 else cut
    return crops
