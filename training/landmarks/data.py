"""Faces with landmarks, and photographs without faces, for the landmark network."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.landmarks.teacher import Teacher

SOURCE_SIZE: Final = 96
"""Faces are kept at this size: twice what the network sees, so that bilinear warping doesn't alias."""
HELD_OUT: Final = ("brick.png", "coffee.png", "rocket.jpg")
"""Photographs without faces (scikit-image's) of which nothing is trained on."""
PHOTOS: Final = (
    *("camera.png", "cell.png", "chelsea.png", "chessboard_GRAY.png", "clock_motion.png", "grass.png", "gravel.png"),
    *("horse.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg"),
    "text.png",
)
Gray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of about 96 px with one labelled face each."""

    images: list[Gray]
    landmarks: NDArray[np.float32]


def load_faces(data: Path, split: str, teacher: Teacher, *, ferplus: int = 0, size: int = SOURCE_SIZE) -> Faces:
    """Photographs of one split (by subject), with the teacher's landmarks, shrunk to a longer side of `size`.

    Args:
        data: folder with `real_faces/real_faces.zip` and `ferplus/ferplus_48.npz`.
        split: train, val or test.
        teacher: finds the landmarks; pictures in which it finds no face are left out.
        ferplus: so many faces of FERPlus' training split are added, enlarged.
        size: pixels.
    """
    images, landmarks = [], []
    for picture in (*_real_faces(data, split), *(_ferplus(data, ferplus) if ferplus else ())):
        points = teacher.landmarks(picture)
        if points is not None:
            scale = min(1.0, size / max(picture.shape))
            mode = cv2.INTER_AREA
            images.append(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=mode) if scale < 1 else picture)
            landmarks.append((points + 0.5) * scale - 0.5)
    return Faces(images, np.array(landmarks, np.float32).reshape(-1, 5, 2))


def _real_faces(data: Path, split: str) -> Iterator[Gray]:
    with zipfile.ZipFile(data / "real_faces" / "real_faces.zip") as archive:
        for row in csv.DictReader(archive.read("labels.csv").decode().splitlines()):
            if row["split"] == split:
                yield cv2.imdecode(np.frombuffer(archive.read(f"images/{row['file']}"), np.uint8), 0)


def _ferplus(data: Path, count: int) -> Iterator[Gray]:
    arrays = np.load(data / "ferplus" / "ferplus_48.npz")
    pictures = arrays["images"]
    for index in np.random.default_rng(0).permutation(np.flatnonzero(arrays["split"] == 0))[:count]:
        yield cv2.resize(pictures[index], (SOURCE_SIZE, SOURCE_SIZE), interpolation=cv2.INTER_CUBIC)


def cut_negatives(names: tuple[str, ...], count: int, rng: np.random.Generator) -> list[Gray]:
    """Patches of photographs without faces; where the cascade sees one in them all the same, twice as often."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
    patches: list[Gray] = []
    for name in names:
        photo = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        height, width = photo.shape
        squares = [(*box[:2], box[2]) for box in cascade.detectMultiScale(photo, 1.1, 0, minSize=(24, 24))[:200]]
        for _ in range(count // len(names)):
            side = int(np.exp(rng.uniform(np.log(32), np.log(min(height, width)))))
            squares.append((rng.integers(0, width - side + 1), rng.integers(0, height - side + 1), side))
        for left, top, side in squares:
            mode = cv2.INTER_AREA if side > SOURCE_SIZE else cv2.INTER_LINEAR
            patch = photo[top : top + side, left : left + side]
            patches.append(cv2.resize(patch, (SOURCE_SIZE, SOURCE_SIZE), interpolation=mode))
    return patches
