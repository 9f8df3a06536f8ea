"""Camera and light, and what a camera does to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Camera", "Light", "develop", "draw_camera", "draw_light", "project"]

_SHARP: Final = 0.3  # px: less blur than this changes nothing


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera stands, and how good it is.

    Attributes:
        distance: from the face, in kit units.
        width: of what the picture shows at the face's distance, in kit units.
        shift: of the face's centre from the picture's, right and up, in picture sides.
        blur: standard deviation, in picture sides.
        noise: standard deviation, grey levels.
        exposure: how much longer than usual.
        gamma: of its curve; above 1 is darker.
        contrast: about middle grey.
        resolution: px of the side that it really has, scaled up after; 0 where it has all.
        quality: JPEG's, 1–100; 0 is no compression.
    """

    distance: float = 90.0
    width: float = 18.0
    shift: tuple[float, float] = (0.0, 0.0)
    blur: float = 0.0
    noise: float = 0.0
    exposure: float = 1.0
    gamma: float = 1.0
    contrast: float = 1.0
    resolution: int = 0
    quality: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What shines on the face, linear RGB.

    Attributes:
        ambient: (9, 3) float32 spherical harmonics of order 0–2, cosine already applied.
        directions: (3, 3) float32 unit vectors towards the lamps.
        colours: (3, 3) float32.
        gloss: 0–1, how shiny the skin is.
    """

    ambient: NDArray[np.float32]
    directions: NDArray[np.float32]
    colours: NDArray[np.float32]
    gloss: float


def draw_camera(rng: np.random.Generator) -> Camera:
    """A camera at random: from a webcam near by to a long lens, from good to poor."""
    poor = rng.random()
    return Camera(
        distance=float(np.exp(rng.uniform(np.log(38), np.log(160)))),
        width=float(rng.uniform(15.5, 21.0)),
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(0, 0.025))),
        blur=float(rng.uniform(0, 0.009)),
        noise=float(rng.uniform(0.3, 4) if poor < 0.8 else rng.uniform(3, 12)),
        exposure=float(np.exp(rng.normal(0, 0.18))),
        gamma=float(np.exp(rng.normal(0, 0.16))),
        contrast=float(np.exp(rng.normal(0, 0.12))),
        resolution=int(rng.integers(44, 110)) if rng.random() < 0.4 else 0,
        quality=int(rng.integers(25, 95)) if rng.random() < 0.5 else 0,
    )


def draw_light(rng: np.random.Generator, skin: float) -> Light:
    """Light at random, from flat to one-sided, in some recordings from behind.

    Args:
        rng: its randomness.
        skin: the skin's mean sRGB, 0–1; the camera exposes dark skin longer, as automatic ones do.
    """
    exposure = rng.uniform(0.6, 1.1) * (0.65 / max(skin, 0.1)) ** 0.5
    hard = rng.random() < 0.25  # one strong lamp, little else
    warmth = rng.normal(0, 0.05)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    ambient = np.zeros((9, 3))
    ambient[0] = (rng.uniform(0.15, 0.35) if hard else rng.uniform(0.35, 0.65)) * tint
    ambient[1:4] = rng.normal(0, 0.10, (3, 1)) * tint
    ambient[1] += 0.08  # more light from above
    ambient[4:] = rng.normal(0, 0.03, (5, 1)) * tint
    yaw = rng.uniform(-1.1, 1.1, 2) * (1.35 if hard else 1)
    pitch = np.array([rng.uniform(0.0, 0.9), rng.uniform(-0.3, 0.7)])
    power = np.array([rng.uniform(0.6, 1.0) if hard else rng.uniform(0.25, 0.75), rng.uniform(0.0, 0.3)])
    behind = rng.uniform(1.9, 2.7) * (1 if rng.random() < 0.5 else -1)
    yaw, pitch = np.append(yaw, behind), np.append(pitch, rng.uniform(-0.1, 0.7))
    power = np.append(power, rng.uniform(0.3, 1.3) if rng.random() < 0.25 else 0.0)
    directions = np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
    colours = power[:, None] * np.array([[1 + (w := rng.normal(0, 0.08)), 1, 1 - w], [1, 1, 1], [1, 1, 1]])
    return Light(
        ambient=(exposure * ambient).astype(np.float32),
        directions=directions.astype(np.float32),
        colours=(exposure * colours).astype(np.float32),
        gloss=float(rng.uniform(0.02, 0.25)),
    )


def project(seen: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Where points appear in the picture, as the shader has it.

    Args:
        seen: (n, 3) float32 after the head's rotation, about the picture's centre.
        camera: the camera.

    Returns:
        (n, 2) float32 in picture sides, from the left and from the top.
    """
    away = camera.distance - seen[:, 2:]
    at = seen[:, :2] * camera.distance / (camera.width / 2) / away + 2 * np.array(camera.shift)
    return np.asarray((at * [1, -1] + 1) / 2, np.float32)


def develop(
    picture: NDArray[np.uint8], background: NDArray[np.float32], camera: Camera, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """From the renderer's picture to a camera's.

    Scaled down, before a background, exposed, blurred, noisy, perhaps of few pixels, perhaps compressed.

    Args:
        picture: (S, S, 4) uint8 premultiplied RGBA, S a multiple of the background's side.
        background: (size, size, 3) float32 sRGB 0–1.
        camera: what it does to the picture.
        rng: for the noise.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    size = background.shape[0]
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    image = small[..., :3] + (255 - small[..., 3:]).astype(np.float32) * background
    coarse = camera.resolution if 0 < camera.resolution < size else 0
    if coarse:
        image = cv2.resize(image, (coarse, coarse), interpolation=cv2.INTER_AREA)
    blur = camera.blur * image.shape[0]
    if blur > _SHARP:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    if camera.noise:
        image += camera.noise * rng.standard_normal(image.shape, np.float32)
    levels = cv2.LUT(np.clip(image + 0.5, 0, 255).astype(np.uint8), _curve(camera))
    if camera.quality:
        _, data = cv2.imencode(".jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])
        levels = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    if coarse:
        levels = cv2.resize(levels, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(levels)


def _curve(camera: Camera) -> NDArray[np.uint8]:
    """From 256 grey levels to 256: exposure, gamma, contrast."""
    level = np.linspace(0, 1, 256)
    bright = np.clip(np.sqrt(camera.exposure) * level, 0, 1) ** camera.gamma
    return np.asarray(np.clip((bright - 0.5) * camera.contrast + 0.5, 0, 1) * 255 + 0.5, np.uint8)
