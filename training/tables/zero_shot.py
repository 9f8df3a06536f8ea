"""Expressions that weren't learnt: after others, by their names; after Action Units, by composed sentences."""

from __future__ import annotations

from typing import Final

from clef_rt.errors import ConfigError
from training.evaluation.paper import NOT_COMPARABLE, load_paper
from training.evaluation.sheets import number
from training.tables.cells import Cell, Exam
from training.tables.exams import composable
from training.tables.plan import Panel, Plan, Row
from training.tables.request import Request
from training.tables.sources import Labelled
from training.texts import FOLDER, load_labels

__all__ = ["GROUPS", "plan"]

GROUPS: Final = (("happiness", "sadness"), ("surprise", "anger"), ("fear", "disgust"), ("neutral", "contempt"))
"""Left out together, in turn: each expression once."""

_ARMS: Final = ("no stage 1", "stage 1")
_OTHERS: Final = "after other expressions"
_UNITS: Final = "after Action Units"


def plan(request: Request) -> Plan:
    """Both ways, as far as folders for them are given.

    Raises:
        ConfigError: no folder has expressions, or one has fewer than three.
    """
    expressions = [each for each in request.labelled if each.only == "expression"]
    if not expressions:
        raise ConfigError("zero-shot asks for expressions.", "Give --expression-data.")
    cells: list[Cell] = []
    panels = []
    for tested in expressions:
        if len(tested.classes) < 3:
            raise ConfigError(f"{tested.folder} shows {len(tested.classes)} expressions.", "Zero-shot needs three.")
        cells += _others(request, tested)
        panels.append(_others_panel(request, tested))
        for units in request.labelled:
            if units.only == "au":
                cells += _units(request, units, tested)
                panels.append(_units_panel(request, units, tested))
    return Plan(
        title="Zero-shot",
        lines=(
            "Each difference is to no stage 1, seed by seed.",
            "Accuracy counts faces, of which some expressions have many more; mean recall counts expressions.",
        ),
        cells=tuple(cells),
        panels=tuple(panels),
    )


def _groups(tested: Labelled) -> list[tuple[str, ...]]:
    """Those that test faces show. One alone joins the group before; where too little would be left, each is alone."""
    found: list[tuple[str, ...]] = []
    for group in GROUPS:
        shown = tuple(name for name in group if name in tested.classes)
        if len(shown) == 1 and found:
            found[-1] += shown
        elif shown:
            found.append(shown)
    if len(tested.classes) - max(map(len, found), default=0) < 2:
        return [(name,) for group in found for name in group]
    return found


def _others(request: Request, tested: Labelled) -> list[Cell]:
    return [
        request.cell(
            arm,
            f"{_OTHERS}, {tested.dataset}",
            tested,
            request.stage1(request.activities_of(tested), seed) if arm == "stage 1" else None,
            request.stage2(tested, seed, leave_out=group),
            exam=Exam(folder=tested.folder, kind="unseen", fold=tested.fold),
            part="without " + ", ".join(group),
        )
        for group in _groups(tested)
        for arm in _ARMS
        for seed in range(request.seeds)
    ]


def _units(request: Request, units: Labelled, tested: Labelled) -> list[Cell]:
    return [
        request.cell(
            arm,
            _units_column(units, tested),
            units,
            request.stage1(request.activities_of(units), seed) if arm == "stage 1" else None,
            request.stage2(units, seed),
            exam=Exam(folder=tested.folder, kind="composed", fold=tested.fold),
        )
        for arm in _ARMS
        for seed in range(request.seeds)
    ]


def _units_column(units: Labelled, tested: Labelled) -> str:
    return f"{_UNITS} of {units.dataset}, {tested.dataset}"


def _others_panel(request: Request, tested: Labelled) -> Panel:
    groups = _groups(tested)
    sizes = sorted({len(group) for group in groups})
    told = sorted(set(request.activities_of(tested).words) & set(tested.classes))
    return Panel(
        column=f"{_OTHERS}, {tested.dataset}",
        title=f"Trained on other expressions, tested on those left out: {tested.dataset}",
        figures=("accuracy", "mean_recall", "unseen_accuracy", "unseen_recall"),
        heads=("stage 2",),
        rows=_rows(request),
        guess=("chance", 1 / len(tested.classes)),
        notes=(
            f"Left out in turn: {'; '.join(', '.join(group) for group in groups)}. Each face is scored by the one "
            "training that never learnt its expression, by the names of all "
            f"{len(tested.classes)} (chance {100 / len(tested.classes):.1f} %), and of those left out alone (chance "
            f"{' or '.join(f'{100 / size:.1f}' for size in sizes)} %).",
            *(
                [
                    f"Stage 1's activities are themselves words of expressions ({', '.join(told)}), on other people's "
                    "faces: after it, these aren't unseen in the strict sense."
                ]
                if told
                else []
            ),
            _published("other expressions"),
        ),
    )


def _units_panel(request: Request, units: Labelled, tested: Labelled) -> Panel:
    by = f"labelled by {units.teacher}" if units.teacher else "its own labels"
    known = composable(tested.classes, units.names, load_labels(FOLDER / "labels.yaml"))
    counts = [tested.shown[name] for name in known]
    unknown = [name for name in tested.classes if name not in known]
    return Panel(
        column=_units_column(units, tested),
        title=f"Trained on Action Units of {units.dataset}, tested on expressions of {tested.dataset}",
        figures=("accuracy", "mean_recall"),
        heads=("stage 2",),
        rows=_rows(request),
        guess=("chance", 1 / max(len(known), 1)),
        extras=(("random_text", "accuracy by random Action Units' text"),),
        notes=(
            f"No expression is learnt; Action Units: {by}. An expression's sentence is put together from its Action "
            f"Units' texts (`emfacs:` in texts/labels.yaml). Always saying the "
            f"commonest gives {100 * max(counts, default=0) / max(sum(counts), 1):.1f} %.",
            *([f"Not asked, for none of their Action Units is known: {', '.join(unknown)}."] if unknown else []),
            _published("Action Units"),
        ),
    )


def _rows(request: Request) -> tuple[Row, ...]:
    return (Row("no stage 1", (request.start,), pretrained=False), Row("stage 1", ("after stage 1",), "no stage 1"))


def _published(trained_on: str) -> str:
    table = load_paper().zero_shot
    told = [
        f"{row.tested_on} {number(row.clef, 2)} (FaRL {number(row.farl, 2)})"
        for row in table.rows
        if row.trained_on == trained_on
    ]
    return f"The paper, trained on {trained_on} ({table.mark}): {', '.join(told)}. {NOT_COMPARABLE}"
