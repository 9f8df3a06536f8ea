"""A picture whose pixels are converted when, and only if, somebody asks for them.

A dropped frame then costs its decoding alone, and a luminance-only model never pays for colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

_PLANAR_YUV = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
_FULL_RANGE = frozenset({"yuvj420p", "yuvj422p", "yuvj444p", "gray"})


class Picture:
    """Pixels, in the forms that the analyzer asks for. Use it from one thread at a time.

    Attributes:
        width: pixels.
        height: pixels.
    """

    __slots__ = ("_av", "_bgr", "_gray", "height", "width")

    def __init__(self, *, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._av: av.VideoFrame | None = None
        self._bgr: NDArray[np.uint8] | None = None
        self._gray: NDArray[np.uint8] | None = None

    @classmethod
    def from_array(cls, image: NDArray[np.uint8]) -> Picture:
        """Wrap an array, without a copy.

        Args:
            image: (H, W, 3) BGR or (H, W) luminance, uint8.

        Raises:
            ValueError: another shape or dtype.
        """
        if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
            raise ValueError(f"an image is (H, W, 3) or (H, W) uint8; got {image.shape} {image.dtype}")
        if 0 in image.shape:
            raise ValueError(f"an image has at least one pixel; got {image.shape}")
        picture = cls(width=image.shape[1], height=image.shape[0])
        if image.ndim == 2:
            picture._gray = image
        else:
            picture._bgr = image
        return picture

    @classmethod
    def from_av(cls, frame: av.VideoFrame) -> Picture:
        """Wrap a decoded frame, without a copy or a conversion."""
        picture = cls(width=frame.width, height=frame.height)
        picture._av = frame
        return picture

    def bgr(self) -> NDArray[np.uint8]:
        """The pixels as (H, W, 3) uint8 BGR; converted once."""
        if self._bgr is None:
            if self._av is not None:
                self._bgr = self._av.to_ndarray(format="bgr24")
            else:
                assert self._gray is not None
                self._bgr = np.repeat(self._gray[..., None], 3, axis=2)
        return self._bgr

    def gray(self) -> NDArray[np.uint8]:
        """The luminance (BT.601 weights) as (H, W) uint8, full range 0–255; converted once."""
        if self._gray is None:
            import cv2

            if self._av is None:
                self._gray = np.asarray(cv2.cvtColor(self.bgr(), cv2.COLOR_BGR2GRAY), dtype=np.uint8)
            elif self._av.format.name in _PLANAR_YUV:
                plane = self._av.planes[0]
                luma = np.frombuffer(plane, np.uint8).reshape(self.height, plane.line_size)[:, : self.width]
                if self._av.format.name in _FULL_RANGE or int(self._av.color_range) == 2:
                    self._gray = luma
                else:
                    # Broadcast range 16–235 to 0–255 in one saturating pass: 0.2 ms at 720p.
                    self._gray = np.asarray(cv2.convertScaleAbs(luma, alpha=255 / 219, beta=-16 * 255 / 219))
            else:
                self._gray = self._av.to_ndarray(format="gray")
        return self._gray
