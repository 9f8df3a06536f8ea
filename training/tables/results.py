"""A table's finished cells as figures: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation.scored import Scored
from training.evaluation.sheets import Sheet, percent, span
from training.tables.cells import RESULT, Cell, digest, run_folder
from training.tables.figures import FIGURES, Outcome, Summary, averaged_aus, difference, summarise
from training.tables.plan import Panel, Plan, Row

__all__ = ["Filled", "Line", "as_json", "fill", "sheet"]

Outcomes = dict[tuple[str, str], dict[int, list[Outcome]]]
"""By row and column, then by seed: the trainings."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its figures.

    Attributes:
        row: as planned.
        figures: by key; None where a figure is undefined or no seed is there.
        gap: the main figure's difference to the row's base.
        extras: means over seeds.
    """

    row: Row
    figures: dict[str, Summary | None]
    gap: Summary | None
    extras: dict[str, tuple[float, ...]]

    @property
    def main(self) -> Summary | None:
        """The first figure."""
        return next(iter(self.figures.values()))


@dataclass(frozen=True, slots=True)
class Filled:
    """A panel with its rows' figures.

    Attributes:
        panel: as planned.
        lines: a row each.
        over: the Action Units that a mean is over; empty for expressions.
        faces, subjects: that were tested; 0 where no cell is there yet.
    """

    panel: Panel
    lines: tuple[Line, ...]
    over: tuple[str, ...]
    faces: int
    subjects: int


def fill(plan: Plan, out: Path, draws: int) -> list[Filled]:
    """A plan's panels with what finished cells give.

    Args:
        plan: the table's.
        out: its folder.
        draws: of the test subjects; 0 for no intervals.
    """
    outcomes = _outcomes(plan, out)
    return [_filled(panel, outcomes, draws) for panel in plan.panels]


def sheet(filled: Filled, seeds: int) -> Sheet:
    """A panel as a table."""
    panel = filled.panel
    main, *others = (FIGURES[key].title for key in panel.figures)
    heads = (
        *panel.heads, f"{main}, %", "95 %", "difference", "95 %",
        *others, *(head for _, head in panel.extras), *panel.beside,
    )  # fmt: skip
    rows = tuple(
        (
            *line.row.labels,
            _spread(line.main, seeds),
            span(line.main.interval) if line.main else "",
            _signed(line.gap) if line.row.base else "",
            _signed_span(line.gap),
            *(_spread(line.figures[key], seeds) for key in panel.figures[1:]),
            *(_mean(line.extras.get(key, ())) for key, _ in panel.extras),
            *line.row.beside,
        )
        for line in filled.lines
    )
    notes = [*panel.notes]
    if panel.guess is not None:
        notes.insert(0, f"{panel.guess[0].capitalize()}: {percent(panel.guess[1])} %.")
    if filled.over:
        notes.insert(0, f"Means are over {', '.join(filled.over)}; thresholds of F1 come from validation faces.")
    if filled.faces:
        who = f"{filled.subjects:,} subjects" if filled.subjects < filled.faces else "each its own subject"
        notes.insert(0, f"{filled.faces:,} test faces, {who}.")
    values = [line.main.mean if line.main else -1.0 for line in filled.lines]
    strong = (int(np.argmax(values)),) if max(values, default=-1.0) >= 0 else ()
    return Sheet(panel.title, heads, rows, tuple(notes), strong)


def as_json(filled: Filled) -> dict[str, Any]:
    """A panel's figures; None where there is none."""
    return {
        "column": filled.panel.column,
        "title": filled.panel.title,
        "over": list(filled.over),
        "faces": filled.faces,
        "subjects": filled.subjects,
        "guess": filled.panel.guess,
        "rows": [
            {
                "key": line.row.key,
                "labels": dict(zip(filled.panel.heads, line.row.labels, strict=True)),
                "figures": {key: own.json() if own else None for key, own in line.figures.items()},
                "base": line.row.base,
                "difference": line.gap.json() if line.gap else None,
                "extras": {key: list(values) for key, values in line.extras.items()},
                "paper": dict(zip(filled.panel.beside, line.row.beside, strict=True)),
            }
            for line in filled.lines
        ],
    }


def _outcomes(plan: Plan, out: Path) -> Outcomes:
    """Of finished cells; a seed counts where all of its parts are there."""
    parts: dict[tuple[str, str], dict[int, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in plan.cells:
        parts[cell.row, cell.column][cell.seed].append(cell)
    found: Outcomes = defaultdict(dict)
    for key, seeds in parts.items():
        for seed, cells in seeds.items():
            loaded = [_load(cell, out) for cell in cells]
            whole = [each for each in loaded if each is not None]
            if len(whole) == len(loaded):
                found[key][seed] = whole
    return found


def _load(cell: Cell, out: Path) -> Outcome | None:
    folder = run_folder(out, digest(cell))
    if not (folder / RESULT).exists():
        return None
    said = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    scored = Scored.load(folder / said["scores"])
    return Outcome(scored, said["thresholds"], cell.stage2.stage2.leave_out, said["extras"])


def _filled(panel: Panel, outcomes: Mapping[tuple[str, str], dict[int, list[Outcome]]], draws: int) -> Filled:
    own = {row.key: outcomes.get((row.key, panel.column), {}) for row in panel.rows}
    main, *others = (FIGURES[key] for key in panel.figures)
    lines = []
    for row in panel.rows:
        seeds = own[row.key]
        gap = difference(main, seeds, own[row.base], draws) if row.base in own else None
        figures = {main.key: summarise(main, seeds, draws)}
        figures |= {figure.key: summarise(figure, seeds, 0) for figure in others}
        extras = {
            key: tuple(part.extras[key] for seed in sorted(seeds) for part in seeds[seed]) for key, _ in panel.extras
        }
        lines.append(Line(row, figures, gap, extras))
    parts = next((part for seeds in own.values() for part in seeds.values()), [])
    people = {name for part in parts for name in part.scored.subjects if name}
    faces = sum(len(part.scored) for part in parts)
    names = averaged_aus(parts[0].scored.au_names) if parts and parts[0].scored.au_names else ()
    return Filled(panel, tuple(lines), names, faces, len(people) or faces)


def _spread(own: Summary | None, seeds: int) -> str:
    """63.1 ± 0.4; of fewer seeds than were asked for: 63.1 ± 0.4 (2 seeds)."""
    if own is None:
        return "–"
    text = percent(own.mean) + (f" ± {percent(own.sd)}" if own.sd is not None else "")
    return text if len(own.seeds) == seeds else f"{text} ({len(own.seeds)} of {seeds} seeds)"


def _signed(own: Summary | None) -> str:
    if own is None:
        return "–"
    return f"{100 * own.mean:+.1f}" + (f" ± {percent(own.sd)}" if own.sd is not None else "")


def _signed_span(own: Summary | None) -> str:
    return "" if own is None or own.interval is None else " to ".join(f"{100 * each:+.1f}" for each in own.interval)


def _mean(values: tuple[float, ...]) -> str:
    return percent(float(np.mean(values))) if values else "–"
