"""The demo clip's pictures: photographs panned, zoomed, and passed in front of each other, as a camera sees people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ASTRONAUT", "FPS", "FRAMES", "GROUP", "PORTRAIT", "SIZE", "render"]

Image = NDArray[np.uint8]
Scene = Callable[[float], Image]
"""A picture of `SIZE` for a moment 0–1 of the scene."""

ASTRONAUT: Final = "astronaut"
GROUP: Final = "group"
PORTRAIT: Final = "portrait"

SIZE: Final = (1280, 720)
FPS: Final = 30
FRAMES: Final = 20 * FPS

_FADE: Final = 0.8  # seconds in which one scene becomes the next
_HEAD: Final = (slice(20, 215), slice(140, 308))  # rows and columns of the astronaut's head


class Key(NamedTuple):
    """Where a layer is at a moment of its scene.

    Attributes:
        at: the moment, 0–1.
        x: of the frame's pixel that shows `focus`, as a part of the frame's width.
        y: the same of its height.
        scale: frame pixels for one pixel of the photograph.
    """

    at: float
    x: float
    y: float
    scale: float


def render(photographs: Mapping[str, Image]) -> Iterator[Image]:
    """The clip's frames, one after the other.

    Args:
        photographs: (H, W, 3) BGR by name: `ASTRONAUT`, `GROUP` (six people) and `PORTRAIT` (112×112, a face that
            fills it); at least one of the first and the last.

    Yields:
        `FRAMES` pictures, (720, 1280, 3) BGR.
    """
    scenes = _scenes(photographs)
    seconds = (FRAMES / FPS + _FADE * (len(scenes) - 1)) / len(scenes)
    step = seconds - _FADE
    for frame in range(FRAMES):
        time = frame / FPS
        number = min(int(time / step), len(scenes) - 1)
        picture = scenes[number]((time - number * step) / seconds)
        faded = (time - number * step) / _FADE
        if number and faded < 1:
            before = scenes[number - 1]((time - (number - 1) * step) / seconds)
            picture = _blend(before, picture, _ease(faded))
        yield picture


def _scenes(photographs: Mapping[str, Image]) -> list[Scene]:
    scenes = []
    heads = []
    if ASTRONAUT in photographs:
        astronaut = photographs[ASTRONAUT]
        scenes.append(_close_up(astronaut))
        heads.append(astronaut[_HEAD])
    if GROUP in photographs:
        scenes.append(_walk_along(photographs[GROUP]))
    if PORTRAIT in photographs:
        heads.append(photographs[PORTRAIT])
    other = heads[-1] if len(heads) > 1 else np.ascontiguousarray(heads[0][:, ::-1])
    scenes.append(_crossing(heads[0], other, backdrop=photographs.get(GROUP, heads[0])))
    return scenes


def _close_up(photograph: Image) -> Scene:
    """One person comes in from the left, and the camera goes close."""
    backdrop = _backdrop(photograph)
    card = _Card(photograph, focus=(224, 115))
    keys = [Key(0.0, -0.12, 0.40, 1.1), Key(0.45, 0.45, 0.40, 1.3), Key(1.0, 0.50, 0.45, 2.5)]
    return lambda at: card.onto(backdrop.copy(), _at(keys, at))


def _walk_along(photograph: Image) -> Scene:
    """The camera walks along a group from close by, then steps back until it sees all."""
    centre = (photograph.shape[1] / 2, photograph.shape[0] / 2)
    # In parts of the photograph: which point is in the frame's middle. Close by, the view is 60 % of its width.
    keys = [Key(0.0, 0.32, 0.36, 1.67), Key(0.5, 0.68, 0.28, 1.67), Key(0.8, 0.50, 0.42, 1.0)]

    def scene(at: float) -> Image:
        key = _at(keys, at)
        scale = key.scale * SIZE[0] / photograph.shape[1]
        x, y = key.x * 2 * centre[0], key.y * 2 * centre[1]
        return _warped(photograph, scale, SIZE[0] / 2 - scale * x, SIZE[1] / 2 - scale * y)

    return scene


def _crossing(front: Image, behind: Image, *, backdrop: Image) -> Scene:
    """Two people cross, one hidden by the other for a while; both leave."""
    still = _backdrop(backdrop)
    near, far = (_Card(image, focus=(image.shape[1] / 2, image.shape[0] / 2)) for image in (front, behind))
    near_scale, far_scale = 330 / front.shape[0], 230 / behind.shape[0]
    near_keys = [Key(0.0, -0.2, 0.53, near_scale), Key(1.0, 1.25, 0.47, near_scale * 1.15)]
    far_keys = [Key(0.0, 1.15, 0.45, far_scale), Key(1.0, -0.2, 0.52, far_scale)]

    def scene(at: float) -> Image:
        picture = far.onto(still.copy(), _at(far_keys, at, eased=False))
        return near.onto(picture, _at(near_keys, at, eased=False))

    return scene


class _Card:
    """A photograph with soft edges that can be put anywhere on a picture.

    Args:
        photograph: (H, W, 3) BGR.
        focus: x and y of its point that a `Key` places.
    """

    def __init__(self, photograph: Image, *, focus: tuple[float, float]) -> None:
        import cv2

        height, width = photograph.shape[:2]
        edge = max(4, min(height, width) // 24)
        mask = np.zeros((height, width), np.float32)
        mask[edge:-edge, edge:-edge] = 1
        self._image = photograph
        self._mask: NDArray[np.float32] = np.asarray(cv2.GaussianBlur(mask, (0, 0), edge / 2.5), np.float32)
        self._focus = focus

    def onto(self, picture: Image, key: Key) -> Image:
        """Draw it into `picture`, which is returned."""
        import cv2

        left = key.x * SIZE[0] - key.scale * self._focus[0]
        top = key.y * SIZE[1] - key.scale * self._focus[1]
        height, width = self._mask.shape
        x0, y0 = max(math.floor(left), 0), max(math.floor(top), 0)
        x1 = min(math.ceil(left + key.scale * width), SIZE[0])
        y1 = min(math.ceil(top + key.scale * height), SIZE[1])
        if x0 >= x1 or y0 >= y1:
            return picture
        size = (x1 - x0, y1 - y0)
        image = _warped(self._image, key.scale, left - x0, top - y0, size)
        matrix = np.array([[key.scale, 0, left - x0], [0, key.scale, top - y0]])
        mask = cv2.warpAffine(self._mask, matrix, size)
        part = picture[y0:y1, x0:x1]
        part[:] = cv2.blendLinear(image, np.ascontiguousarray(part), mask, 1 - mask)
        return picture


def _at(keys: Sequence[Key], at: float, *, eased: bool = True) -> Key:
    """The place between two keys; eased, it starts and ends softly."""
    at = min(max(at, keys[0].at), keys[-1].at)
    first, second = next((a, b) for a, b in pairwise(keys) if at <= b.at)
    part = (at - first.at) / (second.at - first.at)
    part = _ease(part) if eased else part
    return Key(at, *((1 - part) * a + part * b for a, b in zip(first[1:], second[1:], strict=True)))


def _ease(part: float) -> float:
    return part * part * (3 - 2 * part)


def _backdrop(photograph: Image) -> Image:
    """The photograph so blurred and dark that no face is left in it, filling the frame."""
    import cv2

    small = cv2.resize(photograph, (16, 9), interpolation=cv2.INTER_AREA)
    large = cv2.GaussianBlur(cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC), (0, 0), 40)
    return np.asarray(cv2.convertScaleAbs(large, alpha=0.6), np.uint8)


def _blend(before: Image, after: Image, part: float) -> Image:
    import cv2

    return np.asarray(cv2.addWeighted(before, 1 - part, after, part, 0), np.uint8)


def _warped(image: Image, scale: float, left: float, top: float, size: tuple[int, int] = SIZE) -> Image:
    import cv2

    matrix = np.array([[scale, 0, left], [0, scale, top]])
    return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
