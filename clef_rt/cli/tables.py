"""Tables without lines, of texts from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from clef_rt.cli.plain import printable

if TYPE_CHECKING:
    from clef_rt.bundle import Bundle
    from clef_rt.bundle.label_spec import Label

__all__ = ["ZERO_SHOT", "add_row", "grouped_labels", "plain_table"]

ZERO_SHOT = "zero-shot"
_GROUPS = (("au", "Action Unit"), ("expression", "expression"), ("zero_shot", ZERO_SHOT))


def plain_table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """A table with these columns; without a head where none is named.

    Args:
        columns: their names.
        right: those that are set to the right.
    """
    table = Table(box=None, pad_edge=False, show_header=bool(columns), header_style="bold", padding=(0, 1))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row, its control characters spelt out."""
    table.add_row(*map(printable, cells))


def grouped_labels(bundle: Bundle) -> Iterator[tuple[str, Label]]:
    """A bundle's labels in their order, each with its group's name for people."""
    for key, group in _GROUPS:
        own = getattr(bundle.spec.groups, key)
        for label in own.labels if own else ():
            yield group, label
