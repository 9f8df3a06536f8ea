"""From Action Units' intensities to weights of the kit's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import ACTION_UNITS, lips_parted, pull
from training.synthetic.intensity import strength

__all__ = ["shape_weights"]

_MOST: Final = 1.5  # of one shape, where several Action Units move it
_LIDS: Final = "eyeBlink"  # a lid that is closed can't be closed further
_SHUT: Final = 1.05
_SQUEEZED: Final = ("eyeSquint", "cheekSquint")  # they lift the lower lid, which a closed upper one is in the way of


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
    both = {
        name: np.broadcast_to(values[:, None] if values.ndim == 1 else values, (count, 2))
        for name, values in intensities.items()
    }
    apart = np.broadcast_to(lips_parted({name: sides for name, sides in both.items() if name != "AU25"}), (count,))
    for name, sides in both.items():
        unit = ACTION_UNITS[name]
        for shape, share in unit.shapes.items():
            amount = share * pull(name, sides)
            if name == "AU25":  # it adds what the others leave to do
                amount = share * np.maximum(strength(sides) - apart[:, None], 0) * (sides > 0)
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
        weights[:, lids] = np.minimum(weights[:, lids], _SHUT)
        for squeezed in _SQUEEZED:
            weights[:, shapes[f"{squeezed}_{side}"]] *= 1 - 0.6 * np.clip(weights[:, lids], 0, 1)
    return np.minimum(weights, _MOST)
