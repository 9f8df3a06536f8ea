"""The model card's section on labels that were added by text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clef_rt.bundle.label_spec import Label

__all__ = ["with_labels"]

HEADING: Final = "## Zero-shot labels"


def with_labels(card: str, labels: Sequence[Label]) -> str:
    """The card with its section on zero-shot labels written anew at its end; without the section where there are none.

    Adding labels and removing them again leaves the card as it was, but for blank lines at its end.

    Args:
        card: Markdown.
        labels: the zero-shot labels.
    """
    rest = _without(card)
    if not labels:
        return rest
    lines = [
        HEADING,
        "",
        "Added by text alone. The encoder never learnt them and nothing was measured: a score says that the picture "
        "is nearer to these words, as the text tower understands them, than other pictures are.",
        "",
        "| label | means | prompts | against | threshold |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for label in labels:
        against = "; ".join(label.against.prompts) if label.against else ""
        cells = (f"`{label.name}`", label.text, "; ".join(label.prompts), against, f"{label.threshold:g}")
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return rest.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"


def _without(card: str) -> str:
    """The card without the section; what follows it stays."""
    lines = card.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if line.rstrip() == HEADING), None)
    if start is None:
        return card
    end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith(("# ", "## "))), len(lines))
    before, after = "".join(lines[:start]).rstrip("\n"), "".join(lines[end:])
    return f"{before}\n" + (f"\n{after}" if after else "")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
