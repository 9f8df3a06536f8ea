"""A bundle's labels, and how near new ones are to others, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from clef_rt.bundle import Bundle
from clef_rt.cli.plain import printable
from clef_rt.labels.label_set import Likeness

__all__ = ["labels_table", "likeness_table"]

GROUPS = (("au", "Action Unit"), ("expression", "expression"), ("zero_shot", "zero-shot"))


def labels_table(bundle: Bundle) -> Table:
    """A row a label: its group, its texts, and what is to be known of it."""
    table = _table()
    for name in ("label", "group", "means", "prompts", "against", "threshold", ""):
        table.add_column(name, justify="right" if name == "threshold" else "left", overflow="fold")
    for key, group in GROUPS:
        own = getattr(bundle.spec.groups, key)
        for label in own.labels if own else ():
            marks = ["zero-shot"] * (key == "zero_shot") + ["experimental"] * label.experimental
            against = "\n".join(label.against.prompts) if label.against else ""
            prompts, threshold = "\n".join(label.prompts), f"{label.threshold:.2f}"
            cells = (label.name, group, label.text, prompts, against, threshold, ", ".join(marks))
            table.add_row(*map(printable, cells))
    return table


def likeness_table(found: Sequence[Likeness]) -> Table:
    """A row a new label: the others that are nearest in meaning."""
    table = _table()
    table.add_column("new label")
    table.add_column("nearest in meaning, with the cosine of their texts", overflow="fold")
    for own in found:
        table.add_row(own.name, ", ".join(f"{name} {cosine:.2f}" for name, cosine in own.nearest))
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
