"""onnxruntime on a GPU: batches of fixed sizes in memory that is bound to the session once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clef_rt.encode.batches import Profile

__all__ = ["BoundSession"]


@dataclass(frozen=True, slots=True)
class _Bound:
    staging: NDArray[np.uint8]
    faces: Any
    embeddings: Any
    binding: Any


class BoundSession:
    """A session with input and output on the device, one pair for each batch size.

    All sizes are run once at the start: CUDA's libraries choose their kernels at a size's first run, which takes long.

    Args:
        session: onnxruntime's.
        device: `cuda`, or `cpu`.
        crop: (S, S, C).
        dim: d.
        profile: the batch sizes.
    """

    def __init__(self, session: Any, device: str, crop: tuple[int, int, int], dim: int, profile: Profile) -> None:
        self._session = session
        self._bound = {size: _bind(session, device, (size, *crop), (size, dim)) for size in profile.sizes}
        for size, bound in self._bound.items():
            self.run(bound.staging, size)

    def run(self, crops: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
        """Run one batch.

        Args:
            crops: up to `size` of them.
            size: one of the profile's.

        Returns:
            (size, d) float32; the rows behind the crops' own are of no use.
        """
        bound = self._bound[size]
        bound.staging[: len(crops)] = crops
        bound.faces.update_inplace(bound.staging)
        self._session.run_with_iobinding(bound.binding)
        embeddings: NDArray[np.float32] = bound.embeddings.numpy()
        return embeddings


def _bind(session: Any, device: str, faces: tuple[int, ...], embeddings: tuple[int, ...]) -> _Bound:
    import onnxruntime as ort

    bound = _Bound(
        np.zeros(faces, np.uint8),
        ort.OrtValue.ortvalue_from_shape_and_type(faces, np.uint8, device, 0),
        ort.OrtValue.ortvalue_from_shape_and_type(embeddings, np.float32, device, 0),
        session.io_binding(),
    )
    bound.binding.bind_ortvalue_input("faces", bound.faces)
    bound.binding.bind_ortvalue_output("embeddings", bound.embeddings)
    return bound
