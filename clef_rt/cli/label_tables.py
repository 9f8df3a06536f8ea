"""A bundle's labels, and how near new ones are to others, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from clef_rt.bundle import Bundle
from clef_rt.cli.tables import ZERO_SHOT, add_row, grouped_labels, plain_table
from clef_rt.labels.label_set import Likeness

__all__ = ["labels_table", "likeness_table"]


def labels_table(bundle: Bundle) -> Table:
    """A row a label: its group, its texts, and what is to be known of it."""
    columns = ("label", "group", "means", "prompts", "against", "threshold", "")
    table = plain_table(*columns, right=("threshold",))
    for column in table.columns:
        column.overflow = "fold"  # what is too long goes on below, and isn't cut
    for group, label in grouped_labels(bundle):
        marks = [ZERO_SHOT] * (group == ZERO_SHOT) + ["experimental"] * label.experimental
        against = "\n".join(label.against.prompts) if label.against else ""
        prompts, threshold = "\n".join(label.prompts), f"{label.threshold:.2f}"
        add_row(table, label.name, group, label.text, prompts, against, threshold, ", ".join(marks))
    return table


def likeness_table(found: Sequence[Likeness]) -> Table:
    """A row a new label: the others that are nearest in meaning."""
    table = plain_table("new label", "nearest in meaning, with the cosine of their texts")
    table.columns[1].overflow = "fold"
    for own in found:
        add_row(table, own.name, ", ".join(f"{name} {cosine:.2f}" for name, cosine in own.nearest))
    return table
