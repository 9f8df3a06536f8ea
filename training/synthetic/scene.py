"""Camera, light and background, and what a camera's sensor adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Camera", "Light", "develop", "draw_background", "draw_camera", "draw_light"]

_SHARP: Final = 0.3  # px: less blur than this changes nothing


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera stands, and how good it is.

    Attributes:
        distance: from the face, in kit units.
        width: of what the picture shows at the face's distance, in kit units.
        shift: of the face's centre from the picture's, right and up, in picture sides.
        blur: standard deviation, px.
        noise: standard deviation, grey levels.
    """

    distance: float = 90.0
    width: float = 18.0
    shift: tuple[float, float] = (0.0, 0.0)
    blur: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What shines on the face, linear RGB.

    Attributes:
        ambient: (9, 3) float32 spherical harmonics of order 0–2, cosine already applied.
        directions: (2, 3) float32 unit vectors towards the lamps.
        colours: (2, 3) float32.
        gloss: 0–1, how shiny the skin is.
    """

    ambient: NDArray[np.float32]
    directions: NDArray[np.float32]
    colours: NDArray[np.float32]
    gloss: float


def draw_camera(rng: np.random.Generator) -> Camera:
    """A camera at random: from a webcam near by to a long lens."""
    return Camera(
        distance=float(np.exp(rng.uniform(np.log(45), np.log(150)))),
        width=float(rng.uniform(16.0, 20.0)),
        shift=(float(rng.normal(0, 0.015)), float(rng.normal(0, 0.02))),
        blur=float(rng.uniform(0, 0.9)),
        noise=float(rng.uniform(0.5, 5)),
    )


def draw_light(rng: np.random.Generator, skin: float) -> Light:
    """Light at random, from flat to one-sided.

    Args:
        rng: its randomness.
        skin: the skin's mean sRGB, 0–1; the camera exposes dark skin a little longer, as automatic ones do.
    """
    exposure = rng.uniform(0.6, 1.1) * (0.65 / max(skin, 0.1)) ** 0.3
    warmth = rng.normal(0, 0.05)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    ambient = np.zeros((9, 3))
    ambient[0] = rng.uniform(0.35, 0.65) * tint
    ambient[1:4] = rng.normal(0, 0.10, (3, 1)) * tint
    ambient[1] += 0.08  # more light from above
    ambient[4:] = rng.normal(0, 0.03, (5, 1)) * tint
    yaw, pitch = rng.uniform(-1.1, 1.1, 2), np.array([rng.uniform(0.0, 0.9), rng.uniform(-0.3, 0.7)])
    directions = np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
    power = np.array([rng.uniform(0.25, 0.75), rng.uniform(0.0, 0.3)])
    colours = power[:, None] * np.array([[1 + (w := rng.normal(0, 0.08)), 1, 1 - w], [1, 1, 1]])
    return Light(
        ambient=(exposure * ambient).astype(np.float32),
        directions=directions.astype(np.float32),
        colours=(exposure * colours).astype(np.float32),
        gloss=float(rng.uniform(0.02, 0.25)),
    )


def draw_background(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """A blurred room: a gradient and soft patches, (size, size, 3) float32 sRGB 0–1."""
    corners = rng.uniform(0.1, 0.9) + rng.normal(0, 0.10, (2, 2, 1)) + rng.normal(0, 0.04, (2, 2, 3))
    patches = rng.normal(0, rng.uniform(0, 0.15), (6, 6, 1))
    image = cv2.resize(corners.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    soft = cv2.resize(patches.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(image + soft[..., None], 0, 1), np.float32)


def develop(
    picture: NDArray[np.uint8], background: NDArray[np.float32], camera: Camera, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """From the renderer's picture to a camera's: scaled down, before a background, blurred and noisy.

    Args:
        picture: (S, S, 4) uint8 premultiplied RGBA, S a multiple of the background's side.
        background: (size, size, 3) float32 sRGB 0–1.
        camera: its blur and noise.
        rng: for the noise.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    small = cv2.resize(picture, background.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    image = small[..., :3] + (255 - small[..., 3:]) * background
    if camera.blur > _SHARP:
        image = cv2.GaussianBlur(image, (0, 0), camera.blur)
    if camera.noise:
        image += camera.noise * rng.standard_normal(image.shape, np.float32)
    return np.asarray(np.clip(image + 0.5, 0, 255), np.uint8)
