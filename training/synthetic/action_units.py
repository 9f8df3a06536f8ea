"""The one table of Action Units: what each moves, and what it goes with or excludes.

Intensities are FACS' A–E as 1–5 (0: absent), as DISFA's labels have them. An Action Unit counts as present from B on.
Every one is performed by each side of the face on its own where its muscle has two sides; where FACS coders code sides
(`SIDED`), the sides have labels of their own, and the whole one's intensity is the stronger side's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["ACTION_UNITS", "AUS", "EXCLUSIVE", "OCCURS", "SIDED", "ActionUnit", "settle"]


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One Action Unit.

    Attributes:
        facs: its name in FACS.
        shapes: weights of the kit's expression shapes at intensity E, without their side's ending: both sides move.
        source: where the shapes are from.
        least: weights that are there from intensity A on, in place of nothing: where one Action Unit begins at
            another's end.
        sided: coders tell left from right; it has columns of its own for each.
        excludes: what pulls the same skin the opposite way, or hides it; a face has one of them. Said once a pair.
        brings: Action Units that it can't be without, and how much of its intensity they have at least.
        company: what it is often seen with, and how often; for performances only.
    """

    facs: str
    shapes: dict[str, float]
    source: str
    least: dict[str, float] = field(default_factory=dict)
    sided: bool = False
    excludes: tuple[str, ...] = ()
    brings: dict[str, float] = field(default_factory=dict)
    company: dict[str, float] = field(default_factory=dict)


_KIT: Final = "the kit's table"
_EYE: Final = "the kit's table; weight by eye"
_OURS: Final = "ours: the kit has no shape for it"

ACTION_UNITS: Final[dict[str, ActionUnit]] = {
    "AU01": ActionUnit("inner brow raiser", {"browInnerUp": 1.0}, _KIT, company={"AU02": 0.35, "AU04": 0.45}),
    "AU02": ActionUnit("outer brow raiser", {"browOuterUp": 1.0}, _KIT, sided=True, company={"AU01": 0.5}),
    # The whole browDown is a frown of C or D.
    "AU04": ActionUnit("brow lowerer", {"browDown": 1.5}, _EYE, sided=True, company={"AU07": 0.15, "AU01": 0.2}),
    "AU05": ActionUnit("upper lid raiser", {"eyeWide": 1.2}, _EYE, excludes=("AU43",), company={"AU02": 0.3}),
    # The kit's table has cheekSquint alone, which lifts less.
    "AU06": ActionUnit(
        "cheek raiser", {"cheekSquint": 0.8, "cheekRaiser": 0.5}, _EYE, sided=True, company={"AU12": 0.5}
    ),
    "AU07": ActionUnit("lid tightener", {"eyeSquint": 1.3}, _EYE, sided=True, company={"AU04": 0.25}),
    "AU09": ActionUnit("nose wrinkler", {"noseSneer": 1.0}, _KIT, company={"AU04": 0.4, "AU10": 0.3}),
    # The kit's table has mouthShrugUpper, which lifts the lip as a chin pushes it.
    "AU10": ActionUnit(
        "upper lip raiser", {"mouthUpperUp": 1.0}, "ours", sided=True, brings={"AU25": 0.4}, company={"AU17": 0.2}
    ),
    "AU12": ActionUnit(
        "lip corner puller", {"mouthSmile": 1.0}, _KIT, sided=True, excludes=("AU15", "AU18"), company={"AU06": 0.4}
    ),
    "AU14": ActionUnit("dimpler", {"mouthDimple": 1.0}, _KIT, sided=True, excludes=("AU18", "AU22")),
    "AU15": ActionUnit(
        "lip corner depressor", {"mouthFrown": 1.0}, _KIT, sided=True, excludes=("AU10", "AU27"), company={"AU17": 0.25}
    ),
    "AU16": ActionUnit("lower lip depressor", {"mouthLowerDown": 1.0}, _KIT, brings={"AU25": 0.6}),
    "AU17": ActionUnit(
        "chin raiser", {"mouthShrugLower": 1.0}, _KIT, excludes=("AU16", "AU27"), company={"AU15": 0.2, "AU24": 0.15}
    ),
    "AU18": ActionUnit("lip pucker", {"mouthPucker": 1.0}, _KIT),
    "AU20": ActionUnit(
        "lip stretcher", {"mouthStretch": 1.0}, _KIT, sided=True, excludes=("AU18", "AU22"), company={"AU25": 0.4}
    ),
    "AU22": ActionUnit("lip funneler", {"mouthFunnel": 1.0}, _KIT, brings={"AU25": 0.6}),
    "AU23": ActionUnit(
        "lip tightener",
        {"mouthRollUpper": 0.4, "mouthRollLower": 0.4, "mouthPucker": 0.3, "mouthPress": 0.3},
        _OURS,
        excludes=("AU18", "AU20", "AU22", "AU25", "AU26", "AU27", "AU28", "AU12"),
        company={"AU04": 0.3, "AU24": 0.2},
    ),
    "AU24": ActionUnit(
        "lip pressor",
        {"mouthPress": 1.4},
        _EYE,
        excludes=("AU18", "AU22", "AU25", "AU26", "AU27", "AU28"),
        company={"AU17": 0.25},
    ),
    "AU25": ActionUnit("lips part", {"mouthLowerDown": 0.3, "mouthUpperUp": 0.15, "jawOpen": 0.12}, _OURS),
    # The kit's table gives the whole jawOpen to AU27, whose mouth is stretched, not just dropped.
    "AU26": ActionUnit("jaw drop", {"jawOpen": 0.5}, "the kit's table, halved", brings={"AU25": 1.0}),
    "AU27": ActionUnit(
        "mouth stretch",
        {"jawOpen": 1.1},
        "the kit's table",
        least={"jawOpen": 0.45},
        excludes=("AU26", "AU18", "AU28"),
        brings={"AU25": 1.0},
        company={"AU05": 0.3, "AU01": 0.3, "AU02": 0.3},
    ),
    "AU28": ActionUnit(
        "lip suck",
        {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
        _KIT,
        excludes=("AU10", "AU16", "AU18", "AU22", "AU25", "AU26"),
    ),
    "AU43": ActionUnit("eye closure", {"eyeBlink": 1.0}, "AU45's shape, for longer", brings={"AU45": 1.0}),
    "AU45": ActionUnit("blink", {"eyeBlink": 1.0}, _KIT, sided=True, excludes=("AU05",)),
}
"""By name. `_KIT` is the table "Expression Shapes" of the kit's README (github.com/ICT-VGL/ICT-FaceKit); weights "by
eye" were set on `contact_sheet`, so that E is as far as a face goes. A picture can't tell a blink from eyes that stay
closed: AU43, which is said of several pictures in a row, brings AU45."""

AUS: Final = tuple(ACTION_UNITS)
SIDED: Final = tuple(name for name, unit in ACTION_UNITS.items() if unit.sided)
OCCURS: Final = 2.0
"""From this intensity on an Action Unit counts as present, as DISFA's users have it."""

EXCLUSIVE: Final = tuple((name, other) for name, unit in ACTION_UNITS.items() for other in unit.excludes)


def settle(intensities: Mapping[str, float]) -> dict[str, float]:
    """A face that can be: of exclusive Action Units the stronger stays, with what it brings.

    Args:
        intensities: 0–5 by Action Unit; the rest are absent.

    Returns:
        The same without the weaker ones, and with AU25 or AU45 where another implies it.
    """
    left = {name: value for name, value in intensities.items() if value > 0}
    for one, other in EXCLUSIVE:
        if one in left and other in left:
            del left[min(one, other, key=lambda name: (left[name], name))]
    for name in list(left):
        for brought, share in ACTION_UNITS[name].brings.items():
            hidden = any({brought, other} in _PAIRS for other in left)
            if not hidden:
                left[brought] = max(left.get(brought, 0.0), share * left[name])
    return left


_PAIRS: Final = [set(pair) for pair in EXCLUSIVE]
