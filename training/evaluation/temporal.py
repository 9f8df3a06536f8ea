"""In time, through the whole runtime: how much scores flicker on a still face, and how late they follow a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.analyzer import Analyzer
from clef_rt.frame import Face
from training.evaluation.stills import FPS, Image, as_frames, cross_fade, noisy_video

__all__ = ["ONSETS", "flicker", "half_way", "onset", "steadiness"]

ONSETS: Final[tuple[tuple[str, str], ...]] = (("happiness", "AU12"), ("surprise", "AU26"))
"""Words that somebody's face goes over into from neutral, and the Action Unit that is watched."""

_SETTLE: Final = 10  # frames before anything is counted: faces are found, and the smoothing has begun
_RAMP: Final = 8  # frames of a change, a quarter of a second
_REST: Final = 20  # frames before and after it
_RISE: Final = 0.3  # the least rise of the score, that "half way" means something


def flicker(
    analyzer: Analyzer,
    stills: Mapping[str, Image],
    *,
    frames: int = 60,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """How scores of unmoving faces waver: photographs as noisy video.

    Each face is scored twice: followed from frame to frame, as live (its landmarks are smoothed); and searched anew in
    each frame as if it were a photograph of its own, without any smoothing.

    Args:
        analyzer: with the bundle in question.
        stills: photographs by name.
        frames: of each, after the first few, which don't count.
        seed: of noise and shaking.
        tick: called after each photograph.

    Returns:
        `photographs`, `faces` (in all), `frames`; and for `followed` and `alone` what `steadiness` gives.
    """
    tracks: dict[str, list[NDArray[np.float32]]] = {"followed": [], "alone": []}
    used = 0
    for place, still in enumerate(stills.values()):
        images = list(noisy_video(still, _SETTLE + frames, np.random.default_rng((seed, place))))
        camera = f"still-{place}"
        followed: list[Sequence[Face]] = [analyzer.observe([frame])[0].faces for frame in as_frames(images, camera)][
            _SETTLE:
        ]
        analyzer.forget(camera)
        alone: list[Sequence[Face]] = [analyzer.analyze(image) for image in images[_SETTLE:]]
        before = len(tracks["followed"])
        for face in followed[0]:
            own = {"followed": _track(face, followed), "alone": _track(face, alone)}
            for way, rows in own.items():  # the same faces both times, or the two couldn't be compared
                if rows is not None and all(other is not None for other in own.values()):
                    tracks[way].append(rows)
        used += len(tracks["followed"]) > before
        tick()
    names = [*analyzer.labels.au.names, *analyzer.labels.expression.names]
    thresholds = np.concatenate([analyzer.labels.au.thresholds, analyzer.labels.expression.thresholds])
    return {
        "photographs": used,
        "faces": len(tracks["followed"]),
        "frames": frames,
        **{way: steadiness(own, names, thresholds) for way, own in tracks.items() if own},
    }


def steadiness(
    tracks: Sequence[NDArray[np.float32]], names: Sequence[str], thresholds: NDArray[np.float32]
) -> dict[str, Any]:
    """How scores waver about their own mean.

    Args:
        tracks: (frames, labels) scores of each face.
        names: of the labels.
        thresholds: (labels,).

    Returns:
        `labels`: by name `deviation` (standard deviation over time, mean over faces), `worst` (of any face), `flips` (a
        second: how often it passes its threshold); and the means over the labels of `deviation` and `flips`.
    """
    deviations = np.array([track.std(axis=0) for track in tracks])
    flips = np.array([np.abs(np.diff(track >= thresholds, axis=0)).sum(axis=0) * FPS / len(track) for track in tracks])
    labels = {
        name: {
            "deviation": float(deviations[:, place].mean()),
            "worst": float(deviations[:, place].max()),
            "flips": float(flips[:, place].mean()),
        }
        for place, name in enumerate(names)
    }
    return {"labels": labels, "deviation": float(deviations.mean()), "flips": float(flips.mean())}


def onset(
    analyzer: Analyzer,
    pairs: Iterable[tuple[str, Image, Image]],
    au: str,
    *,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Any] | None:
    """How late a score follows a face that goes over into another expression within a quarter of a second.

    The same blends are also scored one by one, as photographs. What the score does there it owes to the blend; the
    runtime's own delay is how much later it passes half way when filmed.

    Args:
        analyzer: with the bundle in question.
        pairs: somebody's name, and aligned crops (S, S, C) of them at rest and showing it.
        au: the Action Unit that rises.
        tick: called after each pair.

    Returns:
        `people`; `after_blend` and `delay`: frames from the blend's half way, and from the half way of the photographs,
        to the score's when filmed (mean over people), each with its `…_interval` (95 %, people drawn anew), and
        `delay_ms`. None where no pair's score rises enough.
    """
    shares = np.clip((np.arange(2 * _REST + _RAMP) - _REST) / _RAMP, 0, 1)
    found = []
    for place, (_, before, after) in enumerate(pairs):
        images = list(cross_fade(before, after, shares))
        camera = f"onset-{place}"
        filmed = _scores(au, [analyzer.observe([frame])[0].faces for frame in as_frames(images, camera)])
        analyzer.forget(camera)
        tick()
        if filmed is None:
            continue
        blends = list(cross_fade(before, after, np.linspace(0, 1, _RAMP + 1)))
        still = _scores(au, [analyzer.analyze(image) for image in blends])
        if still is None or still[-1] - still[0] < _RISE:
            continue
        moving, posed = half_way(filmed), half_way(still)
        if moving is not None and posed is not None:
            found.append((moving - (_REST + _RAMP / 2), moving - (_REST + posed)))
    if not found:
        return None
    values = np.array(found)
    draws = np.random.default_rng(0).integers(0, len(values), (1000, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5), axis=0)
    mean = values.mean(axis=0)
    enough = len(values) >= 5
    return {
        "people": len(values),
        "ramp": _RAMP,
        "after_blend": float(mean[0]),
        "after_blend_interval": [float(low[0]), float(high[0])] if enough else None,
        "delay": float(mean[1]),
        "delay_interval": [float(low[1]), float(high[1])] if enough else None,
        "delay_ms": float(mean[1] * 1000 / FPS),
    }


def half_way(scores: NDArray[np.float32]) -> float | None:
    """When a rising score passes the middle between its first and its last value for good; in frames, interpolated."""
    middle = (float(scores[0]) + float(scores[-1])) / 2
    below = np.flatnonzero(scores < middle)
    if not len(below) or below[-1] + 1 >= len(scores):
        return None
    at = int(below[-1])
    return at + (middle - float(scores[at])) / (float(scores[at + 1]) - float(scores[at]))


def _track(face: Face, observed: Sequence[Sequence[Face]]) -> NDArray[np.float32] | None:
    """(frames, labels) scores of what is a face's nearest in each frame; None where a frame doesn't show it."""
    own = [_nearest(face, faces) for faces in observed]
    found = [near for near in own if near is not None]
    if len(found) < len(own):
        return None
    return np.array([[*near.aus.values_array, *near.expressions.values_array] for near in found], np.float32)


def _nearest(first: Face, faces: Sequence[Face]) -> Face | None:
    """The face whose centre is nearest to another's; None where it is further off than a quarter of its width."""

    def distance(face: Face) -> float:
        return float(np.hypot(*(face.box[:2] + face.box[2:] / 2 - first.box[:2] - first.box[2:] / 2)))

    best = min(faces, key=distance, default=None)
    return best if best is not None and distance(best) < first.box[2] / 4 else None


def _scores(au: str, observed: Sequence[Sequence[Face]]) -> NDArray[np.float32] | None:
    """(frames,) of the largest face; None where a frame shows none."""
    if not all(observed):
        return None
    return np.array([max(faces, key=lambda face: face.box[2]).aus[au] for faces in observed], np.float32)
