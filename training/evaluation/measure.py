"""All figures of one dataset's test faces, by what labels they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.evaluation import action_units, calibration, expressions, intensities
from training.evaluation.bootstrap import resample
from training.evaluation.paper import load_paper
from training.evaluation.proxies import au_agreement, emotion_proxy
from training.evaluation.scored import Scored

__all__ = ["measure", "published_aus"]


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
        `emotion_proxy`, of ours and of the labels; `teacher_agreement` where a teacher labelled.
    """
    resamples = resample(scored.subjects.astype(object), draws, seed)
    found: dict[str, Any] = {"faces": len(scored), "subjects": resamples.subjects}
    calibrations: dict[str, Any] = {}
    if np.isfinite(scored.votes).any():
        found["expressions"] = expressions.figures(scored.expressions, scored.votes, scored.expression_names, resamples)
        calibrations["expressions"] = calibration.expressions(scored.expressions, scored.votes)
    if scored.has_aus:
        averaged = published_aus(scored.dataset)
        found["action_units"] = {
            "labelled_by": teacher or "the dataset",
            **action_units.figures(scored.aus, scored.true_aus, scored.au_names, thresholds, resamples, averaged),
        }
        calibrations["action_units"] = calibration.action_units(scored.aus, scored.true_aus)
    rated = np.isfinite(scored.intensities) & np.isfinite(scored.true_intensities)
    if rated.any():
        found["intensities"] = intensities.figures(
            scored.intensities, np.where(rated, scored.true_intensities, np.nan), scored.au_names, resamples
        )
    found["calibration"] = calibrations
    found["emotion_proxy"] = {
        "ours": emotion_proxy(scored.activities, scored.au_names, scored.aus),
        "teacher": emotion_proxy(scored.activities, scored.au_names, scored.true_aus),
    }
    if teacher:
        found["teacher_agreement"] = au_agreement(scored.au_names, scored.aus, scored.true_aus)
    return found


def published_aus(dataset: str) -> tuple[str, ...] | None:
    """The Action Units that the paper averages on a dataset; None where it hasn't it."""
    table = load_paper().action_units.get(dataset)
    return table.aus if table else None
