"""Tables of text, for the terminal and for Markdown alike; and how figures are written in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Sheet", "number", "percent", "span", "versus"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table.

    Attributes:
        title: a line.
        columns: heads; the first stands to the left, the others to the right.
        rows: cells, as many as columns.
        notes: sentences below it.
        strong: rows to stress.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    strong: tuple[int, ...] = ()

    def markdown(self, level: int = 3) -> str:
        """The table with a heading of that level."""
        return "\n".join([f"{'#' * level} {self.title}", "", self.body(), *(f"\n{note}" for note in self.notes), ""])

    def body(self) -> str:
        """The table alone, without title and notes."""
        lines = [_line(self.columns), _line(["---", *["---:"] * (len(self.columns) - 1)])]
        for place, row in enumerate(self.rows):
            stressed = place in self.strong
            lines.append(_line([f"**{cell}**" if stressed and cell else cell for cell in row]))
        return "\n".join(lines)

    def rich(self) -> Table:
        """The table for a terminal."""
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        table = Table(
            title=escape(self.title),
            title_justify="left",
            caption="\n".join(map(escape, self.notes)) or None,
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            collapse_padding=True,
        )
        for place, column in enumerate(self.columns):
            table.add_column(escape(column), justify="right" if place else "left")
        for place, row in enumerate(self.rows):
            table.add_row(*map(escape, row), style="bold" if place in self.strong else None)
        return table


def number(value: float | None, digits: int = 3) -> str:
    """A figure; – where it is undefined."""
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share in %, without the sign; – where it is undefined."""
    return number(None if value is None else 100 * value, digits)


def span(interval: Sequence[float] | None, scale: float = 100, digits: int = 1) -> str:
    """An interval as low–high; empty where there is none."""
    return "" if interval is None else f"{scale * interval[0]:.{digits}f}–{scale * interval[1]:.{digits}f}"


def versus(value: float | None, than: float | None) -> str:
    """How much more a share is than a published one in %, with its sign; – where either is missing."""
    return "–" if value is None or than is None else f"{100 * value - than:+.1f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
