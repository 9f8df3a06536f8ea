"""The card's section on labels added by text comes and goes, and leaves the rest alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clef_rt.bundle.label_spec import Against, Label
from clef_rt.labels.label_card import HEADING, with_labels

SHUT = Label(
    name="shut", text="eyes | shut", prompts=("closed eyes", "shut lids"), rows=(1, 2), threshold=0.6,
    against=Against(prompts=("open eyes",), rows=(3,)),
)  # fmt: skip
GRIN = Label(name="grin", text="a grin", prompts=("a\ngrin",), rows=(4,))
lines = st.lists(st.sampled_from(["# tiny", "", "words", "## Data", "### More", "| a | b |", "  ## not"]), max_size=8)


def test_each_label_has_a_row() -> None:
    card = with_labels("# tiny\n", [SHUT, GRIN])
    assert card.startswith(f"# tiny\n\n{HEADING}\n\n")
    assert card.endswith(
        "| `shut` | eyes \\| shut | closed eyes; shut lids | open eyes | 0.6 |\n| `grin` | a grin | a grin |  | 0.5 |\n"
    )


@given(lines)
def test_adding_and_removing_gives_the_card_back(parts: list[str]) -> None:
    card = "\n".join(parts).rstrip("\n") + "\n"
    with_two = with_labels(card, [SHUT, GRIN])
    assert with_labels(with_two, [GRIN]) == with_labels(card, [GRIN])
    assert with_labels(with_two, []) == card


def test_what_follows_the_section_stays() -> None:
    card = with_labels("# tiny\n", [SHUT]) + "\n## Limits\n\nMany.\n"
    again = with_labels(card, [GRIN])
    assert "## Limits\n\nMany.\n" in again
    assert "shut" not in again
    assert with_labels(again, []) == "# tiny\n\n## Limits\n\nMany.\n"
