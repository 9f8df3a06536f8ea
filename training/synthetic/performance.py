"""How a recording unfolds: which Action Units it has, of which side, and their course in time.

Which ones is drawn from one of four: what the activity brings about, each on its own odds; a prototype, the combination
that EMFACS has for the activity's emotion; a solo, one Action Unit alone, in its usual company or beside any other, so
that none is rare and none is only seen together with another; or nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import ACTION_UNITS, AUS, SIDED, settle
from training.synthetic.activities import ACTIVITIES, PROTOTYPES
from training.synthetic.subjects import Subject

__all__ = ["Performance", "perform"]

_SOLO, _PROTOTYPE, _NOTHING = 0.40, 0.34, 0.055  # shares of the recordings; the rest are of the activity's odds
_SOLOS: Final[dict[str, float]] = dict.fromkeys(AUS, 1.0) | {
    "AU01": 1.5, "AU02": 0.8, "AU04": 1.6, "AU05": 1.2, "AU06": 1.0, "AU07": 0.8, "AU09": 2.0, "AU10": 1.5,
    "AU12": 0.9, "AU14": 1.9, "AU15": 2.6, "AU16": 5.0, "AU17": 1.8, "AU18": 5.8, "AU20": 1.0, "AU22": 5.2,
    "AU23": 7.2, "AU24": 3.0, "AU25": 0.3, "AU26": 2.4, "AU27": 4.4, "AU28": 7.4, "AU43": 2.8, "AU45": 0.3,
}  # fmt: skip
"""How often each is the solo: those that activities seldom bring about more often, so that none is rare."""

_COMPANY: Final = 0.5  # how often a solo has its usual company
_BESIDE: Final = 0.45  # how often another solo is added to what there is, and one more to that
_ONE_SIDED: Final = 0.28  # of recordings: an Action Unit of one side, or much more of one side
_BLINKS: Final = {"sad_documentary": 0.16, "burst_of_sound": 0.22, "cold_pack": 0.18}  # a frame's probability
_BLINK: Final = 0.08
_SPEECH: Final = {"silly_song": 0.8, "talk": 0.9, "comedy": 0.2, "insult": 0.2}  # how surely lips move as in speech
_SPOKEN: Final = ("AU25", "AU26", "AU22", "AU18", "AU16")
_STRAY: Final = 0.015  # any other Action Unit's probability
_FAR: Final = 0.12  # of recordings: the head turns far


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """A recording, frame by frame.

    Attributes:
        intensities: (n, 2) float32 0–5 of the subject's left and right side, of each Action Unit that moves at all.
        gaze: (n, 2) float32 yaw and pitch of the eyes relative to the head, radians.
        turns: (n, 3) float32 yaw, pitch and roll of the head, radians.
    """

    intensities: dict[str, NDArray[np.float32]]
    gaze: NDArray[np.float32]
    turns: NDArray[np.float32]


def perform(activity: str, subject: Subject, frames: int, rng: np.random.Generator) -> Performance:
    """One recording of a person at an activity.

    Args:
        activity: key of `ACTIVITIES`.
        subject: the person; what they show readily, and how strongly, is theirs.
        frames: how many, evenly spread over the recording.
        rng: its randomness.
    """
    time = (np.arange(frames) + rng.uniform(0, 1, frames)) / frames
    event = rng.uniform(-0.12, 0.25)
    speaks = rng.random() < _SPEECH.get(activity, 0.05)
    syllables = rng.uniform(0.1, 1.0, frames)
    peaks = _peaks(activity, subject, rng)
    sides = _sides(peaks, subject, rng)
    spoken = _SPOKEN if len(peaks.keys() & set(_SPOKEN)) > 1 else ()
    curves = {
        name: peak * _course(time, event, rng) * (syllables if speaks and name in spoken else 1.0)
        for name, peak in peaks.items()
    }
    faces = [settle({name: float(curve[i]) for name, curve in curves.items()}, sides) for i in range(frames)]
    for face in faces:
        if rng.random() < _BLINKS.get(activity, _BLINK) and "AU45" not in peaks:
            face["AU45"] = max(float(rng.uniform(1.5, 5)), face.get("AU45", 0.0))
            face.pop("AU05", None)  # lids don't close and widen at once
    moving = sorted(set().union(*faces)) or ["AU25"]
    intensities = {
        name: np.array([[face.get(name, 0.0) * share for share in sides[name]] for face in faces], np.float32).round(2)
        for name in moving
    }
    if "AU43" in intensities:  # a lid that stays closed is closed
        intensities["AU45"] = np.maximum(intensities["AU45"], intensities["AU43"])
    gaze = rng.normal(0, 0.06, 2) + np.where(
        rng.random((frames, 1)) < 0.15, rng.normal(0, [0.15, 0.08], (frames, 2)), 0
    )
    return Performance(intensities, np.asarray(np.clip(gaze, -0.35, 0.35), np.float32), _turns(frames, rng))


def _peaks(activity: str, subject: Subject, rng: np.random.Generator) -> dict[str, float]:
    """Which Action Units this recording has, and how strong each gets."""
    kind = rng.random()
    if kind < _NOTHING:
        return {}
    peaks: dict[str, float] = {}
    if (kind := kind - _NOTHING) < _SOLO:
        solo = _solo(rng)
        company = ACTION_UNITS[solo].company if rng.random() < _COMPANY else {}
        peaks = {name: float(rng.uniform(1.5, 4.5)) for name, chance in company.items() if rng.random() < chance}
        peaks[solo] = float(rng.uniform(1.8, 5))
    elif kind - _SOLO < _PROTOTYPE:
        chosen = PROTOTYPES[activity][int(rng.integers(len(PROTOTYPES[activity])))]
        level = rng.uniform(2.2, 4.8)
        peaks = {name: _peak(level * subject.gain, rng) for name in chosen if len(chosen) == 1 or rng.random() < 0.95}
    else:
        for name, readiness in subject.readiness.items():
            chance, mean = ACTIVITIES[activity].get(name, (_STRAY, 2.0))
            odds = chance / (1 - chance) * np.exp(readiness)
            if name != "AU45" and rng.random() < odds / (1 + odds):
                peaks[name] = _peak((mean + 0.4) * subject.gain, rng)
    while rng.random() < _BESIDE:
        beside = _solo(rng)
        if beside not in peaks and beside in settle(dict.fromkeys(peaks, 1.0) | {beside: 0.5}):
            peaks[beside] = float(rng.uniform(1.8, 5))
    return _possible(peaks)


def _possible(peaks: dict[str, float]) -> dict[str, float]:
    """Peaks without what others exclude; what they bring comes and goes with them, and has no course of its own."""
    kept = settle(peaks)
    return {name: peak for name, peak in peaks.items() if name in kept}


def _solo(rng: np.random.Generator) -> str:
    odds = np.array([_SOLOS[name] for name in AUS])
    return AUS[int(rng.choice(len(AUS), p=odds / odds.sum()))]


def _peak(mean: float, rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(mean, 0.8), 0.6, 5))


def _sides(peaks: dict[str, float], subject: Subject, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """The left and right side's share of every Action Unit; to the peaks it may add one of one side."""
    sides = dict(subject.balance)
    if not peaks or rng.random() >= _ONE_SIDED:
        return sides
    could = [name for name in peaks if name in SIDED and not (name == "AU45" and "AU43" in peaks)]
    if not could or rng.random() < 0.3:
        new = SIDED[int(rng.integers(len(SIDED)))]
        with_it = _possible(peaks | {new: float(rng.uniform(2.2, 5))})
        if new not in with_it or (new == "AU45" and "AU43" in peaks):
            return sides
        peaks.clear()
        peaks.update(with_it)
        could = [new]
    left = rng.random() < 0.5
    chosen = {could[int(rng.integers(len(could)))]}
    chosen |= {name for name in could if rng.random() < 0.3}
    for name in sorted(chosen):  # a set has no order of its own
        weak = 0.0 if rng.random() < 0.7 else float(rng.uniform(0.1, 0.4))
        sides[name] = (1.0, weak) if left else (weak, 1.0)
        peaks[name] = max(peaks[name], float(rng.uniform(2.2, 5)))  # a face is one-sided where it is seen
    return sides


def _course(time: NDArray[np.float64], event: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Onset, apex and offset as 0–1 over a recording's time 0–1: smooth, and some last until the end."""
    start = event + rng.normal(0, 0.06)
    onset, apex, offset = rng.uniform(0.06, 0.2), rng.uniform(0.45, 1.0), rng.uniform(0.08, 0.3)
    up = np.clip((time - start) / onset, 0, 1)
    down = np.clip((time - start - onset - apex) / offset, 0, 1)
    smooth = [x * x * (3 - 2 * x) for x in (up, down)]
    return np.asarray(smooth[0] * (1 - smooth[1]) * np.clip(1 + rng.normal(0, 0.06, len(time)), 0.8, 1))


def _turns(frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A head that sways about one direction: mostly within ±15°, in some recordings to ±35° of yaw."""
    usual = rng.normal(0, np.deg2rad([6.0, 4.5, 3.5]))
    limit = np.deg2rad([15.0, 15.0, 15.0])
    if rng.random() < _FAR:
        usual[0] = np.sign(usual[0]) * np.deg2rad(rng.uniform(15, 32))
        limit = np.deg2rad([35.0, 18.0, 15.0])
    sway = np.cumsum(rng.normal(0, np.deg2rad([1.8, 1.3, 0.9]), (frames, 3)), axis=0)
    return np.asarray(np.clip(usual + sway - sway.mean(axis=0), -limit, limit), np.float32)
