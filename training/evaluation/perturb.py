"""Aligned crops made worse, one way at a time: light, focus, compression, size, noise, covering, and bad alignment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from clef_rt.align import face_template, similarity_transform

__all__ = ["PERTURBATIONS", "Faces8", "Perturbation"]

Faces8 = NDArray[np.uint8]
"""(n, S, S, C) uint8."""

_EYES, _MOUTH = 0.40, 0.75  # heights in the crop, shares of its side (`clef_rt.align.face_template`)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One way to make pictures worse.

    Attributes:
        title: what it is, for people.
        unit: of the levels.
        levels: from mild to strong (or dark to bright).
        unchanged: the level at which nothing is changed.
        apply: changed copies of faces at a level; the generator draws what is random.
    """

    title: str
    unit: str
    levels: tuple[float, ...]
    unchanged: float
    apply: Callable[[Faces8, float, np.random.Generator], Faces8]


def brighten(faces: Faces8, stops: float, rng: np.random.Generator) -> Faces8:
    """Exposure by stops: +1 is twice the light; what overflows is white."""
    return _bytes(faces.astype(np.float32) * 2**stops)


def stretch(faces: Faces8, factor: float, rng: np.random.Generator) -> Faces8:
    """Contrast about each face's own mean."""
    values = faces.astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    return _bytes(mean + factor * (values - mean))


def blur(faces: Faces8, sigma: float, rng: np.random.Generator) -> Faces8:
    """Gaussian blur; sigma in % of the crop's side."""
    pixels = sigma / 100 * faces.shape[1]
    return _bytes(gaussian_filter(faces.astype(np.float32), (0, pixels, pixels, 0), mode="nearest"))


def compress(faces: Faces8, quality: float, rng: np.random.Generator) -> Faces8:
    """JPEG of that quality, 0–100, and back."""

    def one(face: Faces8) -> Faces8:
        ok, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        if not ok:
            raise ValueError("a face can't be encoded as JPEG")
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)

    return _each(faces, one)


def shrink(faces: Faces8, side: float, rng: np.random.Generator) -> Faces8:
    """To a crop of that many pixels' side, and back: a face far away."""
    whole = faces.shape[1]

    def one(face: Faces8) -> Faces8:
        small = cv2.resize(face, (int(side), int(side)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (whole, whole), interpolation=cv2.INTER_LINEAR), np.uint8)

    return _each(faces, one)


def grain(faces: Faces8, deviation: float, rng: np.random.Generator) -> Faces8:
    """Additive Gaussian noise, deviation in grey levels of 255."""
    return _bytes(faces + rng.standard_normal(faces.shape, np.float32) * np.float32(deviation))


def cover_upper(faces: Faces8, share: float, rng: np.random.Generator) -> Faces8:
    """A bar over the eyes, of that share of the crop in %, in the crop's mean grey."""
    return _cover(faces, _EYES, share / 100)


def cover_lower(faces: Faces8, share: float, rng: np.random.Generator) -> Faces8:
    """A bar over the mouth, of that share of the crop in %, in the crop's mean grey."""
    return _cover(faces, _MOUTH, share / 100)


def turn(faces: Faces8, degrees: float, rng: np.random.Generator) -> Faces8:
    """In the plane, about the crop's middle; every other face the other way."""
    middle = (faces.shape[1] - 1) / 2
    signs = np.where(np.arange(len(faces)) % 2, -1, 1)
    matrices = [cv2.getRotationMatrix2D((middle, middle), float(sign * degrees), 1.0) for sign in signs]
    return _warp(faces, iter(matrices))


def misalign(faces: Faces8, error: float, rng: np.random.Generator) -> Faces8:
    """As if each of the five landmarks were off by that deviation, in % of the distance of the eyes."""
    template = face_template(faces.shape[1])
    eyes = float(template.points[1, 0] - template.points[0, 0])
    off = rng.normal(0, error / 100 * eyes / np.sqrt(2), (len(faces), 5, 2))  # the length of the error, not a side
    return _warp(faces, iter(similarity_transform(template.points + off, template)))


PERTURBATIONS: Final[dict[str, Perturbation]] = {
    "brightness": Perturbation("Exposure", "stops", (-3, -2, -1, 1, 2), 0, brighten),
    "contrast": Perturbation("Contrast", "×", (0.1, 0.25, 0.5, 1.5, 2.5), 1, stretch),
    "blur": Perturbation("Gaussian blur", "σ, % of the crop", (1, 2, 3, 5), 0, blur),
    "jpeg": Perturbation("JPEG", "quality", (50, 30, 15, 8, 4), 100, compress),
    "size": Perturbation("Size", "crop's side, px", (48, 32, 24, 16, 12), np.inf, shrink),
    "noise": Perturbation("Noise", "σ, of 255", (5, 10, 20, 40), 0, grain),
    "upper": Perturbation("Eyes covered", "% of the crop", (10, 20, 30), 0, cover_upper),
    "lower": Perturbation("Mouth covered", "% of the crop", (10, 20, 30), 0, cover_lower),
    "rotation": Perturbation("Turned in the plane", "°", (5, 10, 20, 30), 0, turn),
    "alignment": Perturbation("Landmarks off", "% of the eyes' distance", (3, 6, 12, 20), 0, misalign),
}
"""By name."""


def _cover(faces: Faces8, height: float, share: float) -> Faces8:
    side = faces.shape[1]
    top = round((height - share / 2) * side)
    covered = faces.copy()
    mean = faces.mean(axis=(1, 2), dtype=np.float32)
    covered[:, max(top, 0) : top + round(share * side)] = _bytes(mean)[:, None, None, :]
    return covered


def _warp(faces: Faces8, matrices: Iterator[NDArray[np.float64] | NDArray[np.float32]]) -> Faces8:
    side = faces.shape[1]
    return _each(
        faces,
        lambda face: np.asarray(
            cv2.warpAffine(face, next(matrices), (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8
        ),
    )


def _each(faces: Faces8, change: Callable[[Faces8], Faces8]) -> Faces8:
    """OpenCV drops the last axis of one channel."""
    if not len(faces):
        return faces.copy()
    return np.stack([change(face) for face in faces]).reshape(faces.shape)


def _bytes(values: NDArray[np.float32]) -> Faces8:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
