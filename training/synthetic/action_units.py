"""Action Units as weights of the kit's expression shapes.

Which shape shows which Action Unit is the kit's own table (its README, "Expression Shapes"), except where `SHAPES`
says otherwise. Intensities are FACS' A–E as 1–5 (0: absent), as DISFA's labels have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["AUS", "EXCLUSIVE", "OCCURS", "SHAPES", "settle", "shape_weights", "strength"]

SHAPES: Final[dict[str, dict[str, float]]] = {
    "AU01": {"browInnerUp": 1.0},
    "AU02": {"browOuterUp": 1.0},
    "AU04": {"browDown": 1.5},  # the whole shape is a frown of C or D
    "AU05": {"eyeWide": 1.2},
    "AU06": {"cheekSquint": 0.8, "cheekRaiser": 0.5},  # the kit's table has cheekSquint alone, which lifts less
    "AU07": {"eyeSquint": 1.3},
    "AU09": {"noseSneer": 1.0},
    "AU10": {"mouthUpperUp": 1.0},  # the table's mouthShrugUpper lifts the lip as a chin pushes it, not as AU10 does
    "AU12": {"mouthSmile": 1.0},
    "AU14": {"mouthDimple": 1.0},
    "AU15": {"mouthFrown": 1.0},
    "AU16": {"mouthLowerDown": 1.0},
    "AU17": {"mouthShrugLower": 1.0},
    "AU18": {"mouthPucker": 1.0},
    "AU20": {"mouthStretch": 1.0},
    "AU22": {"mouthFunnel": 1.0},
    "AU24": {"mouthPress": 1.4},
    "AU25": {"mouthLowerDown": 0.3, "mouthUpperUp": 0.15, "jawOpen": 0.12},  # ours: the table has no AU25
    "AU26": {"jawOpen": 0.5},  # the table gives the whole jawOpen to AU27
    "AU28": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "AU45": {"eyeBlink": 1.0},
}
"""The shapes of each Action Unit at intensity E, without their side's ending; of two-sided shapes both are moved.

Weights other than the table's 1 were set by eye on `contact_sheet`, so that E is as far as a face goes.
"""

AUS: Final = tuple(SHAPES)

_INTENSITY: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_STRENGTH: Final = (0.0, 0.15, 0.33, 0.56, 0.8, 1.0)
OCCURS: Final = 2.0
"""From this intensity on an Action Unit counts as present, as DISFA's users have it."""

EXCLUSIVE: Final = (
    ("AU12", "AU15"),
    ("AU12", "AU18"),
    ("AU15", "AU10"),
    ("AU20", "AU18"),
    ("AU20", "AU22"),
    ("AU24", "AU18"),
    ("AU24", "AU22"),
    ("AU24", "AU25"),
    ("AU24", "AU26"),
    ("AU24", "AU28"),
    ("AU28", "AU10"),
    ("AU28", "AU16"),
    ("AU28", "AU18"),
    ("AU28", "AU22"),
    ("AU28", "AU25"),
    ("AU28", "AU26"),
)
"""Pairs that pull the same skin opposite ways, or one of which hides the other: a performance has one of them."""

_MOST: Final = 1.5  # of one shape, where several Action Units move it
_PARTS_LIPS: Final = {"AU26": 1.0, "AU16": 0.6, "AU22": 0.6, "AU10": 0.4}  # AU25 is at least so much of these


def strength(intensity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights 0–1 of intensities 0–5, of any shape.

    FACS gives C and D the widest ranges of evidence, A and B narrow ones; the steps follow that.
    """
    return np.interp(intensity, _INTENSITY, _STRENGTH).astype(np.float32)


def settle(intensities: Mapping[str, float]) -> dict[str, float]:
    """A face that can be: of exclusive Action Units the stronger stays, and what parts the lips adds AU25.

    Args:
        intensities: 0–5 by Action Unit; the rest are absent.

    Returns:
        The same without the weaker ones, and with AU25 where another implies it.
    """
    left = {name: value for name, value in intensities.items() if value > 0}
    for one, other in EXCLUSIVE:
        if one in left and other in left:
            del left[min(one, other, key=lambda name: (left[name], name))]
    parted = max((share * left.get(name, 0.0) for name, share in _PARTS_LIPS.items()), default=0.0)
    if parted > left.get("AU25", 0.0) and not left.keys() & {"AU24", "AU28"}:
        left["AU25"] = parted
    return left


def shape_weights(
    intensities: Mapping[str, NDArray[np.float32]],
    shapes: Mapping[str, int],
    balance: Mapping[str, tuple[float, float]] | None = None,
) -> NDArray[np.float32]:
    """The shapes' weights in several frames.

    Args:
        intensities: (n,) float32 0–5 by Action Unit, at least one.
        shapes: a shape's row by its name, `FaceKit.names`.
        balance: the left and right side's share of an Action Unit's strength, 0–1; both whole where it isn't named.

    Returns:
        (n, len(shapes)) float32, 0–1.5.
    """
    count = len(next(iter(intensities.values())))
    weights = np.zeros((count, len(shapes)), np.float32)
    for name, values in intensities.items():
        left, right = (balance or {}).get(name, (1.0, 1.0))
        for shape, share in SHAPES[name].items():
            amount = share * strength(values)
            if shape in shapes:
                weights[:, shapes[shape]] += amount * max(left, right)
            else:
                weights[:, shapes[f"{shape}_L"]] += amount * left
                weights[:, shapes[f"{shape}_R"]] += amount * right
    return np.minimum(weights, _MOST)
