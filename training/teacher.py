"""A teacher for Action Units on real faces: MediaPipe's blendshapes (Apache-2.0), brought to probabilities.

There is no openly licensed set of real faces with Action Units coded by people. So the labels are weak: what MediaPipe
sees, rated against what it sees on faces called neutral. A student of it can't be better than its teacher is; the model
card says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from training.crops import widen
from training.landmarker import FaceLandmarker

__all__ = ["BLENDSHAPES", "SIDED", "TEACHER_AUS", "AuTeacher", "soft_labels"]

BLENDSHAPES: Final[dict[str, tuple[str, ...]]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU06": ("cheekSquintLeft", "cheekSquintRight"),
    "AU07": ("eyeSquintLeft", "eyeSquintRight"),
    "AU09": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU16": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU22": ("mouthFunnel",),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU26": ("jawOpen",),
    "AU28": ("mouthRollLower", "mouthRollUpper"),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""The blendshapes whose mean stands for an Action Unit (ARKit's names; the pairs follow ICT-FaceKit's table)."""

SIDED: Final = ("AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU20", "AU45")
"""The Action Units whose left and right side (the subject's, as in ARKit's names) the teacher rates alone, too."""

_SOURCES: Final[dict[str, tuple[str, ...]]] = BLENDSHAPES | {
    f"{au}_{side[0]}": tuple(name for name in BLENDSHAPES[au] if name.endswith(side))
    for au in SIDED
    for side in ("Left", "Right")
}

TEACHER_AUS: Final = tuple(sorted([*_SOURCES, "AU25"]))
"""AU25 (lips part) is no blendshape: it is the gap between the inner lips over the distance of the eyes."""

_INNER_LIPS: Final = (13, 14)  # indexes in MediaPipe's mesh
_OUTER_EYES: Final = (33, 263)
_ABSENT: Final = "neutral"
_PRESENT_QUANTILE: Final = 0.95
_STEEPNESS: Final = 3.0


class AuTeacher(FaceLandmarker):
    """Rates faces by their blendshapes.

    Args:
        model: `face_landmarker.task`.

    Raises:
        ConfigError: mediapipe isn't installed, or the model isn't there.
    """

    name = "MediaPipe face landmarker, blendshapes (Apache-2.0)"

    def __init__(self, model: Path) -> None:
        super().__init__(model, blendshapes=True)

    def values(self, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Raw values of `TEACHER_AUS`, (k,) float32, for the one face of a tight picture; None where none is seen."""
        wide, _ = widen(picture)
        seen = self.look(wide)
        if seen is None:
            return None
        mesh = seen.mesh * wide.shape[::-1]
        gap, eyes = (np.linalg.norm(mesh[a] - mesh[b]) for a, b in (_INNER_LIPS, _OUTER_EYES))
        raw = {au: float(np.mean([seen.blendshapes[name] for name in names])) for au, names in _SOURCES.items()}
        raw["AU25"] = float(gap / max(eyes, 1e-6))
        return np.array([raw[au] for au in TEACHER_AUS], np.float32)

    @staticmethod
    def soft_labels(
        values: Sequence[NDArray[np.float32] | None], table: pd.DataFrame
    ) -> dict[str, NDArray[np.float32]]:
        """Probabilities by Action Unit for a manifest's rows; the scale is set on its training split.

        Raises:
            ConfigError: the training split has no neutral faces to set the scale on.
        """
        raw = np.full((len(values), len(TEACHER_AUS)), np.nan, np.float32)
        for row, value in enumerate(values):
            if value is not None:
                raw[row] = value
        anchors = ((table["split"] == "train") & (table["activity"] == _ABSENT)).to_numpy()
        if not np.isfinite(raw[anchors, 0]).any():
            raise ConfigError(f"No face of the training split is called {_ABSENT}: nothing to set the scale on.")
        return dict(zip(TEACHER_AUS, soft_labels(raw, raw[anchors]).T, strict=True))


def soft_labels(values: NDArray[np.float32], neutral: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring raw values to probabilities, each label by itself, by what neutral faces show.

    A value is 0.5 at the 95th percentile of the neutral faces, and 0.05 at their median: `σ(3·(v − q95)/(q95 − q50))`.
    So thresholds need no coded data, and a dataset of another resolution gets its own.

    Args:
        values: (n, k) float32; NaN where unknown.
        neutral: (m, k) float32, the values of neutral faces; NaN where unknown.

    Returns:
        (n, k) float32, 0–1; NaN where unknown.
    """
    median, high = np.nanquantile(neutral, [0.5, _PRESENT_QUANTILE], axis=0)
    steps = _STEEPNESS * (values - high) / np.maximum(high - median, 1e-9)
    return (1 / (1 + np.exp(-np.clip(steps, -30, 30)))).astype(np.float32)
