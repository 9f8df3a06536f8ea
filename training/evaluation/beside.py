"""Our figures as tables: by themselves, and beside the paper's where it has the dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from training.evaluation.paper import NOT_COMPARABLE, load_paper
from training.evaluation.sheets import Sheet, number, percent, span, versus

__all__ = ["action_unit_sheets", "calibration_sheet", "expression_sheets", "intensity_sheet"]

_HEADS: Final = ("AU", "CLEF", "ours", "95 %", "diff.", "tuned", "95 %", "AUC", "95 %", "share")
_LEGEND: Final = (
    "F1: ours at threshold 0.5, as in the literature; tuned: at thresholds from validation faces. share: who show it."
)


def action_unit_sheets(dataset: str, figures: Mapping[str, Any], ours: str, notes: Sequence[str] = ()) -> list[Sheet]:
    """Our Action Units by themselves, and beside the paper's where it has the dataset.

    Args:
        dataset: its name.
        figures: what `action_units.figures` or `folds.action_units` gives.
        ours: what our model is called.
        notes: to go with our figures.
    """
    table = load_paper().action_units.get(dataset)
    labels, mean = figures["labels"], figures["mean"]
    published = table.by_au if table else {}
    names = [*published, *(name for name in labels if name not in published)]
    each = [(name, labels.get(name, {}), published.get(name)) for name in names]
    rows = [_au_row(name, own, theirs) for name, own, theirs in each]
    same = table is not None and set(mean["over"]) == set(table.aus)
    rows.append(_au_row("mean", mean, table.clef.mean if table is not None and same else None))
    shown = [place for place, _ in enumerate(_HEADS) if table or place not in (1, 4)]
    own_notes = (
        _LEGEND,
        *([f"mean: over {', '.join(mean['over'])}."] if len(mean["over"]) < len(labels) else []),
        *notes,
        *([] if table else [NOT_COMPARABLE]),
    )
    by_au = Sheet(
        f"Action Units, {table.title if table else dataset}, F1 × 100: {ours}",
        tuple(_HEADS[place] for place in shown),
        tuple(tuple(row[place] for place in shown) for row in rows),
        own_notes,
        strong=(len(rows) - 1,),
    )
    if table is None:
        return [by_au]
    lacking = [name for name in published if labels.get(name, {}).get("f1") is None]
    methods: list[tuple[str, ...]] = [
        (row.method, row.venue, number(row.mean, 1), "", row.mark) for row in (*table.rivals, table.clef)
    ]
    methods.append((ours, "", percent(mean["f1"]), span(mean["f1_interval"]), "measured"))
    sheet = Sheet(
        f"Beside the paper, {table.title}: mean F1 × 100",
        ("method", "venue", "mean F1", "95 %", "source"),
        tuple(methods),
        (
            f"Protocol: {table.protocol}.",
            *([f"CLEF: {table.clef.note}."] if table.clef.note else []),
            *([f"Not comparable: ours is without {', '.join(lacking)}."] if lacking else []),
            *notes,
        ),
        strong=(len(methods) - 1,),
    )
    return [by_au, sheet]


def expression_sheets(dataset: str, figures: Mapping[str, Any], ours: str, notes: Sequence[str] = ()) -> list[Sheet]:
    """Our expressions by themselves, and beside the paper's where it has the dataset.

    Args:
        dataset: its name.
        figures: what `expressions.figures` gives.
        ours: what our model is called.
        notes: to go with our figures.
    """
    table = load_paper().expressions.get(dataset)
    keys = {"accuracy": "accuracy", "macro F1": "macro_f1", "mean recall": "mean_recall"}
    rows = [(label, percent(figures[key]), span(figures[f"{key}_interval"])) for label, key in keys.items()]
    rows += [
        (f"recall, {name}", percent(value), span(figures["recall_interval"][name]))
        for name, value in figures["recall"].items()
    ]
    own = Sheet(
        f"Expressions, {table.title if table else dataset}, {figures['faces']:,} faces: {ours}",
        ("in %", "ours", "95 %"),
        tuple(rows),
        (*notes, *([] if table else [NOT_COMPARABLE])),
        strong=(0,),
    )
    if table is None:
        return [own]
    methods: list[tuple[str, ...]] = [
        (row.method, row.venue, number(row.accuracy, 2), "", row.mark) for row in (*table.rivals, table.clef)
    ]
    methods.append((ours, "", percent(figures["accuracy"], 2), span(figures["accuracy_interval"]), "measured"))
    classes = sum(value is not None for value in figures["recall"].values())
    return [
        own,
        Sheet(
            f"Beside the paper, {table.title}: accuracy, %",
            ("method", "venue", "accuracy", "95 %", "source"),
            tuple(methods),
            (
                f"Protocol: {table.protocol}.",
                *(
                    ["CLEF's figure is unverified: no source that we could read has it."]
                    if table.clef.mark == "unverified"
                    else []
                ),
                *(
                    [f"Not comparable: these faces have {classes} expressions, the paper's {table.classes}."]
                    if classes != table.classes
                    else []
                ),
                *notes,
            ),
            strong=(len(methods) - 1,),
        ),
    ]


def intensity_sheet(dataset: str, figures: Mapping[str, Any], ours: str) -> Sheet:
    """Intensities of Action Units; figures as `intensities.figures` gives them."""
    rows = [
        (
            name,
            number(own["icc"]),
            span(own["icc_interval"], 1, 2),
            number(own["mae"]),
            span(own["mae_interval"], 1, 2),
            number(own["r"]),
            f"{own['frames']:,}",
        )
        for name, own in figures["labels"].items()
    ]
    mean = figures["mean"]
    rows.append(("mean", number(mean["icc"]), "", number(mean["mae"]), "", number(mean["r"]), ""))
    return Sheet(
        f"Intensities 0–5, {dataset}: {ours}",
        ("Action Unit", "ICC(3,1)", "95 %", "MAE", "95 %", "r", "frames"),
        tuple(rows),
        strong=(len(rows) - 1,),
    )


def calibration_sheet(dataset: str, figures: Mapping[str, Any], ours: str) -> Sheet:
    """The expected calibration error of each group; figures as `calibration.reliability` gives them."""
    return Sheet(
        f"Calibration, {dataset}: {ours}",
        ("group", "expected calibration error, %", "bins", "scores"),
        tuple(
            (group.replace("_", " "), percent(own["error"]), str(own["bins"]), f"{own['scores']:,}")
            for group, own in figures.items()
        ),
    )


def _au_row(name: str, own: Mapping[str, Any], theirs: float | None) -> tuple[str, ...]:
    return (
        name,
        number(theirs, 1),
        percent(own.get("f1")),
        span(own.get("f1_interval")),
        versus(own.get("f1"), theirs),
        percent(own.get("f1_tuned")),
        span(own.get("f1_tuned_interval")),
        number(own.get("auc")),
        span(own.get("auc_interval"), 1, 2),
        f"{percent(own['present'], 0)} %" if "present" in own else "",
    )
