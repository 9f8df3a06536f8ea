"""A picture whose pixels are converted when, and only if, somebody asks for them.

A dropped frame then costs its decoding alone, and a luminance-only model never pays for colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

_PLANAR_YUV = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
_FULL_RANGE = frozenset({"yuvj420p", "yuvj422p", "yuvj444p"})
_TV, _PC = 1, 2  # libav's AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG

# Broadcast range 16–235 to 0–255, with what lies outside cut off.
_EXPAND: Final = np.clip(np.round((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)


class Picture:
    """Pixels, in the forms that the analyzer asks for. Use it from one thread at a time.

    Attributes:
        width: pixels.
        height: pixels.
    """

    __slots__ = ("_av", "_bgr", "_gray", "_turns", "height", "width")

    def __init__(self, *, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._av: av.VideoFrame | None = None
        self._bgr: NDArray[np.uint8] | None = None
        self._gray: NDArray[np.uint8] | None = None
        self._turns = 0  # quarter turns, counterclockwise, that set the decoded pixels upright

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
        """Wrap a decoded frame, without a copy or a conversion. It is shown upright, as its display matrix says."""
        turns = round(frame.rotation / 90) % 4
        width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
        picture = cls(width=width, height=height)
        picture._av = frame
        picture._turns = turns
        return picture

    def bgr(self) -> NDArray[np.uint8]:
        """The pixels as (H, W, 3) uint8 BGR; converted once."""
        if self._bgr is None:
            if self._av is not None:
                self._bgr = self._upright(np.asarray(self._av.to_ndarray(format="bgr24"), np.uint8))
            else:
                assert self._gray is not None
                self._bgr = np.repeat(self._gray[..., None], 3, axis=2)
        return self._bgr

    def gray(self) -> NDArray[np.uint8]:
        """The luminance as (H, W) uint8, full range 0–255; converted once. Read-only: it may be the decoder's own.

        Its weights are BT.601's, or those of the stream where that says otherwise (BT.709).
        """
        if self._gray is None:
            import cv2

            if self._av is None:
                self._gray = np.asarray(cv2.cvtColor(self.bgr(), cv2.COLOR_BGR2GRAY), np.uint8)
            elif self._av.format.name in _PLANAR_YUV:
                self._gray = self._upright(_luma(self._av))
            else:
                self._gray = self._upright(np.asarray(self._av.to_ndarray(format="gray"), np.uint8))
        return self._gray

    def _upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(np.rot90(pixels, self._turns)) if self._turns else pixels


def _luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    import cv2

    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(frame.height, plane.line_size)[:, : frame.width]
    name, color_range = frame.format.name, int(frame.color_range)
    # Unmarked pictures are in broadcast range, except plain grey ones, which come from image formats.
    if name in _FULL_RANGE or color_range == _PC or (name == "gray" and color_range != _TV):
        luma.flags.writeable = False  # the decoder may still predict from it
        return luma
    return np.asarray(cv2.LUT(luma, _EXPAND), np.uint8)  # 0.3 ms at 720p
