"""What light, lenses, sensors and compression do to a picture."""

from __future__ import annotations

import math

import cv2
import numpy as np

from training.detector.data import Gray

__all__ = ["photograph", "relight"]


def relight(picture: Gray, rng: np.random.Generator, strength: float = 1.0) -> Gray:
    """Gamma, gain and offset at random."""
    levels = np.arange(256, dtype=np.float32) / 255
    levels = levels ** math.exp(rng.normal(0, 0.3 * strength)) * math.exp(rng.normal(0, 0.18 * strength))
    levels += rng.normal(0, 0.05 * strength)
    return np.asarray(cv2.LUT(picture, np.clip(levels * 255, 0, 255).astype(np.uint8)), np.uint8)


def photograph(picture: Gray, rng: np.random.Generator) -> Gray:
    """The picture as some camera gives it: dim, one-sided, blurred, noisy, compressed; each at times."""
    height, width = picture.shape
    if rng.random() < 0.25:
        length = max(height, width)
        ramp = np.linspace(rng.uniform(0.2, 1), 1, length, dtype=np.float32)[:: rng.choice([-1, 1])]
        lit = picture * (ramp[None, :width] if rng.random() < 0.6 else ramp[:height, None])
        picture = lit.astype(np.uint8)
    if rng.random() < 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4)), np.uint8)
    elif rng.random() < 0.08:
        length = int(rng.integers(3, 7))
        picture = np.asarray(cv2.blur(picture, (length, 1) if rng.random() < 0.6 else (1, length)), np.uint8)
    dim = rng.random() < 0.15
    picture = relight(picture, rng)
    if dim:  # little light, so little contrast and much noise
        picture = np.asarray(
            cv2.convertScaleAbs(picture, alpha=rng.uniform(0.2, 0.6), beta=rng.uniform(0, 20)), np.uint8
        )
    if dim or rng.random() < 0.3:
        noise = rng.standard_normal((height, width), np.float32) * rng.uniform(1, 10)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 75))]
        picture = np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], 0), np.uint8)
    return picture
