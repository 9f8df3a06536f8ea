"""All figures of one dataset's test faces, by what labels they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from training.evaluation import action_units, calibration, expressions, intensities
from training.evaluation.bootstrap import resample
from training.evaluation.lineage import is_rendered
from training.evaluation.paper import load_paper
from training.evaluation.proxies import au_agreement, proxies
from training.evaluation.scored import Scored
from training.evaluation.sides import side_agreement, whole_of

__all__ = ["RENDERER", "measure", "peer_name", "published_aus"]

RENDERER: Final = "the renderer, exact"
"""Who labelled rendered faces."""


def measure(
    scored: Scored, thresholds: Mapping[str, float], *, teacher: str = "", draws: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Figures of one dataset.

    Args:
        scored: its test faces.
        thresholds: by Action Unit, from validation faces.
        teacher: what labelled the Action Units; empty where the dataset itself has labels.
        draws: of subjects, for the intervals; 0 for none.
        seed: of the draws.

    Returns:
        `faces`, `subjects`; `expressions`, `action_units`, `intensities`, `calibration` where there are such labels;
        `emotion_proxy` (`proxies.proxies`) on photographs with emotion words, the teacher's own figures beside ours;
        `teacher_agreement` where a teacher labelled; `sides` where left and right have labels.
    """
    resamples = resample(scored.subjects.astype(object), draws, seed)
    found: dict[str, Any] = {"faces": len(scored), "subjects": resamples.subjects}
    calibrations: dict[str, Any] = {}
    if np.isfinite(scored.votes).any():
        found["expressions"] = expressions.figures(scored.expressions, scored.votes, scored.expression_names, resamples)
        calibrations["expressions"] = calibration.expressions(scored.expressions, scored.votes)
    if scored.has_aus:
        averaged = published_aus(scored.dataset) or [name for name in scored.au_names if name == whole_of(name)]
        found["action_units"] = {
            "labelled_by": RENDERER if is_rendered(scored.dataset) else teacher or "the dataset",
            **action_units.figures(scored.aus, scored.true_aus, scored.au_names, thresholds, resamples, averaged),
        }
        calibrations["action_units"] = calibration.action_units(scored.aus, scored.true_aus)
    rated = np.isfinite(scored.intensities) & np.isfinite(scored.true_intensities)
    if rated.any():
        found["intensities"] = intensities.figures(
            scored.intensities, np.where(rated, scored.true_intensities, np.nan), scored.au_names, resamples
        )
    found["calibration"] = calibrations
    # What rendered people do is no emotion's word, and coders' labels say more than words do.
    if not is_rendered(scored.dataset) and (teacher or not scored.has_aus):
        peers = {peer_name(teacher): scored.true_aus} if teacher else {}
        found["emotion_proxy"] = proxies(scored.activities, scored.au_names, scored.aus, resamples, peers)
    if teacher:
        found["teacher_agreement"] = au_agreement(scored.au_names, scored.aus, scored.true_aus, scored.activities)
    if sides := side_agreement(scored.au_names, scored.aus, scored.true_aus):
        found["sides"] = sides
    return found


def published_aus(dataset: str) -> tuple[str, ...] | None:
    """The Action Units that the paper averages on a dataset; None where it hasn't it."""
    table = load_paper().action_units.get(dataset)
    return table.aus if table else None


def peer_name(teacher: str) -> str:
    """What a teacher is called where it stands beside our model: its name up to the first comma."""
    return teacher.partition(",")[0]
