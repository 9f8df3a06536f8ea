"""Pictures for people to look at: every Action Unit at five intensities, and frames with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import AUS, SIDED, settle
from training.synthetic.dataset import Plan, film_subject
from training.synthetic.intensity import OCCURS
from training.synthetic.scene import Camera, Light
from training.synthetic.studio import Setting, Studio
from training.synthetic.subjects import Subject, draw_subject

__all__ = ["contact_sheet", "random_sheet"]

_LEVELS: Final = (0, 1, 2, 3, 4, 5)
_SAME_LIGHT: Final = Light(
    ambient=np.array([[0.42] * 3, [0.08] * 3, *[[0.0] * 3] * 7], np.float32),
    directions=np.array([[0.35, 0.45, 0.82], [-0.6, 0.2, 0.77], [0.0, 1.0, 0.0]], np.float32),
    colours=np.array([[0.5] * 3, [0.1] * 3, [0.0] * 3], np.float32),
    gloss=0.1,
)
_DARKEST: Final = 0.35  # of the people on the sheet, so that all is seen in the same light


def contact_sheet(studio: Studio, seed: int, aus: Sequence[str] = AUS) -> NDArray[np.uint8]:
    """Action Units from absent (left) to E (right), each on a person of its own; then those of one side.

    Args:
        studio: what renders; its size is a tile's.
        seed: of the people.
        aus: which.

    Returns:
        (rows, columns, 3) uint8 RGB: two Action Units side by side, their names in the corner; of one side, left and
        right side by side.
    """
    rows = [(name, (1.0, 1.0)) for name in aus]
    if len(rows) % 2:
        rows.append(("", (0.0, 0.0)))
    for name in aus:
        if name in SIDED:
            rows += [(f"{name}_L", (1.0, 0.0)), (f"{name}_R", (0.0, 1.0))]
    strips = [_strip(studio, name, sides, _person(seed, AUS.index(name[:4]) if name else 0)) for name, sides in rows]
    return np.concatenate([np.concatenate(strips[at : at + 2], axis=1) for at in range(0, len(strips), 2)], axis=0)


def random_sheet(studio: Studio, seed: int, count: int = 48, columns: int = 8) -> NDArray[np.uint8]:
    """Pictures as they come, each of another person, with what is present.

    Args:
        studio: what renders; its size is a tile's.
        seed: of a dataset, one picture of each of whose first subjects is shown.
        count: how many.
        columns: in a row.

    Returns:
        (rows, columns, 3) uint8 RGB.
    """
    tiles = []
    for number in range(count):
        pictures, rows = film_subject(studio, Plan(count, 1, 8, seed, colour=True), number, first=number)
        at = number % 8
        shown = rows.iloc[at]
        present = [
            f"{name[2:]}{_side(shown, name)}:{shown[f'{name}_intensity']:.0f}"
            for name in AUS
            if shown[f"{name}_intensity"] >= OCCURS
        ]
        words = [str(shown["activity"]), " ".join(present[:5]), " ".join(present[5:])]
        tile = np.concatenate([pictures[at], np.zeros((36, studio.size, 3), np.uint8)])
        for line, word in enumerate(words):
            _write(tile, word, (2, studio.size + 10 + 11 * line), 0.32)
        tiles.append(tile)
    blank = [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    tiles += blank
    return np.concatenate([np.concatenate(tiles[at : at + columns], axis=1) for at in range(0, len(tiles), columns)])


def _side(shown: object, name: str) -> str:
    """L or R where only that side is present."""
    if name not in SIDED:
        return ""
    left, right = (shown[f"{name}_{side}"] > 0 for side in "LR")  # type: ignore[index]
    return "" if left == right else "L" if left else "R"


def _person(seed: int, number: int) -> Subject:
    """Somebody whom this light shows well, with nothing before the eyes."""
    for attempt in range(50):
        subject = draw_subject(np.random.default_rng((seed, number, attempt)))
        if float(np.mean(subject.look.skin)) >= _DARKEST:
            break
    return replace(subject, glasses=None)


def _strip(studio: Studio, name: str, sides: tuple[float, float], person: Subject) -> NDArray[np.uint8]:
    size = studio.size
    if not name:
        return np.zeros((size, len(_LEVELS) * size, 3), np.uint8)
    studio.seat(person)
    setting = Setting(Camera(), _SAME_LIGHT, np.full((size, size, 3), 0.55, np.float32))
    still = np.zeros((len(_LEVELS), 3), np.float32)
    au = name[:4]
    faces = [settle({au: float(level)}, {au: sides}) for level in _LEVELS]
    intensities = {
        shown: np.array([face.get(shown, 0.0) for face in faces], np.float32)[:, None]
        * (np.array(sides, np.float32) if shown == au else np.ones(2, np.float32))
        for shown in sorted(set().union(*faces))
    }
    tiles = list(studio.film(intensities, still[:, :2], still, setting, np.random.default_rng(0)))
    strip = np.concatenate(tiles, axis=1)
    _write(strip, name, (3, 12), 0.4)
    return strip


def _write(image: NDArray[np.uint8], text: str, at: tuple[int, int], scale: float) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1, cv2.LINE_AA)
