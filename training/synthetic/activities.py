"""What people do in front of the camera, as a distribution over Action Units, and how it unfolds in time.

The eight tasks are of the kind that BP4D elicits spontaneous expressions with (Zhang et al., *BP4D-Spontaneous*, Image
and Vision Computing 2014); the ninth is talk without a particular feeling. The figures are ours, set by what EMFACS
calls an emotion's Action Units, and mixed so that each is seen in several activities. They say nothing of real people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.action_units import settle
from training.synthetic.subjects import Subject

__all__ = ["ACTIVITIES", "Performance", "perform"]

ACTIVITIES: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "comedy": {
        "AU12": (0.85, 3.2), "AU06": (0.70, 2.9), "AU25": (0.60, 2.6), "AU26": (0.40, 2.2), "AU07": (0.35, 2.2),
        "AU10": (0.15, 2.0), "AU14": (0.12, 2.2), "AU02": (0.15, 2.0), "AU01": (0.12, 2.0), "AU17": (0.08, 2.0),
    },
    "sad_documentary": {
        "AU01": (0.50, 2.7), "AU04": (0.50, 2.7), "AU15": (0.50, 2.7), "AU17": (0.45, 2.6), "AU14": (0.18, 2.2),
        "AU24": (0.25, 2.4), "AU07": (0.22, 2.2), "AU12": (0.10, 2.0), "AU25": (0.15, 2.0), "AU28": (0.12, 2.4),
    },
    "burst_of_sound": {
        "AU01": (0.55, 3.0), "AU02": (0.60, 3.0), "AU05": (0.55, 3.0), "AU25": (0.55, 2.8), "AU26": (0.50, 3.0),
        "AU12": (0.35, 2.6), "AU06": (0.20, 2.4), "AU04": (0.20, 2.3), "AU20": (0.18, 2.4), "AU07": (0.15, 2.2),
    },
    "silly_song": {
        "AU12": (0.60, 2.5), "AU06": (0.40, 2.4), "AU14": (0.30, 2.5), "AU25": (0.65, 2.7), "AU26": (0.55, 2.5),
        "AU18": (0.28, 2.8), "AU22": (0.28, 2.6), "AU02": (0.30, 2.5), "AU01": (0.22, 2.4), "AU24": (0.15, 2.4),
    },
    "threat": {
        "AU01": (0.48, 2.7), "AU02": (0.32, 2.5), "AU04": (0.45, 2.6), "AU05": (0.50, 2.8), "AU20": (0.45, 2.8),
        "AU25": (0.45, 2.6), "AU26": (0.32, 2.5), "AU12": (0.22, 2.3), "AU07": (0.25, 2.3), "AU14": (0.12, 2.2),
    },
    "cold_pack": {
        "AU04": (0.60, 3.0), "AU07": (0.55, 3.0), "AU06": (0.35, 2.6), "AU09": (0.28, 2.5), "AU10": (0.32, 2.5),
        "AU20": (0.28, 2.6), "AU25": (0.38, 2.5), "AU12": (0.22, 2.3), "AU17": (0.20, 2.4), "AU24": (0.25, 2.6),
    },
    "insult": {
        "AU04": (0.58, 2.8), "AU07": (0.45, 2.7), "AU24": (0.45, 2.8), "AU14": (0.35, 2.5), "AU10": (0.25, 2.4),
        "AU17": (0.30, 2.5), "AU05": (0.22, 2.3), "AU15": (0.22, 2.4), "AU12": (0.18, 2.2), "AU02": (0.15, 2.2),
    },
    "bad_smell": {
        "AU09": (0.60, 3.0), "AU10": (0.55, 3.0), "AU04": (0.48, 2.6), "AU07": (0.42, 2.6), "AU06": (0.28, 2.3),
        "AU17": (0.32, 2.6), "AU25": (0.32, 2.3), "AU16": (0.20, 2.5), "AU15": (0.18, 2.3), "AU12": (0.15, 2.2),
    },
    "talk": {
        "AU25": (0.75, 2.5), "AU26": (0.55, 2.2), "AU22": (0.28, 2.4), "AU18": (0.25, 2.4), "AU12": (0.28, 2.2),
        "AU02": (0.25, 2.3), "AU01": (0.22, 2.3), "AU14": (0.18, 2.3), "AU16": (0.25, 2.3), "AU28": (0.12, 2.4),
    },
}  # fmt: skip
"""By activity: each Action Unit's probability in a recording, and its mean peak intensity where it is there."""

_BLINKS: Final = {"sad_documentary": 0.16, "burst_of_sound": 0.22, "cold_pack": 0.18}  # a frame's probability
_BLINK: Final = 0.08
_SPEECH: Final = {"silly_song": 0.9, "talk": 0.9, "comedy": 0.2, "insult": 0.3}  # how surely lips move as in speech
_SPOKEN: Final = ("AU25", "AU26", "AU22", "AU18", "AU16")
_STRAY: Final = 0.03  # any other Action Unit's probability


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """A recording, frame by frame.

    Attributes:
        intensities: (n,) float32 0–5 of each Action Unit that moves at all.
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
    event = rng.uniform(0.1, 0.5)
    speaks = rng.random() < _SPEECH.get(activity, 0.05)
    syllables = rng.uniform(0.1, 1.0, frames)
    curves = {
        name: peak * _course(time, event, rng) * (syllables if speaks and name in _SPOKEN else 1.0)
        for name, peak in _peaks(activity, subject, rng).items()
    }
    faces = [settle({name: float(curve[i]) for name, curve in curves.items()}) for i in range(frames)]
    for face in faces:
        if rng.random() < _BLINKS.get(activity, _BLINK):
            face["AU45"] = float(rng.uniform(1.5, 5))
            face.pop("AU05", None)  # lids don't close and widen at once
    moving = sorted(set().union(*faces)) or ["AU25"]
    intensities = {name: np.array([face.get(name, 0.0) for face in faces], np.float32).round(2) for name in moving}
    gaze = rng.normal(0, 0.06, 2) + np.where(
        rng.random((frames, 1)) < 0.15, rng.normal(0, [0.15, 0.08], (frames, 2)), 0
    )
    return Performance(intensities, np.asarray(np.clip(gaze, -0.35, 0.35), np.float32), _turns(frames, rng))


def _peaks(activity: str, subject: Subject, rng: np.random.Generator) -> dict[str, float]:
    """Which Action Units this recording has, and how strong each gets."""
    expected = ACTIVITIES[activity]
    peaks = {}
    for name, readiness in subject.readiness.items():
        chance, mean = expected.get(name, (_STRAY, 2.0))
        odds = chance / (1 - chance) * np.exp(readiness)
        if name != "AU45" and rng.random() < odds / (1 + odds):
            peaks[name] = float(np.clip(rng.normal(mean * subject.gain, 0.8), 0.6, 5))
    return settle(peaks)


def _course(time: NDArray[np.float64], event: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Onset, apex and offset as 0–1 over a recording's time 0–1: smooth, and some last until the end."""
    start = event + rng.normal(0, 0.06)
    onset, apex, offset = rng.uniform(0.06, 0.2), rng.uniform(0.15, 0.7), rng.uniform(0.08, 0.3)
    up = np.clip((time - start) / onset, 0, 1)
    down = np.clip((time - start - onset - apex) / offset, 0, 1)
    smooth = [x * x * (3 - 2 * x) for x in (up, down)]
    return np.asarray(smooth[0] * (1 - smooth[1]) * np.clip(1 + rng.normal(0, 0.06, len(time)), 0.8, 1))


def _turns(frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A head that sways about one direction, mostly within ±15°."""
    usual = rng.normal(0, np.deg2rad([6.0, 4.5, 3.5]))
    sway = np.cumsum(rng.normal(0, np.deg2rad([1.8, 1.3, 0.9]), (frames, 3)), axis=0)
    limit = np.deg2rad(15.0)
    return np.asarray(np.clip(usual + sway - sway.mean(axis=0), -limit, limit), np.float32)
