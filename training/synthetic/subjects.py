"""One person: a face's shape and looks, and which Action Units they show readily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import AUS
from training.synthetic.folds import Skin
from training.synthetic.worn import Glasses, LongHair

__all__ = ["MONK", "Look", "Subject", "draw_subject"]

MONK: Final = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420",
)  # fmt: skip
"""The Monk Skin Tone scale's ten colours, sRGB, light to dark (Monk, 2019, <https://skintone.google>)."""
_HAIR: Final = ("1c1815", "2b211b", "4a3324", "6b4a2f", "93704a", "b99a6b", "8a8784")
_IRIS: Final = ("2e1c12", "4a2e1a", "6b4a26", "6f6a3a", "5d7a68", "5f7f99", "7c8a92")


@dataclass(frozen=True, slots=True)
class Look:
    """A person's colours. Colours are sRGB, 0–1.

    Attributes:
        tone: Monk Skin Tone, 1.0–10.0.
        skin, lips, hair, brows, iris: colours; the hair's is that of the cap, where one is worn.
        brow_thickness: half the brow's height at its thickest, in the face's texture (0–1).
        brow_density: 0–1.
        brow_height: how far the brow lies above its landmarks, in the texture.
        bald: the hairline's height above a usual one, in kit units; large where there is no hair.
        volume: how thick the hair on top is, in kit units.
        uneven: how tousled, 0–1.
        fringe: how low it hangs over the forehead, in kit units.
        parting: where the fringe is parted, in kit units from the middle.
        cloth: the hair is under a cap or a scarf of the hair's colour.
        stubble: 0–1.
        beard, moustache: density 0–1 and length in kit units of each; no density, no hair.
        beard_colour: colour.
        redness: of cheeks and nose, 0–1.
        freckles: 0–1.
        seed: for the texture's randomness.
    """

    tone: float
    skin: tuple[float, float, float]
    lips: tuple[float, float, float]
    hair: tuple[float, float, float]
    brows: tuple[float, float, float]
    iris: tuple[float, float, float]
    brow_thickness: float
    brow_density: float
    brow_height: float
    bald: float
    volume: float
    uneven: float
    fringe: float
    parting: float
    cloth: bool
    stubble: float
    beard: tuple[float, float]
    moustache: tuple[float, float]
    beard_colour: tuple[float, float, float]
    redness: float
    freckles: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A person.

    Attributes:
        identity: (100,) float32 weights of the kit's identity modes.
        look: colours.
        readiness: by Action Unit, what is added to the log-odds that an activity brings it about in this person.
        gain: how strong this person's expressions are; 1 is usual.
        balance: the left and right side's share of each Action Unit's intensity, the stronger one 1.
        skin: how it folds.
        long_hair: if there is any.
        glasses: if any are worn.
        rest: weights of the kit's expression shapes in this person's resting face, by name; may be negative. No Action
            Unit is in it: a mouth that droops at rest isn't AU15, which is a change.
    """

    identity: NDArray[np.float32]
    look: Look
    readiness: dict[str, float]
    gain: float
    balance: dict[str, tuple[float, float]]
    skin: Skin
    long_hair: LongHair | None
    glasses: Glasses | None
    rest: dict[str, float]


def draw_subject(rng: np.random.Generator) -> Subject:
    """A person at random."""
    identity = np.clip(rng.normal(0, 0.9, 100), -2.2, 2.2).astype(np.float32)
    shift = rng.normal(0, 0.4)
    readiness = {name: float(shift + rng.normal(0, 0.8)) for name in AUS}
    sides = np.clip(1 - np.abs(rng.normal(0, 0.1, len(AUS))), 0.75, 1)
    left = rng.random(len(AUS)) < 0.5
    look = draw_look(rng)
    haired = look.bald < 10 and not (look.beard[0] or look.moustache[0] or look.stubble)
    return Subject(
        identity=identity,
        look=look,
        readiness=readiness,
        gain=float(np.exp(rng.normal(0, 0.2))),
        balance={
            name: (1.0, float(weak)) if strong else (float(weak), 1.0)
            for name, weak, strong in zip(AUS, sides, left, strict=True)
        },
        skin=Skin.draw(rng),
        long_hair=LongHair.draw(rng) if haired and rng.random() < 0.55 else None,
        glasses=Glasses.draw(rng, rng.random() < 0.07) if rng.random() < 0.22 else None,
        rest=_rest(rng),
    )


_RESTING: Final = {  # mean, standard deviation, least, most
    "browDown": (0.05, 0.20, -0.25, 0.45),
    "browInnerUp": (0.0, 0.10, -0.2, 0.2),
    "browOuterUp": (0.0, 0.12, -0.25, 0.25),
    "eyeBlink": (0.06, 0.08, -0.08, 0.25),
    "eyeSquint": (0.05, 0.15, -0.2, 0.4),
    "mouthFrown": (0.05, 0.14, -0.2, 0.35),
    "mouthPress": (0.0, 0.15, -0.1, 0.35),
    "cheekSquint": (0.0, 0.10, -0.1, 0.25),
    "noseSneer": (0.0, 0.05, -0.1, 0.12),
}


def _rest(rng: np.random.Generator) -> dict[str, float]:
    """A resting face: low brows, heavy lids, a mouth that droops or not; hardly different left and right."""
    rest = {}
    for name, (mean, deviation, least, most) in _RESTING.items():
        both = rng.normal(mean, deviation)
        for side in "LR":
            rest[f"{name}_{side}"] = float(np.clip(both + rng.normal(0, 0.15 * deviation), least, most))
    return rest


def draw_look(rng: np.random.Generator) -> Look:
    """A person's colours at random, over the whole Monk scale."""
    tone = float(rng.uniform(1, 10))
    # Living skin is redder than the scale's cards, and the darkest are darker than a camera shows a face.
    skin = _between(MONK, tone - 1) ** (1 - 0.03 * max(tone - 4, 0)) * rng.normal([1.0, 0.95, 0.95], 0.02)
    light = (10 - tone) / 9
    pink = np.array([0.72, 0.36, 0.36]) if light > 0.4 else np.array([0.50, 0.29, 0.27])
    share = rng.uniform(0.3, 0.7)
    lips = (1 - share) * skin * 0.85 + share * pink * (0.6 + 0.4 * skin.mean())
    fair = rng.uniform(0, len(_HAIR) - 1) if tone < 5 else rng.uniform(0, 1.6)
    iris = rng.uniform(0, len(_IRIS) - 1) if tone < 5 else rng.uniform(0, 1.8)
    hair = _rgb(_between(_HAIR, fair))
    bearded = rng.random() < 0.35
    bald = rng.random() < 0.13
    cloth = not bald and rng.random() < 0.06
    volume = 0.0 if bald else float(rng.uniform(0.15, 0.9) if rng.random() < 0.8 else rng.uniform(0.9, 2.6))
    fringe = float(rng.uniform(1.0, 3.4)) if not (bald or cloth) and rng.random() < 0.35 else 0.0
    full = float(rng.uniform(0.6, 1.4)) if bearded and rng.random() < 0.5 else 0.0
    upper = float(rng.uniform(0.6, 1.4)) if bearded and rng.random() < (0.85 if full else 0.5) else 0.0
    greyer = np.clip(np.array(hair) + rng.uniform(-0.05, 0.25 if rng.random() < 0.3 else 0.0), 0.03, 0.9)
    return Look(
        tone=tone,
        skin=_rgb(skin),
        lips=_rgb(lips),
        hair=_rgb(rng.uniform(0.1, 0.8) + rng.normal(0, 0.08, 3)) if cloth else hair,
        brows=hair,
        iris=_rgb(_between(_IRIS, iris)),
        brow_thickness=float(rng.uniform(0.009, 0.019)),
        brow_density=float(rng.uniform(0.55, 1.0)),
        brow_height=float(rng.uniform(-0.004, 0.010)),
        bald=20.0 if bald else float(rng.uniform(-0.8, 1.1)),
        volume=0.5 * volume if cloth else volume,
        uneven=0.0 if cloth else float(rng.uniform(0.05, 0.4)),
        fringe=fringe,
        parting=float(rng.uniform(-3.5, 3.5)) if rng.random() < 0.7 else 8.0,
        cloth=cloth,
        stubble=float(rng.uniform(0.2, 0.9) if bearded else 0.0),
        beard=(full, float(rng.uniform(0.1, 0.9)) if full else 0.0),
        moustache=(upper, float(rng.uniform(0.08, 0.28)) if upper else 0.0),
        beard_colour=_rgb(greyer),
        redness=float(rng.uniform(0, 1) * (0.3 + 0.7 * light)),
        freckles=float(rng.uniform(0, 1) if tone < 5 and rng.random() < 0.2 else 0.0),
        seed=int(rng.integers(1 << 31)),
    )


def _between(colours: tuple[str, ...], at: float) -> NDArray[np.float64]:
    table = np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in colours])
    below = min(int(at), len(table) - 2)
    return np.asarray(table[below] + (at - below) * (table[below + 1] - table[below]))


def _rgb(colour: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = np.clip(colour, 0.01, 1).tolist()
    return red, green, blue
