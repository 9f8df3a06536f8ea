"""The crops of all faces of a tick, aligned, in one array as the encoder takes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clef_rt.align import Template, align_crops
from clef_rt.bundle.spec import InputSpec
from clef_rt.picture import Picture

__all__ = ["Cropper"]


class Cropper:
    """Cuts crops as a bundle's encoder wants them, into memory that is used again. Used by one thread.

    Args:
        spec: size, channels and template of the crops.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._template = Template(spec.size, np.array(spec.template, np.float32))
        self._channels = spec.channels
        self._buffer = self._of(8)

    def cut(
        self, pictures: Sequence[Picture], landmarks: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.uint8], list[list[int]]]:
        """Align the faces of several pictures.

        Args:
            pictures: where they are.
            landmarks: (n_i, 5, 2) float32 of each picture, pixels.

        Returns:
            (n, S, S, C) uint8, luminance or RGB, picture after picture; valid until the next call. And for each picture
            the indexes of its faces that are in it: those that can't be aligned are left out.
        """
        most = sum(map(len, landmarks))
        if most > len(self._buffer):
            self._buffer = self._of(2 * most)
        count = 0
        kept: list[list[int]] = []
        for picture, faces in zip(pictures, landmarks, strict=True):
            kept.append([])
            for index, face in enumerate(faces):
                pixels = picture.gray() if self._channels == 1 else picture.bgr()
                try:
                    align_crops(pixels, face, self._template, self._buffer[count : count + 1])
                except ValueError:  # landmarks in one place, or unlike a face's
                    continue
                kept[-1].append(index)
                count += 1
        crops = self._buffer[:count]
        if self._channels == 3:
            crops[:] = crops[..., ::-1]  # from BGR; numpy minds that they overlap
        return crops, kept

    def _of(self, faces: int) -> NDArray[np.uint8]:
        return np.zeros((faces, self._template.size, self._template.size, self._channels), np.uint8)
