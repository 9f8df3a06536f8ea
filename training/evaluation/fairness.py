"""Figures by group: by skin tone and more of rendered people, by the brightness of the cheek of real ones.

A gap is the largest difference between two groups' figures. As a maximum it is never below 0, and it grows with the
number of groups, however alike they are. So beside its interval stands what chance gives: the gap between groups drawn
at random out of the same people, of which 95 % are below.

Gender isn't here: rendered people have none, and the photographs at hand aren't labelled. A guess by a model, or by the
shape of a head, would be a claim about people that nobody could check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation.bootstrap import Floats, Ints, Resamples, Statistic, estimate
from training.evaluation.perturb import Faces8

__all__ = ["ATTRIBUTES", "attributes", "by_group", "cheek_luminance", "luminance_groups"]

ATTRIBUTES: Final[dict[str, tuple[tuple[float, str], ...]]] = {
    "skin_tone": ((4, "Monk 1–3"), (7, "Monk 4–6"), (np.inf, "Monk 7–10")),
    "glasses": ((0.5, "no glasses"), (np.inf, "glasses")),
    "beard": ((0.05, "no beard"), (np.inf, "beard")),
    "moustache": ((0.05, "no moustache"), (np.inf, "moustache")),
    "hair": ((0.5, "no long hair"), (np.inf, "long hair")),
    "bald": ((0.5, "hair"), (np.inf, "bald")),
    "hidden": ((0.01, "nothing covered"), (np.inf, "partly covered")),
}
"""Columns of a rendered manifest, and their groups: below that value, that name. Those that a manifest lacks are left
out."""

_FEWEST_SUBJECTS: Final = 5
_FEWEST_FACES: Final = 20
_CHEEKS: Final = ((0.50, 0.68, 0.24, 0.36), (0.50, 0.68, 0.64, 0.76))  # rows and columns, shares of the crop's side


def attributes(table: pd.DataFrame) -> dict[str, NDArray[np.object_]]:
    """The groups of (n,) rows by attribute; None where a row's isn't known. Attributes of one group are left out."""
    found = {}
    for column, bounds in ATTRIBUTES.items():
        if column not in table.columns:
            continue
        values = pd.to_numeric(table[column].astype(object).replace({True: 1, False: 0}), errors="coerce").to_numpy(
            float
        )
        names = np.array([name for _, name in bounds], object)
        edges = [edge for edge, _ in bounds[:-1]]
        groups = np.where(np.isfinite(values), names[np.digitize(values, edges)], None)
        if len(set(groups) - {None}) > 1:
            found[column] = groups
    return found


def by_group(
    statistic: Statistic,
    groups: NDArray[np.object_],
    resamples: Resamples,
    order: Sequence[str] | None = None,
) -> dict[str, Any] | None:
    """A figure by group, and the gap between the best and the worst.

    Args:
        statistic: the figure of all faces, (b, 1), from weights of subjects.
        groups: (n,) of each face; a subject's faces are of one group, or count with the first.
        resamples: draws of the faces' subjects.
        order: of the groups; by default as they come.

    Returns:
        `groups`: by name `faces`, `subjects`, `value`, `interval`; `gap`: `value`, `interval`, `chance` (95 % of gaps
        between random groups are below), `best`, `worst`. None with fewer than two groups that are large enough.
    """
    owner = _owners(groups, resamples.codes, resamples.subjects)
    names = [name for name in (order or sorted(set(owner) - {None})) if _enough(name, owner, groups)]
    if len(names) < 2:
        return None
    masks = np.stack([owner == name for name in names]).astype(np.float64)

    def figures_of(masks: Floats) -> Statistic:
        def values(weights: Floats) -> Floats:
            return np.concatenate([statistic(weights * mask) for mask in masks], axis=1)

        return values

    def gap_of(masks: Floats) -> Statistic:
        each = figures_of(masks)

        def gap(weights: Floats) -> Floats:
            values = each(weights)
            return np.asarray(values.max(axis=1) - values.min(axis=1))[:, None]

        return gap

    each = estimate(figures_of(masks), resamples)
    [gap] = estimate(gap_of(masks), resamples)
    values = [own.value if own.value is not None else np.nan for own in each]
    shown = np.flatnonzero(masks.any(axis=0))
    return {
        "groups": {
            name: {
                "faces": int((groups == name).sum()),
                "subjects": int(mask.sum()),
                "value": own.value,
                "interval": own.interval,
            }
            for name, mask, own in zip(names, masks, each, strict=True)
        },
        "gap": {
            "value": gap.value,
            "interval": gap.interval,
            "chance": _by_chance(gap_of, masks, shown, resamples),
            "best": names[int(np.nanargmax(values))] if np.isfinite(values).any() else "",
            "worst": names[int(np.nanargmin(values))] if np.isfinite(values).any() else "",
        },
    }


def cheek_luminance(faces: Faces8) -> NDArray[np.float64]:
    """(n,) mean grey level, 0–255, of both cheeks of aligned crops: skin and light at once."""
    side = faces.shape[1]
    patches = []
    for top, bottom, left, right in _CHEEKS:
        rows, columns = slice(round(top * side), round(bottom * side)), slice(round(left * side), round(right * side))
        patches.append(faces[:, rows, columns].reshape(len(faces), -1).mean(axis=1))
    return np.asarray(np.mean(patches, axis=0), np.float64)


def luminance_groups(luminance: NDArray[np.float64]) -> tuple[NDArray[np.object_], list[str]]:
    """(n,) thirds of equal size, and their names from dark to bright."""
    names = ["darkest third", "middle third", "brightest third"]
    edges = np.quantile(luminance, [1 / 3, 2 / 3])
    return np.array(names, object)[np.digitize(luminance, edges)], names


def _owners(groups: NDArray[np.object_], codes: Ints, subjects: int) -> NDArray[np.object_]:
    """(s,) each subject's group."""
    owner = np.full(subjects, None, object)
    for code, group in zip(codes[::-1], groups[::-1], strict=True):
        owner[code] = group
    return owner


def _enough(name: str, owner: NDArray[np.object_], groups: NDArray[np.object_]) -> bool:
    return bool((owner == name).sum() >= _FEWEST_SUBJECTS and (groups == name).sum() >= _FEWEST_FACES)


def _by_chance(
    gap_of: Callable[[Floats], Statistic],
    masks: Floats,
    shown: NDArray[np.intp],
    resamples: Resamples,
    percentile: float = 95,
) -> float | None:
    """The percentile of gaps between groups of the same sizes, drawn out of the same subjects."""
    if resamples.count == 0:
        return None
    rng = np.random.default_rng((resamples.seed, 7))
    ones = np.ones((1, resamples.subjects))
    gaps = []
    for _ in range(resamples.count):
        drawn = np.zeros_like(masks)
        drawn[:, shown] = masks[:, rng.permutation(shown)]
        gaps.append(gap_of(drawn)(ones)[0, 0])
    known = np.array(gaps)[np.isfinite(gaps)]
    return float(np.percentile(known, percentile)) if len(known) else None
