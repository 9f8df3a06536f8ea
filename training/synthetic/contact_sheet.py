"""One picture for people to look at: every Action Unit at five intensities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import AUS, settle
from training.synthetic.scene import Camera, Light
from training.synthetic.shapes import shape_weights
from training.synthetic.studio import Setting, Studio
from training.synthetic.subjects import draw_subject

__all__ = ["contact_sheet"]

_LEVELS: Final = (0, 1, 2, 3, 4, 5)
_SAME_LIGHT: Final = Light(
    ambient=np.array([[0.42] * 3, [0.08] * 3, *[[0.0] * 3] * 7], np.float32),
    directions=np.array([[0.35, 0.45, 0.82], [-0.6, 0.2, 0.77]], np.float32),
    colours=np.array([[0.5] * 3, [0.1] * 3], np.float32),
    gloss=0.1,
)


def contact_sheet(studio: Studio, seed: int, aus: Sequence[str] = AUS) -> NDArray[np.uint8]:
    """Action Units from absent (left) to E (right), each on a person of its own.

    Args:
        studio: what renders; its size is a tile's.
        seed: of the people.
        aus: which.

    Returns:
        (rows, columns, 3) uint8 RGB: two Action Units side by side, their names in the corner.
    """
    size = studio.size
    setting = Setting(Camera(), _SAME_LIGHT, np.full((size, size, 3), 0.55, np.float32))
    still = np.zeros((len(_LEVELS), 3), np.float32)
    strips = []
    for number, name in enumerate(aus):
        rng = np.random.default_rng((seed, number))
        subject = draw_subject(rng)
        studio.seat(subject)
        faces = [settle({name: float(level)}) for level in _LEVELS]
        moving = sorted(set().union(*faces))
        intensities = {au: np.array([face.get(au, 0.0) for face in faces], np.float32) for au in moving}
        weights = shape_weights(intensities, studio.kit.names, studio.kit.weights(subject.rest))
        tiles = list(studio.film(weights, still[:, :2], still, setting, rng))
        strip = np.concatenate(tiles, axis=1)
        cv2.putText(strip, name, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
        strips.append(strip)
    if len(strips) % 2:
        strips.append(np.zeros_like(strips[0]))
    rows = [np.concatenate(strips[at : at + 2], axis=1) for at in range(0, len(strips), 2)]
    return np.concatenate(rows, axis=0)
