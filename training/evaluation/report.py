"""Figures as files: `report.md` with its tables, and the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluation import plots
from training.evaluation.beside import action_unit_sheets, calibration_sheet, expression_sheets, intensity_sheet
from training.evaluation.measure import RENDERER
from training.evaluation.paper import load_paper
from training.evaluation.scored import file_stem
from training.evaluation.sheets import Sheet, percent, span
from training.evaluation.sides import sided, whole_of
from training.evaluation.validity_sheets import agreement_sheet, proxy_sheet, sides_sheet

__all__ = ["draw", "markdown", "sheets"]


def sheets(dataset: str, figures: Mapping[str, Any], ours: str, notes: Sequence[str] = ()) -> list[Sheet]:
    """All tables of a dataset.

    Args:
        dataset: its name.
        figures: what `measure` gives.
        ours: what the model is called.
        notes: on how the figures came about.
    """
    found: list[Sheet] = []
    by = figures.get("action_units", {}).get("labelled_by", "the dataset")
    if "expressions" in figures:
        found += expression_sheets(dataset, figures["expressions"], ours, notes)
    if "action_units" in figures:
        weak = (
            [f"Against the labels of a teacher ({by}), not of people."] if by not in ("the dataset", RENDERER) else []
        )
        exact = [f"Against the labels of {by}."] if by == RENDERER else []
        own = _whole(figures["action_units"])
        found += action_unit_sheets(dataset, own, ours, [*notes, *weak, *exact]) if own["labels"] else []
        if sided(list(figures["action_units"]["labels"])):
            found.append(sides_sheet(dataset, figures["action_units"]["labels"], figures.get("sides", {}), ours))
    if "intensities" in figures:
        found.append(intensity_sheet(dataset, figures["intensities"], ours))
    if figures.get("emotion_proxy"):
        found.append(proxy_sheet(dataset, figures["emotion_proxy"], ours))
    if figures.get("teacher_agreement"):
        found.append(agreement_sheet(dataset, figures["teacher_agreement"], by, ours))
    if figures.get("calibration"):
        found.append(calibration_sheet(dataset, figures["calibration"], ours))
    return found


def draw(folder: Path, dataset: str, figures: Mapping[str, Any], ours: str, fold: int | None = None) -> list[Path]:
    """Draw a dataset's pictures into a folder; returns them.

    Args:
        folder: where to.
        dataset: its name.
        figures: what `measure` gives.
        ours: what the model is called.
        fold: which was tested on, if any.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    paper, stem = load_paper(), file_stem(dataset)
    known = paper.action_units.get(dataset) or paper.expressions.get(dataset)
    place = (known.title if known else dataset) + ("" if fold is None else f", fold {fold}")
    who = f"n = {figures['faces']:,} test faces, {figures['subjects']:,} subjects; {ours}"
    drawn = []
    if "expressions" in figures:
        own = figures["expressions"]
        main = f"accuracy {percent(own['accuracy'])} %" + _within(own["accuracy_interval"])
        drawn.append(folder / f"confusion-{stem}.png")
        plots.confusion_png(drawn[-1], own["confusion"], f"Expressions, {place}", f"{who}; {main}")
    if "action_units" in figures:
        own, table = _whole(figures["action_units"]), paper.action_units.get(dataset)
        main = f"mean F1 {percent(own['mean']['f1'])}" + _within(own["mean"]["f1_interval"])
        drawn.append(folder / f"action-units-{stem}.png")
        published = dict(table.by_au) if table else {}
        if table and set(own["mean"]["over"]) == set(table.aus):
            published["mean"] = table.clef.mean
        plots.au_bars_png(drawn[-1], own, f"Action Units, {place}", f"{who}; {main}", published)
    if figures.get("calibration"):
        drawn.append(folder / f"calibration-{stem}.png")
        plots.reliability_png(drawn[-1], figures["calibration"], f"Calibration, {place}", who)
    return drawn


def markdown(title: str, lines: Sequence[str], tables: Sequence[Sheet], pictures: Sequence[Path]) -> str:
    """A report: what was done, the tables, the pictures beside it."""
    parts = [f"# {title}", *lines, *(sheet.markdown(2).rstrip() for sheet in tables)]
    parts += [f"![{picture.stem}]({picture.name})" for picture in pictures]
    return "\n\n".join(parts) + "\n"


def _whole(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Without left and right, which have a table of their own."""
    return {**figures, "labels": {name: own for name, own in figures["labels"].items() if name == whole_of(name)}}


def _within(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" ({span(interval)})"
