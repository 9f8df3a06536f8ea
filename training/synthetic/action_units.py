"""The one table of Action Units: what each moves, and what it goes with or excludes.

Intensities are FACS' A–E as 1–5 (0: absent), as DISFA's labels have them. An Action Unit counts as present from B on.
Every one is performed by each side of the face on its own where its muscle has two sides; where FACS coders code sides
(`SIDED`), the sides have labels of their own, and the whole one's intensity is the stronger side's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.intensity import intensity, strength

__all__ = ["ACTION_UNITS", "AUS", "EXCLUSIVE", "SIDED", "ActionUnit", "lips_parted", "pull", "settle"]


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One Action Unit.

    Attributes:
        facs: its name in FACS.
        shapes: weights of the kit's expression shapes at intensity E, without their side's ending: both sides move.
        source: where the shapes are from.
        begins: the share of the weights that is there at A already: where one Action Unit begins at another's end.
        sided: coders tell left from right; it has columns of its own for each.
        excludes: what pulls the same skin the opposite way, or hides it; a face has one of them. Said once a pair.
        parts: how far it parts the lips at E, as a share of AU25's E; below 0 it closes them.
        brings: Action Units that it can't be without, and how much of its intensity they have at least.
        company: what it is often seen with, and how often; for performances only.
    """

    facs: str
    shapes: dict[str, float]
    source: str
    begins: float = 0.0
    sided: bool = False
    excludes: tuple[str, ...] = ()
    parts: float = 0.0
    brings: dict[str, float] = field(default_factory=dict)
    company: dict[str, float] = field(default_factory=dict)


_KIT: Final = "the kit's table"
_EYE: Final = "the kit's table; weight by eye"
_OURS: Final = "ours: the kit has no shape for it"

ACTION_UNITS: Final[dict[str, ActionUnit]] = {
    "AU01": ActionUnit("inner brow raiser", {"browInnerUp": 1.15}, _EYE, company={"AU02": 0.3, "AU04": 0.65}),
    "AU02": ActionUnit("outer brow raiser", {"browOuterUp": 1.0}, _KIT, sided=True, company={"AU01": 0.5}),
    # The whole browDown is a frown of C or D.
    "AU04": ActionUnit("brow lowerer", {"browDown": 1.5}, _EYE, sided=True, company={"AU07": 0.15, "AU01": 0.35}),
    "AU05": ActionUnit("upper lid raiser", {"eyeWide": 1.2}, _EYE, excludes=("AU43",), company={"AU02": 0.3}),
    # The kit's table has cheekSquint alone, which lifts less.
    "AU06": ActionUnit(
        "cheek raiser", {"cheekSquint": 0.8, "cheekRaiser": 0.5}, _EYE, sided=True, company={"AU12": 0.5}
    ),
    "AU07": ActionUnit("lid tightener", {"eyeSquint": 1.3}, _EYE, sided=True, company={"AU04": 0.25}),
    # The whole noseSneer lifts the upper lip as far as AU10 does.
    "AU09": ActionUnit(
        "nose wrinkler",
        {"noseSneer": 1.15, "mouthUpperUp": -0.55},
        _EYE,
        parts=0.46,
        company={"AU04": 0.4, "AU10": 0.3},
    ),
    # The kit's table has mouthShrugUpper, which lifts the lip as a chin pushes it.
    "AU10": ActionUnit("upper lip raiser", {"mouthUpperUp": 1.0}, "ours", sided=True, parts=1.0, company={"AU17": 0.2}),
    "AU12": ActionUnit(
        "lip corner puller", {"mouthSmile": 1.0}, _KIT, sided=True, excludes=("AU15", "AU18"), company={"AU06": 0.4}
    ),
    "AU14": ActionUnit("dimpler", {"mouthDimple": 1.0}, _KIT, sided=True, excludes=("AU18", "AU22")),
    "AU15": ActionUnit(
        "lip corner depressor", {"mouthFrown": 1.0}, _KIT, sided=True, excludes=("AU10", "AU27"), company={"AU17": 0.25}
    ),
    "AU16": ActionUnit("lower lip depressor", {"mouthLowerDown": 1.0}, _KIT, parts=0.97),
    "AU17": ActionUnit(
        "chin raiser",
        {"mouthShrugLower": 1.0},
        _KIT,
        parts=-0.98,
        excludes=("AU16", "AU27"),
        company={"AU15": 0.2, "AU24": 0.15},
    ),
    "AU18": ActionUnit("lip pucker", {"mouthPucker": 1.0}, _KIT),
    "AU20": ActionUnit(
        "lip stretcher", {"mouthStretch": 1.0}, _KIT, sided=True, excludes=("AU18", "AU22"), company={"AU25": 0.4}
    ),
    "AU22": ActionUnit("lip funneler", {"mouthFunnel": 1.0}, _KIT, parts=1.96),
    "AU23": ActionUnit(
        "lip tightener",
        {"mouthRollUpper": 0.4, "mouthRollLower": 0.4, "mouthPucker": 0.3, "mouthPress": 0.3},
        _OURS,
        parts=-0.24,
        excludes=("AU10", "AU16", "AU18", "AU20", "AU22", "AU25", "AU26", "AU27", "AU28", "AU12"),
        company={"AU04": 0.3, "AU24": 0.2},
    ),
    "AU24": ActionUnit(
        "lip pressor",
        {"mouthPress": 1.4},
        _EYE,
        parts=-0.51,
        excludes=("AU10", "AU16", "AU18", "AU22", "AU25", "AU26", "AU27", "AU28"),
        company={"AU17": 0.25},
    ),
    "AU25": ActionUnit("lips part", {"mouthLowerDown": 0.3, "mouthUpperUp": 0.15, "jawOpen": 0.12}, _OURS),
    # The kit's table gives the whole jawOpen to AU27, whose mouth is stretched, not just dropped.
    "AU26": ActionUnit("jaw drop", {"jawOpen": 0.5}, "the kit's table, halved", parts=2.34),
    "AU27": ActionUnit(
        "mouth stretch",
        {"jawOpen": 1.1},
        "the kit's table",
        begins=0.4,
        excludes=("AU26", "AU18", "AU28"),
        parts=5.1,
        company={"AU05": 0.3, "AU01": 0.3, "AU02": 0.3},
    ),
    "AU28": ActionUnit(
        "lip suck",
        {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
        _KIT,
        parts=-0.27,
        excludes=("AU10", "AU16", "AU18", "AU22", "AU25", "AU26"),
    ),
    "AU43": ActionUnit("eye closure", {"eyeBlink": 1.05}, "AU45's shape, for longer", brings={"AU45": 1.0}),
    "AU45": ActionUnit("blink", {"eyeBlink": 1.05}, _KIT, sided=True, excludes=("AU05",)),
}
"""By name. `_KIT` is the table "Expression Shapes" of the kit's README (github.com/ICT-VGL/ICT-FaceKit); weights "by
eye" were set on `contact_sheet`, so that E is as far as a face goes; `parts` was measured on its neutral face. A
picture can't tell a blink from eyes that stay closed: AU43, which is said of several pictures in a row, brings AU45.
"""

AUS: Final = tuple(ACTION_UNITS)
SIDED: Final = tuple(name for name, unit in ACTION_UNITS.items() if unit.sided)
EXCLUSIVE: Final = tuple((name, other) for name, unit in ACTION_UNITS.items() for other in unit.excludes)


def settle(
    intensities: Mapping[str, float], sides: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, float]:
    """A face that can be: of exclusive Action Units the stronger stays, with what it brings.

    Lips that others part are parted: AU25 is what the gap between them says.

    Args:
        intensities: 0–5 by Action Unit; the rest are absent.
        sides: the left and right side's share of an Action Unit; both whole where it isn't named.

    Returns:
        The same without the weaker ones, and with AU25 or AU45 where others imply it.
    """
    left = {name: value for name, value in intensities.items() if value > 0}
    for one, other in EXCLUSIVE:
        if one in left and other in left:
            del left[min(one, other, key=lambda name: (left[name], name))]
    for name in list(left):
        for brought, share in ACTION_UNITS[name].brings.items():
            left[brought] = max(left.get(brought, 0.0), share * left[name])
    shares = {name: (sides or {}).get(name, (1.0, 1.0)) for name in left}
    parted = lips_parted({name: np.array([left[name] * s for s in shares[name]]) for name in left})
    gap = float(intensity(parted))
    if gap > max(left.get("AU25", 0.0), _HARDLY) and not any({"AU25", name} in _PAIRS for name in left):
        left["AU25"] = gap
    return left


def pull(name: str, intensities: NDArray[np.floating]) -> NDArray[np.float32]:
    """How strongly an Action Unit moves its shapes, 0–1, at intensities 0–5 of any shape."""
    begins = ACTION_UNITS[name].begins
    return np.asarray(begins * np.minimum(intensities, 1) + (1 - begins) * strength(intensities), np.float32)


def lips_parted(intensities: Mapping[str, NDArray[np.floating]]) -> NDArray[np.float32]:
    """How far all but AU25 part the lips, as a share of AU25's E; below 0 they press them together.

    Args:
        intensities: (..., 2) 0–5 of the left and right side, by Action Unit.

    Returns:
        (...) float32.
    """
    total = np.zeros((), np.float32)
    for name, values in intensities.items():
        if parts := ACTION_UNITS[name].parts:
            total = total + parts * pull(name, values).mean(axis=-1)
    return np.asarray(total, np.float32)


_PAIRS: Final = [set(pair) for pair in EXCLUSIVE]
_HARDLY: Final = 0.5  # an AU25 below this isn't worth a label
