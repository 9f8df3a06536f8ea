"""Encoders: aligned face crops in, unit embeddings out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from clef_rt.bundle import Bundle

__all__ = ["Encoder", "load_encoder"]


class Encoder(Protocol):
    """Turns crops into embeddings. Used by one thread.

    Attributes:
        description: the engine and its provider, for logs and `clef-rt doctor` ("onnxruntime CPUExecutionProvider").
    """

    description: str

    def encode(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed a batch of crops of any size n ≥ 0.

        Args:
            crops: (n, S, S, C) uint8, as `clef_rt.align` makes them; C is 1 (luminance) or 3 (RGB), by the bundle.

        Returns:
            (n, d) float32, each row of length 1.
        """
        ...


def load_encoder(
    bundle: Bundle,
    *,
    variant: str = "",
    providers: Sequence[str] | None = None,
    threads: int | None = None,
    spinning: bool = False,
    max_batch: int = 32,
) -> Encoder:
    """Make the engine for a bundle's encoder. The choice is made here, once; `description` tells it.

    Args:
        bundle: the loaded bundle.
        variant: which of its graphs, as in `Bundle.variants`.
        providers: onnxruntime's names, the one wanted first. None: CUDA where it works, else the CPU.
        threads: of one run; None for all cores that this process may use.
        spinning: let idle threads busy-wait; for files, not for live work.
        max_batch: the most crops in one run.

    Raises:
        EncoderError: no engine can be made, or not the one that was asked for.
    """
    from clef_rt.encode.onnx import OnnxEncoder

    return OnnxEncoder(
        bundle.encoder_bytes(variant),
        size=bundle.spec.input.size,
        channels=bundle.spec.input.channels,
        embedding_dim=bundle.spec.embedding_dim,
        providers=providers,
        threads=threads,
        spinning=spinning,
        max_batch=max_batch,
    )
