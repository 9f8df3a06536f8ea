"""What is behind the face: rooms with edges and shapes, more or less out of focus."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_background"]


def draw_background(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """A background at random: a gradient with soft patches, and on most of them a structure.

    Args:
        rng: its randomness.
        size: side, px.

    Returns:
        (size, size, 3) float32 sRGB 0–1.
    """
    corners = rng.uniform(0.05, 0.95) + rng.normal(0, 0.10, (2, 2, 1)) + rng.normal(0, 0.04, (2, 2, 3))
    patches = rng.normal(0, rng.uniform(0, 0.15), (6, 6, 1))
    image = cv2.resize(corners.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    image += cv2.resize(patches.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    if rng.random() < 0.65:
        drawing = (_boxes, _stripes, _discs, _grain)[int(rng.integers(4))]
        drawing(image, rng)
        if rng.random() < 0.3:
            _boxes(image, rng)
        focus = float(np.exp(rng.uniform(np.log(0.002), np.log(0.05))) * size)
        image = cv2.GaussianBlur(image, (0, 0), max(focus, 0.3))
    return np.asarray(np.clip(image, 0, 1), np.float32)


def _colour(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = np.clip(rng.uniform(0, 1) + rng.normal(0, 0.08, 3), 0, 1).tolist()
    return red, green, blue


def _boxes(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Windows, shelves, books, doors."""
    side = len(image)
    for _ in range(int(rng.integers(2, 9))):
        corner = (rng.uniform(-0.2, 1, 2) * side).astype(int)
        other = corner + (rng.uniform(0.05, 0.6, 2) * side).astype(int)
        width = -1 if rng.random() < 0.7 else max(int(side * rng.uniform(0.01, 0.04)), 1)
        cv2.rectangle(image, corner.tolist(), other.tolist(), _colour(rng), width)


def _stripes(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Blinds, panels, curtains."""
    side = len(image)
    angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    rows, columns = np.mgrid[:side, :side] / np.float32(side)
    phase = (np.cos(angle) * columns + np.sin(angle) * rows) * rng.uniform(15, 90)
    wave = np.tanh(rng.uniform(0.5, 6) * np.sin(phase + rng.uniform(0, 6)))
    image += (rng.uniform(0.04, 0.25) * wave).astype(np.float32)[..., None]


def _discs(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Lights out of focus, leaves, other heads."""
    side = len(image)
    for _ in range(int(rng.integers(4, 26))):
        centre = (rng.uniform(0, 1, 2) * side).astype(int).tolist()
        axes = (rng.uniform(0.02, 0.16, 2) * side + 1).astype(int).tolist()
        cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng), -1, cv2.LINE_AA)


def _grain(image: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Plaster, foliage, crowds: noise of several scales."""
    side = len(image)
    strength = rng.uniform(0.05, 0.25)
    for cells in (8, 20, 50):
        noise = rng.normal(0, strength, (cells, cells)).astype(np.float32)
        image += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)[..., None]
        strength *= 0.7
