"""Which labels haven't been shown to be good on validation faces, each with the reason."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.evaluation import expressions
from training.evaluation.bootstrap import resample
from training.evaluation.proxies import au_agreement, emotion_proxy
from training.evaluation.scored import Scored

__all__ = ["experimental"]

_GOOD_CODED: Final = 0.70
_GOOD_AGREEMENT: Final = 0.85
_GOOD_PROXY: Final = 0.70
_GOOD_RECALL: Final = 0.5


def experimental(coded: Scored | None, weak: Scored | None) -> dict[str, str]:
    """The labels to mark experimental.

    A dataset's own labels decide where there are any. Where there are a teacher's alone, a label has to follow the
    teacher and to tell an emotion's faces from neutral ones.

    Args:
        coded: validation faces of datasets with Action Units of their own; None without such.
        weak: those whose Action Units a teacher labelled, or nobody.

    Returns:
        Reasons by label.
    """
    parts = [part for part in (coded, weak) if part is not None]
    reasons: dict[str, str] = {}
    by_dataset = au_agreement(coded.au_names, coded.aus, coded.true_aus) if coded else {}
    by_teacher = au_agreement(weak.au_names, weak.aus, weak.true_aus) if weak else {}
    proxies = emotion_proxy(weak.activities, weak.au_names, weak.aus) if weak else {}
    for name in parts[0].au_names:
        proxy = max((found[name] for found in proxies.values() if name in found), default=None)
        if name in by_dataset:
            if by_dataset[name]["auc"] < _GOOD_CODED:
                reasons[name] = f"follows the labels badly, AUC {by_dataset[name]['auc']:.2f}"
        elif name not in by_teacher:
            reasons[name] = "too few validation faces show it or lack it"
        elif by_teacher[name]["auc"] < _GOOD_AGREEMENT:
            reasons[name] = f"follows the teacher badly, AUC {by_teacher[name]['auc']:.2f}"
        elif proxy is None:
            reasons[name] = "no emotion's proxy to test it by"
        elif proxy < _GOOD_PROXY:
            reasons[name] = f"tells no emotion's faces from neutral ones, AUC {proxy:.2f} at best"
    scores, votes = (np.concatenate([getattr(part, what) for part in parts]) for what in ("expressions", "votes"))
    if np.isfinite(votes).any():
        alone = resample(np.full(len(votes), None, object), count=0)
        recall = expressions.figures(scores, votes, parts[0].expression_names, alone)["recall"]
        for name, share in recall.items():
            if share is None:
                reasons[name] = "no validation face shows it"
            elif share < _GOOD_RECALL:
                reasons[name] = f"found in {share:.0%} of its faces"
    return reasons
