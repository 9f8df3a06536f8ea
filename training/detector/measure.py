"""The figures of one detector on one set of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect import Detections, Detector
from clef_rt.detect.boxes import roll_from_landmarks
from clef_rt.picture import Picture
from training.detector.data import Faces
from training.detector.exam import make_sheets, turned
from training.detector.photographs import open_photographs
from training.detector.scoring import Judged, judge, recall_at, threshold_at
from training.landmarks.data import load_faces as load_labelled
from training.landmarks.teacher import Teacher

__all__ = ["FALSE_PER_IMAGE", "Case", "Figures", "composites", "look", "measure", "photographs"]

FALSE_PER_IMAGE: Final = (0.1, 0.5, 1.0)
"""False faces a picture at which recall is told."""
_SIZES: Final = (20, 32, 64, 128, 420)  # √area of the box, pixels of 1280×720
_TILTS: Final = (0, 15, 30, 50)  # degrees
_TURNS: Final = (0.0, 0.2, 0.4, 2.0)  # as `turned` has it


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One picture and its true faces.

    Attributes:
        image: (H, W) or (H, W, 3) uint8.
        boxes: (n, 4) float32.
        landmarks: (n, 5, 2) float32; None where they aren't known.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What `measure` finds out.

    Attributes:
        pictures: how many.
        faces: how many.
        recall: by false faces a picture: the part of the faces that are found.
        threshold: by false faces a picture: the score that gives so many.
        recall_default: at the detector's own threshold.
        false_default: false faces a picture at that.
        parts: recall at one false face a picture, of faces of some sizes, tilts and turns; and how many there are.
        nme: the landmarks' mean distance from the true ones over the eyes' distance, of the faces found at one false
            face a picture; None where landmarks aren't known.
    """

    pictures: int
    faces: int
    recall: dict[float, float]
    threshold: dict[float, float]
    recall_default: float
    false_default: float
    parts: dict[str, tuple[float, int]]
    nme: float | None


def photographs(data: Path) -> dict[str, list[Case]]:
    """Whole photographs and frames, and photographs without faces: as they are, small, turned, and dark.

    Args:
        data: folder with `media`.
    """
    cases = [Case(image, boxes) for _, image, boxes in open_photographs(data)]
    return {
        "photographs": cases,
        "photographs of 320 px": [_shrunk(case, 320) for case in cases],
        "photographs of 200 px": [_shrunk(case, 200) for case in cases],
        "photographs turned by 30°": [_turned(case, 30 * (-1) ** number) for number, case in enumerate(cases)],
        "photographs in the dark": [_dark(case, number) for number, case in enumerate(cases)],
    }


def _shrunk(case: Case, side: int) -> Case:
    scale = min(side / max(case.image.shape[:2]), 1.0)
    image = cv2.resize(case.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Case(np.asarray(image, np.uint8), case.boxes * np.float32(scale))


def _turned(case: Case, degrees: float) -> Case:
    """About its centre, on a larger canvas; a box keeps its size, as a turned head's upright box nearly does."""
    height, width = case.image.shape[:2]
    angle = np.radians(degrees)
    wide = round(width * abs(np.cos(angle)) + height * abs(np.sin(angle)))
    high = round(height * abs(np.cos(angle)) + width * abs(np.sin(angle)))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += ((wide - width) / 2, (high - height) / 2)
    image = cv2.warpAffine(case.image, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    centres = (case.boxes[:, :2] + case.boxes[:, 2:] / 2) @ matrix[:, :2].T + matrix[:, 2]
    boxes = np.concatenate([centres - case.boxes[:, 2:] / 2, case.boxes[:, 2:]], axis=1)
    return Case(np.asarray(image, np.uint8), boxes.astype(np.float32))


def _dark(case: Case, seed: int) -> Case:
    """A sixth of the light, and a sensor's noise."""
    noise = np.random.default_rng(seed).normal(4, 3, case.image.shape)
    return Case(np.clip(case.image / 6 + noise, 0, 255).astype(np.uint8), case.boxes)


def composites(data: Path, count: int) -> list[Case]:
    """Photographs of faces of the test split in photographs without, 1280×720.

    The true landmarks are MediaPipe's.

    Args:
        data: folder with `real_faces` and `mediapipe`.
        count: of pictures.

    Raises:
        ConfigError: mediapipe isn't installed, or its model isn't there.
    """
    with Teacher(data / "mediapipe" / "face_landmarker.task") as teacher:
        faces = load_labelled(data, "test", teacher, size=10_000)
    sheets = make_sheets(Faces(faces.images, faces.landmarks), count)
    return [Case(sheet.image, sheet.boxes, sheet.landmarks) for sheet in sheets]


def look(detector: Detector, cases: Sequence[Case]) -> list[Detections]:
    """What a detector finds in each picture."""
    return [detector.detect(Picture.from_array(case.image)) for case in cases]


def measure(found: Sequence[Detections], cases: Sequence[Case], default: float) -> Figures:
    """Hold what was found against the truth.

    Args:
        found: by a detector with a threshold near 0, so that its scores can be ranked.
        cases: the pictures.
        default: the threshold that the detector has by itself.
    """
    judged = [judge(detections, case.boxes) for detections, case in zip(found, cases, strict=True)]
    thresholds = {rate: threshold_at(judged, rate) for rate in FALSE_PER_IMAGE}
    scores = np.concatenate([one.found for one in judged])
    right = scores >= thresholds[1.0]
    known = [case.landmarks for case in cases if case.landmarks is not None]
    return Figures(
        pictures=len(cases),
        faces=len(scores),
        recall={rate: recall_at(judged, threshold) for rate, threshold in thresholds.items()},
        threshold=thresholds,
        recall_default=recall_at(judged, default),
        false_default=sum(int((one.false >= default).sum()) for one in judged) / len(cases),
        parts=_parts(np.concatenate([case.boxes for case in cases]), np.concatenate(known) if known else None, right),
        nme=_nme(found, cases, judged, thresholds[1.0]) if known else None,
    )


def _parts(
    boxes: NDArray[np.float32], landmarks: NDArray[np.float32] | None, right: NDArray[np.bool_]
) -> dict[str, tuple[float, int]]:
    """Recall by size, tilt and turn; only sizes where landmarks aren't known."""
    sizes = np.sqrt(boxes[:, 2] * boxes[:, 3])
    parts = _by("size {}–{} px", sizes, _SIZES, right)
    if landmarks is not None:
        parts |= _by("tilt {}–{}°", np.degrees(np.abs(roll_from_landmarks(landmarks))), _TILTS, right)
        parts |= _by("turned {}–{}", turned(landmarks), _TURNS, right)
    return parts


def _by(
    title: str, values: NDArray[np.float32], edges: Sequence[float], right: NDArray[np.bool_]
) -> dict[str, tuple[float, int]]:
    parts = {}
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.any():
            parts[title.format(low, high)] = (float(right[inside].mean()), int(inside.sum()))
    return parts


def _nme(
    found: Sequence[Detections], cases: Sequence[Case], judged: Sequence[Judged], threshold: float
) -> float | None:
    errors = []
    for detections, case, one in zip(found, cases, judged, strict=True):
        if case.landmarks is not None:
            seen = np.flatnonzero(one.found >= threshold)
            points, true = detections.landmarks[one.which[seen]], case.landmarks[seen]
            eyes = np.linalg.norm(true[:, 0] - true[:, 1], axis=1)
            errors.append(np.linalg.norm(points - true, axis=2).mean(axis=1) / eyes)
    every = np.concatenate(errors)
    return float(every.mean()) if len(every) else None
