"""From Action Units' intensities to weights of the kit's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import ACTION_UNITS

__all__ = ["shape_weights", "strength"]

_INTENSITY: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_STRENGTH: Final = (0.0, 0.15, 0.33, 0.56, 0.8, 1.0)
_MOST: Final = 1.5  # of one shape, where several Action Units move it
_LIDS: Final = "eyeBlink"  # a lid that is closed can't be closed further
_SQUEEZED: Final = ("eyeSquint", "cheekSquint")  # they lift the lower lid, which a closed upper one is in the way of


def strength(intensity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights 0–1 of intensities 0–5, of any shape.

    FACS gives C and D the widest ranges of evidence, A and B narrow ones; the steps follow that.
    """
    return np.interp(intensity, _INTENSITY, _STRENGTH).astype(np.float32)


def shape_weights(
    intensities: Mapping[str, NDArray[np.float32]],
    shapes: Mapping[str, int],
    rest: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The shapes' weights in several frames.

    Args:
        intensities: (n,) float32 0–5 by Action Unit, or (n, 2) of the subject's left and right side; at least one.
        shapes: a shape's row by its name, `FaceKit.names`.
        rest: (len(shapes),) float32 of the resting face, which Action Units add to.

    Returns:
        (n, len(shapes)) float32, up to 1.5; negative where the resting face is.
    """
    count = len(next(iter(intensities.values())))
    weights = np.zeros((count, len(shapes)), np.float32)
    for name, values in intensities.items():
        sides = np.broadcast_to(values[:, None] if values.ndim == 1 else values, (count, 2))
        unit = ACTION_UNITS[name]
        for shape, share in unit.shapes.items():
            least = unit.least.get(shape, 0.0)
            amount = least * np.minimum(sides, 1) + (share - least) * strength(sides)
            if shape in shapes:
                weights[:, shapes[shape]] += amount.max(axis=1)
            else:
                for side, part in zip("LR", amount.T, strict=True):
                    row = shapes[f"{shape}_{side}"]
                    together = np.maximum if shape == _LIDS else np.add
                    weights[:, row] = together(weights[:, row], part)
    if rest is not None:
        weights += rest
    for side in "LR":
        lids = shapes[f"{_LIDS}_{side}"]
        weights[:, lids] = np.minimum(weights[:, lids], 1)
        for squeezed in _SQUEEZED:
            weights[:, shapes[f"{squeezed}_{side}"]] *= 1 - 0.6 * np.clip(weights[:, lids], 0, 1)
    return np.minimum(weights, _MOST)
