"""The paper's ablation: PA × PI × I × N × D, mean F1 of Action Units and accuracy of expressions."""

from __future__ import annotations

from typing import Any, Final

from training.evaluation.paper import NOT_COMPARABLE, AblationRow, load_paper
from training.evaluation.sheets import number
from training.tables.plan import Panel, Plan, Row
from training.tables.request import Request
from training.tables.sources import Labelled

__all__ = ["HEADS", "plan", "rows"]

HEADS: Final[dict[frozenset[str], dict[str, Any]]] = {
    frozenset("I"): {"head": "index", "descriptions": False},
    frozenset("IN"): {"head": "names", "descriptions": False},
    frozenset("IND"): {"head": "names", "descriptions": True},
    frozenset("ID"): {"head": "descriptions", "descriptions": False},
}
"""Stage 2 by what images are compared with: I a class index, N names, D descriptions."""

_PARTS: Final = ("PA", "PI", "I", "N", "D")
_STAGE1: Final = (frozenset[str](), frozenset({"PI"}), frozenset({"PA"}), frozenset({"PA", "PI"}))


def plan(request: Request) -> Plan:
    """The grid on each labelled folder."""
    grid = rows(whole=request.whole)
    cells = [
        request.cell(
            _key(parts),
            labelled.title,
            labelled,
            _stage1(request, labelled, parts, seed),
            request.stage2(labelled, seed, **HEADS[parts - {"PA", "PI"}]),
        )
        for labelled in request.labelled
        for parts in grid
        for seed in range(request.seeds)
    ]
    return Plan(
        title="Ablation",
        lines=(
            "PA, PI: stage 1 with activity texts (L_IA), with images paired by activity (L_II'). I: the image encoder "
            "alone, with a class index; N: label names; D: label descriptions.",
            f"Each difference is to the row {request.start} with the same of I, N, D, seed by seed.",
        ),
        cells=tuple(cells),
        panels=tuple(_panel(request, labelled, grid) for labelled in request.labelled),
    )


def rows(*, whole: bool = False) -> dict[frozenset[str], AblationRow | None]:
    """The rows by their parts, in the paper's order; FaRL's are another's weights, and are left out.

    Args:
        whole: then those of the grid that the paper doesn't have.
    """
    found: dict[frozenset[str], AblationRow | None] = {
        frozenset(row.parts): row for row in load_paper().ablation.rows if row.start != "FaRL"
    }
    if whole:
        for first in _STAGE1:
            for second in HEADS:
                found.setdefault(first | second, None)
    return found


def _stage1(request: Request, labelled: Labelled, parts: frozenset[str], seed: int) -> Any:
    if not parts & {"PA", "PI"}:
        return None
    activities = request.activities_of(labelled)
    return request.stage1(activities, seed, image_activity="PA" in parts, image_image="PI" in parts)


def _panel(request: Request, labelled: Labelled, grid: dict[frozenset[str], AblationRow | None]) -> Panel:
    au = labelled.only == "au"
    shown = []
    for parts, published in grid.items():
        base = parts - {"PA", "PI"}
        pretrained = parts != base
        theirs = None if published is None else published.bp4d if au else published.raf_db
        shown.append(
            Row(
                key=_key(parts),
                labels=("stage 1" if pretrained else request.start, *("✓" if p in parts else "" for p in _PARTS)),
                base=_key(base) if pretrained and base in grid else None,
                beside=(number(theirs, 1 if au else 2),),
                pretrained=pretrained,
            )
        )
    return Panel(
        column=labelled.title,
        title=labelled.title,
        figures=("f1", "f1_half", "auc") if au else ("accuracy", "mean_recall"),
        heads=("start", *_PARTS),
        rows=tuple(shown),
        beside=("the paper, BP4D F1" if au else "the paper, RAF-DB accuracy",),
        guess=labelled.guess,
        notes=(
            f"The paper's figures ({load_paper().ablation.mark}): its rows without PA and PI start from CLIP. "
            + NOT_COMPARABLE,
        ),
    )


def _key(parts: frozenset[str]) -> str:
    return "+".join(part for part in _PARTS if part in parts)
