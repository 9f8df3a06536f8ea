"""Figures of the landmark network on faces and photographs it wasn't trained on."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.detect.boxes import box_from_landmarks
from clef_rt.detect.landmarks import LandmarkNet
from training.landmarks.data import SOURCE_SIZE, Faces, Gray


def evaluate(net: LandmarkNet, faces: Faces, patches: list[Gray], seed: int = 1) -> dict[str, float]:
    """Figures on faces and photographs that were not trained on, by the runtime's own `refine`.

    Boxes are the labels' boxes, moved by ±15 % and scaled 0.8–1.3. NME is the mean distance of the five points to
    the labels over the distance of the eyes. For presence, negatives are patches of photographs without faces, and
    boxes on the same faces' pictures that lie 0.6–1.2 sizes off.
    """
    rng = np.random.default_rng(seed)
    truth = box_from_landmarks(faces.landmarks)
    zoom = np.exp(rng.uniform(math.log(0.8), math.log(1.3), (len(truth), 1)))
    centre = truth[:, :2] + truth[:, 2:] * (0.5 + rng.uniform(-0.15, 0.15, (len(truth), 2)))
    boxes = np.concatenate([centre - truth[:, 2:] * zoom / 2, truth[:, 2:] * zoom], axis=1).astype(np.float32)
    eyes = np.linalg.norm(faces.landmarks[:, 0] - faces.landmarks[:, 1], axis=1)
    figures: dict[str, float] = {"faces": len(truth), "patches": len(patches)}
    present = np.zeros(0)
    for passes in (2, 1):  # presence is judged after one pass, as in tracking
        found = net.refine(faces.images, list(boxes[:, None]), passes=passes)
        points = np.concatenate([item[0] for item in found])
        present = np.concatenate([item[1] for item in found])
        error = np.linalg.norm(points - faces.landmarks, axis=2).mean(axis=1) / eyes
        figures[f"nme_{passes}"] = float(error.mean())
        figures[f"nme_{passes}_p95"] = float(np.percentile(error, 95))
        figures[f"failures_{passes}"] = float((error > 0.1).mean())
    tilted = tilt(faces, 45.0)
    for passes in (1, 2):
        found = net.refine(tilted.images, list(box_from_landmarks(tilted.landmarks)[:, None]), passes=passes)
        error = np.linalg.norm(np.concatenate([item[0] for item in found]) - tilted.landmarks, axis=2).mean(axis=1)
        figures[f"nme_{passes}_tilted"] = float((error / eyes).mean())
    angle = rng.uniform(0, 2 * math.pi, (len(truth), 1))
    away = truth.copy()
    away[:, :2] += rng.uniform(0.6, 1.2, (len(truth), 1)) * np.hstack([np.cos(angle), np.sin(angle)]) * truth[:, 2:]
    off = np.concatenate([item[1] for item in net.refine(faces.images, list(away[:, None]))])
    whole = np.array([[12, 12, 72, 72]], np.float32) * (SOURCE_SIZE / 96)
    none = np.concatenate([item[1] for item in net.refine(patches, [whole] * len(patches))])
    figures["auc_patches"], figures["auc_off_box"] = auc(present, none), auc(present, off)
    figures["recall_at_half"] = float((present > 0.5).mean())
    figures["false_patches_at_half"] = float((none > 0.5).mean())
    figures["false_off_box_at_half"] = float((off > 0.5).mean())
    return figures


def tilt(faces: Faces, degrees: float) -> Faces:
    """The same faces, each picture turned counterclockwise about its centre; larger by half, the edge repeated."""
    images, landmarks = [], np.empty_like(faces.landmarks)
    for index, image in enumerate(faces.images):
        height, width = image.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        matrix[:, 2] += (width / 4, height / 4)
        size = (width * 3 // 2, height * 3 // 2)
        images.append(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))
        landmarks[index] = faces.landmarks[index] @ matrix[:, :2].T + matrix[:, 2]
    return Faces(images, landmarks)


def auc(positive: NDArray[Any], negative: NDArray[Any]) -> float:
    """The probability that a positive scores higher than a negative; ties count half."""
    both = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    total = ranks[inverse[: len(positive)]].sum() - len(positive) * (len(positive) + 1) / 2
    return float(total / (len(positive) * len(negative)))
