"""What makes two pictures a positive pair in stage 1: the paper's point against identity and chance."""

from __future__ import annotations

from typing import Final

from training.tables.plan import Panel, Plan, Row
from training.tables.request import Request

__all__ = ["PAIRS", "plan"]

PAIRS: Final = {
    "activity": "the same activity (the paper)",
    "identity": "the same subject",
    "random": "a random group",
    "instance": "two views of one picture (SimCLR)",
}


def plan(request: Request) -> Plan:
    """Each kind of pair, and no stage 1, on each labelled folder."""
    cells = [
        request.cell(
            pairs or "none",
            labelled.title,
            labelled,
            request.stage1(request.activities_of(labelled), seed, image_activity=False, pairs=pairs) if pairs else None,
            request.stage2(labelled, seed),
        )
        for labelled in request.labelled
        for pairs in ("", *PAIRS)
        for seed in range(request.seeds)
    ]
    rows = (
        Row("none", (f"none: {request.start}",), pretrained=False),
        *(Row(pairs, (words,), "none") for pairs, words in PAIRS.items()),
    )
    return Plan(
        title="Positive pairs of stage 1",
        lines=(
            "Stage 1 with L_II' alone, so that nothing but the pairs says what the subjects were doing; then the same "
            "stage 2, L_IN + L_DN.",
            "Each difference is to no stage 1, seed by seed.",
        ),
        cells=tuple(cells),
        panels=tuple(
            Panel(
                column=labelled.title,
                title=labelled.title,
                figures=("f1", "f1_half", "auc") if labelled.only == "au" else ("accuracy", "mean_recall"),
                heads=("positives of stage 1",),
                rows=rows,
                guess=labelled.guess,
            )
            for labelled in request.labelled
        ),
    )
