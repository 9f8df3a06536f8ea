"""The learned projection of a text tower's features into the space of pictures and labels: the bundle's `text.onnx`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import BundleError

__all__ = ["Projection"]


class Projection:
    """Features (n, f) float32 to embeddings (n, d) float32 of length 1.

    Args:
        graph: ONNX: `features` in, `embeddings` out.
        features: f.
        dim: d.
        origin: where the graph is from, for messages.

    Raises:
        BundleError: it is no such graph.
    """

    def __init__(self, graph: bytes, features: int, dim: int, origin: str) -> None:
        import onnxruntime

        self._origin, self._shape = origin, (features, dim)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has its own kinds, without a common base
            raise self._damaged(str(error).partition("\n")[0]) from None

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Project n ≥ 0 sentences' features.

        Raises:
            BundleError: the graph doesn't do it.
        """
        wide, dim = self._shape
        if features.shape[1:] != (wide,):
            raise BundleError(f"{self._origin}: the text tower gives {features.shape[1:]} numbers, not {wide}.")
        if len(features) == 0:
            return np.zeros((0, dim), np.float32)
        try:
            [embeddings] = self._session.run(["embeddings"], {"features": features})
        except Exception as error:  # as above
            raise self._damaged(str(error).partition("\n")[0]) from None
        if embeddings.shape != (len(features), dim) or embeddings.dtype != np.float32:
            raise self._damaged(f"it gives {embeddings.dtype} {embeddings.shape}")
        if not np.all(np.abs(np.linalg.norm(embeddings.astype(np.float64), axis=1) - 1) < 1e-3):
            raise self._damaged("what it gives isn't of length 1")
        found: NDArray[np.float32] = embeddings
        return found

    def _damaged(self, why: str) -> BundleError:
        return BundleError(f"{self._origin}: text.onnx can't be used: {why}.", "Export the bundle again.")
