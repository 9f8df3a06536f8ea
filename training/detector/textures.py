"""Backgrounds out of nothing: rooms, stripes, letters, grain."""

from __future__ import annotations

import string

import cv2
import numpy as np

from training.detector.data import Gray

__all__ = ["draw_texture"]


def draw_texture(rng: np.random.Generator, size: int) -> Gray:
    """A picture without a face: grain on a gradient, with shapes, stripes or letters on it."""
    image = _grain(rng, size)
    kind = rng.random()
    if kind < 0.45:
        _shapes(image, rng)
    elif kind < 0.65:
        image = _stripes(image, rng)
    elif kind < 0.8:
        _letters(image, rng)
    if rng.random() < 0.5:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 3)), np.uint8)
    return image


def _grain(rng: np.random.Generator, size: int) -> Gray:
    """Noise of several grains on a gradient."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]  # type: ignore[misc]
    plane = rng.uniform(10, 245) + rng.normal(0, 35) * x + rng.normal(0, 35) * y
    for _ in range(rng.integers(0, 4)):
        cells = int(2 ** rng.uniform(1, 7))
        noise = rng.normal(0, rng.uniform(0, 45), (cells, max(int(cells * rng.uniform(0.3, 1)), 1)))
        plane = plane + cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(plane, 0, 255).astype(np.uint8)


def _shapes(image: Gray, rng: np.random.Generator) -> None:
    """Furniture, windows, balls and lamps: boxes, ellipses, polygons, lines."""
    size = image.shape[0]
    for _ in range(rng.integers(3, 40)):
        grey, thick = float(rng.integers(256)), int(rng.choice([-1, -1, 1, 2, 4]))
        x, y = (int(value) for value in rng.integers(0, size, 2))
        width, height = (int(value) for value in np.exp(rng.uniform(np.log(4), np.log(size / 2), 2)))
        kind = rng.random()
        if kind < 0.35:
            cv2.rectangle(image, (x, y), (x + width, y + height), grey, thick)
        elif kind < 0.65:
            cv2.ellipse(image, (x, y), (width // 2, height // 2), float(rng.uniform(0, 180)), 0, 360, grey, thick)
        elif kind < 0.8:
            points = np.array([x, y]) + rng.integers(-width, width, (rng.integers(3, 7), 2))
            cv2.fillPoly(image, [points.astype(np.int32)], grey)
        else:
            cv2.line(image, (x, y), (x + width - height, y + height), grey, abs(thick))


def _stripes(image: Gray, rng: np.random.Generator) -> Gray:
    """Blinds, bricks, checks, cloth."""
    size = image.shape[0]
    y, x = np.mgrid[:size, :size]
    angle, period = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(4), np.log(80)))
    waves = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    if rng.random() < 0.5:
        across = period * rng.uniform(0.5, 2)
        waves = waves * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / across)
    if rng.random() < 0.5:
        waves = np.sign(waves)
    return np.clip(image + rng.uniform(15, 90) * waves, 0, 255).astype(np.uint8)


def _letters(image: Gray, rng: np.random.Generator) -> None:
    """Signs and pages: "8" and "%" look like small faces."""
    size, height = image.shape[0], rng.uniform(0.25, 2.5)
    alphabet = np.array(list(string.ascii_letters + string.digits + "%&@#:;.,()"))
    for _ in range(rng.integers(2, 25)):
        text = "".join(rng.choice(alphabet, rng.integers(2, 14)))
        place = (int(rng.integers(-40, size)), int(rng.integers(0, size)))
        face, thick = int(rng.integers(0, 8)), int(rng.integers(1, 4))
        cv2.putText(image, text, place, face, height, float(rng.integers(256)), thick, cv2.LINE_AA)
