"""MediaPipe's face landmarker (Apache-2.0), which labels real faces for us: where their points are, what they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import ConfigError

__all__ = ["FaceLandmarker", "Seen"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One face: `mesh` (478, 2) float64 in shares of the picture's width and height, `blendshapes` 0–1 by name."""

    mesh: NDArray[np.float64]
    blendshapes: dict[str, float]


class FaceLandmarker:
    """Looks at pictures of one face each. In a `with` block.

    Args:
        model: `face_landmarker.task`.
        blendshapes: find those as well.

    Raises:
        ConfigError: mediapipe isn't installed, or the model isn't there.
    """

    def __init__(self, model: Path, *, blendshapes: bool = False) -> None:
        try:
            from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise ConfigError(
                f"The teacher needs {error.name}, which is not installed.",
                "docs/training.md says how to install mediapipe without a second OpenCV.",
            ) from None
        if not model.is_file():
            raise ConfigError(f"The teacher's model {model} is missing.", "Fetch MediaPipe's face_landmarker.task.")
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            num_faces=1,
            min_face_detection_confidence=0.3,
            output_face_blendshapes=blendshapes,
        )
        self._landmarker = vision.FaceLandmarker.create_from_options(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._landmarker  # closes it; later, at the interpreter's end, it would fail

    def look(self, picture: NDArray[np.uint8]) -> Seen | None:
        """The face of a (H, W) uint8 picture that shows something around it; None where none is seen."""
        import mediapipe

        rgb = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        found = self._landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb))
        if not found.face_landmarks:
            return None
        shapes = found.face_blendshapes[0] if found.face_blendshapes else []
        return Seen(
            np.array([(point.x, point.y) for point in found.face_landmarks[0]]),
            {shape.category_name: shape.score for shape in shapes},
        )
