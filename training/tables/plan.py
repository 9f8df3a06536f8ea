"""A table as it is planned: its cells, and how its rows and columns are shown."""

from __future__ import annotations

from dataclasses import dataclass

from training.tables.cells import Cell

__all__ = ["Curve", "Panel", "Plan", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        key: its cells'.
        labels: what stands to the left, a text a head.
        base: the row that it is compared with, seed by seed; None for none.
        beside: what stands to the right, a text a head: the paper's.
        pretrained: it has a stage 1; such rows have a colour.
    """

    key: str
    labels: tuple[str, ...]
    base: str | None = None
    beside: tuple[str, ...] = ()
    pretrained: bool = True


@dataclass(frozen=True, slots=True)
class Curve:
    """A panel's rows as a line over numbers.

    Attributes:
        title: of the picture's part.
        axis: what the numbers are.
        points: by the line's name: the numbers and their rows' keys.
    """

    title: str
    axis: str
    points: dict[str, tuple[tuple[int, str], ...]]


@dataclass(frozen=True, slots=True)
class Panel:
    """The rows on one labelled folder.

    Attributes:
        column: its cells'.
        title: of the panel.
        figures: keys of `FIGURES`; the first is the main one, with intervals and differences.
        heads: of the rows' labels.
        rows: in their order.
        beside: heads of what stands beside.
        guess: what guessing gives for the main figure: how, and 0–1.
        extras: further figures of the cells, by key: their heads.
        notes: sentences below.
        curves: to draw in place of dots.
    """

    column: str
    title: str
    figures: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    beside: tuple[str, ...] = ()
    guess: tuple[str, float] | None = None
    extras: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A table.

    Attributes:
        title: a line.
        lines: what was done, sentences.
        cells: all trainings.
        panels: how they are shown.
    """

    title: str
    lines: tuple[str, ...]
    cells: tuple[Cell, ...]
    panels: tuple[Panel, ...]
