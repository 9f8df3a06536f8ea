"""What every engine holds its graph, its crops and its embeddings against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle.files import outside_weights
from clef_rt.errors import EncoderError

__all__ = ["AGAIN", "check_crops", "check_signature", "check_unit", "first_line", "refuse_outside_weights"]

AGAIN: Final = "Export the bundle again with `python -m export bundle`."

Side = tuple[str, str, tuple[object, ...]]


def check_crops(crops: NDArray[np.uint8], crop: tuple[int, int, int]) -> None:
    """Hold a batch against the shape of a crop.

    Raises:
        ValueError: it is of another shape or dtype.
    """
    if crops.dtype != np.uint8 or crops.shape[1:] != crop:
        raise ValueError(f"expected uint8 (n, {', '.join(map(str, crop))}), got {crops.dtype} {crops.shape}")


def check_signature(found: list[Side], crop: tuple[int, int, int], dim: int) -> None:
    """Hold a graph's inputs and outputs against what the bundle says.

    Args:
        found: each one's name, dtype and shape, inputs first. The first dimension is free where it is no number.
        crop: (S, S, C).
        dim: d.

    Raises:
        EncoderError: they differ.
    """
    wanted = [("faces", "uint8", crop), ("embeddings", "float32", (dim,))]
    fixed = [name for name, _, shape in found if shape and isinstance(shape[0], int) and shape[0] >= 0]
    inner = [(name, dtype, tuple(shape[1:])) for name, dtype, shape in found]
    if inner != wanted or fixed:
        batch = f", and {' and '.join(fixed)} of fixed batch" if fixed else ""
        raise EncoderError(f"The encoder's graph has {inner}{batch}; the bundle says {wanted}.", AGAIN)


def check_unit(encode: Callable[[NDArray[np.uint8]], NDArray[np.float32]], crop: tuple[int, int, int]) -> None:
    """Run two crops through an engine, so that one that doesn't work is refused before the first frame.

    Raises:
        EncoderError: it fails, or gives embeddings that aren't of length 1.
    """
    ramp = np.linspace(0, 255, int(np.prod(crop))).astype(np.uint8).reshape(crop)
    out = encode(np.stack([ramp, 255 - ramp]))
    with np.errstate(all="ignore"):
        unit = out.ndim == 2 and len(out) == 2 and bool(np.all(np.abs(np.linalg.norm(out, axis=1) - 1) < 1e-2))
    if not unit:  # NaN isn't either
        raise EncoderError(f"The encoder gives {out.shape} embeddings that aren't all of length 1.", AGAIN)


def refuse_outside_weights(model: bytes) -> None:
    """Refuse a graph that keeps weights in other files: no hash covers those.

    Raises:
        EncoderError: it does.
    """
    if outside_weights(model):
        raise EncoderError("The encoder's graph keeps weights in other files.", "Export it with external_data=False.")


def first_line(error: Exception) -> str:
    """What a library's error says, short enough for a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
