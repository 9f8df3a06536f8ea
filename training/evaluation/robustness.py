"""How figures fall as pictures get worse: a curve for each way of making them worse, each point with its interval.

The crops are changed, not the frames: so the curves tell of the encoder. Whether the detector still finds such a face
is another question, and `alignment` tells what it costs if the landmarks are off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.data import Examples
from training.evaluation.bootstrap import Estimate, Resamples, estimate, resample
from training.evaluation.lineage import is_rendered
from training.evaluation.perturb import PERTURBATIONS, Faces8, Perturbation
from training.evaluation.probes import Probe, probes_of
from training.evaluation.proxies import NEUTRAL
from training.evaluation.scoring import Predictions

__all__ = ["POSES", "chosen", "curves", "pose_curves"]

POSES: Final = {"yaw": (0, 10, 20, 30, 45, 90), "pitch": (0, 8, 16, 24, 90)}
"""Columns of a manifest that tell how a head is turned, in degrees; and the bins of their size."""

_DRAWS: Final = 200
_FEWEST: Final = 40  # faces in a bin of poses

Predict = Callable[[Faces8], Predictions]


def chosen(examples: Examples, most: int, seed: int = 0) -> NDArray[np.intp]:
    """Rows of one dataset, about `most`: rare words whole, and of the common ones equally many.

    Of rendered faces and where no words are known, a draw at random.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(examples))
    if len(examples) <= most:
        return np.arange(len(examples))
    words = examples.activities.astype(str)
    if all(is_rendered(str(name)) for name in set(examples.datasets)) or not (words == NEUTRAL).any():
        return np.sort(order[:most])
    counts = {word: int((words == word).sum()) for word in set(words)}
    share, left = 0, most
    for place, count in enumerate(sorted(counts.values())):  # the rarest first: what they don't need goes to the others
        share = left // (len(counts) - place)
        left -= min(count, share)
    picked = [order[words[order] == word][:share] for word in counts]
    return np.sort(np.concatenate(picked))


def curves(
    predict: Predict,
    sets: Mapping[str, Examples],
    thresholds: Mapping[str, float],
    *,
    perturbations: Mapping[str, Perturbation] = PERTURBATIONS,
    draws: int = _DRAWS,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Figures of each dataset at each level.

    Args:
        predict: scores faces.
        sets: faces by dataset.
        thresholds: by Action Unit.
        perturbations: by name.
        draws: of subjects.
        seed: of all that is random.
        tick: called after each level of each dataset.

    Returns:
        `faces` by dataset; `unchanged` by dataset and figure; `curves` by perturbation: `title`, `unit`, `levels`,
        and `figures` by dataset and figure, as many as levels. A figure is `value` and `interval`.
    """
    found: dict[str, Any] = {"faces": {}, "unchanged": {}, "curves": {}}
    for name, way in perturbations.items():
        found["curves"][name] = {"title": way.title, "unit": way.unit, "levels": list(way.levels), "figures": {}}
    for dataset, examples in sets.items():
        probes = probes_of(examples, thresholds)
        if not probes:
            continue
        faces = np.ascontiguousarray(examples.faces[: len(examples)])
        resamples = resample(examples.subjects, draws, seed)
        found["faces"][dataset] = len(faces)
        found["unchanged"][dataset] = dict(_figures(probes, predict(faces), resamples))
        for name, way in perturbations.items():
            rows: dict[str, list[Any]] = {probe.figure: [] for probe in probes}
            for place, level in enumerate(way.levels):
                rng = np.random.default_rng((seed, place))
                for figure, value in _figures(probes, predict(way.apply(faces, level, rng)), resamples):
                    rows[figure].append(value)
                tick()
            found["curves"][name]["figures"][dataset] = rows
    return found


def pose_curves(
    scores: Predictions,
    examples: Examples,
    turned: Mapping[str, NDArray[np.float64]],
    thresholds: Mapping[str, float],
    *,
    draws: int = _DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures by how far heads are turned, of faces as they are.

    Args:
        scores: of the faces.
        examples: of one dataset.
        turned: degrees by the manifest's column (`POSES`), (n,); NaN where unknown.
        thresholds: by Action Unit.
        draws: of subjects.
        seed: of the draws.

    Returns:
        By column a list of bins: `from`, `to` (degrees, of either sign), `faces`, and `figures`.
    """
    found: dict[str, Any] = {}
    for column, degrees in turned.items():
        bins = []
        for low, high in zip(POSES[column][:-1], POSES[column][1:], strict=True):
            with np.errstate(invalid="ignore"):
                rows = np.flatnonzero((np.abs(degrees) >= low) & (np.abs(degrees) < high))
            if len(rows) < _FEWEST:
                continue
            part = examples.subset(rows)
            own = Predictions(scores.aus[rows], scores.expressions[rows], scores.intensities[rows])
            figures = dict(_figures(probes_of(part, thresholds), own, resample(part.subjects, draws, seed)))
            bins.append({"from": low, "to": high, "faces": len(rows), "figures": figures})
        if len(bins) > 1:
            found[column] = bins
    return found


def _figures(probes: list[Probe], scores: Predictions, resamples: Resamples) -> Iterator[tuple[str, dict[str, Any]]]:
    for probe in probes:
        [own] = estimate(probe.statistic(scores, resamples), resamples)
        yield probe.figure, _flat(own)


def _flat(own: Estimate) -> dict[str, Any]:
    return {"value": own.value, "interval": own.interval}
