"""Sentences from labels' texts: what the text encoder reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from clef_rt.errors import ConfigError
from training.texts import INTENSITIES, LabelText, LabelTexts, base_unit

__all__ = ["compose_expression", "described_sentences", "intensity_prompts", "name_prompt"]

_STILL: Final = "no movement of the face"


def name_prompt(label: LabelText, texts: LabelTexts) -> str:
    """A label's name in its template."""
    return texts.templates.name.format(label.text)


def described_sentences(label: LabelText, texts: LabelTexts) -> tuple[str, ...]:
    """Every description of a label in every template: all templates of the first description, then of the next."""
    return tuple(template.format(words) for words in label.descriptions for template in texts.templates.description)


def intensity_prompts(label: LabelText, texts: LabelTexts) -> tuple[str, ...]:
    """A label's name at the levels 0–5.

    Raises:
        ConfigError: the texts have no templates of intensity.
    """
    if not texts.intensity:
        raise ConfigError("The texts have no `intensity:`.", f"Add {INTENSITIES} templates to texts/labels.yaml.")
    return tuple(template.format(label.text) for template in texts.intensity)


def compose_expression(expression: str, aus: Collection[str], texts: LabelTexts) -> str:
    """An expression's sentence, composed from its Action Units' texts (zero-shot: trained on Action Units alone).

    Args:
        expression: a key of `texts.emfacs`.
        aus: the Action Units that the model was trained on; of the expression's others nothing is said.
        texts: the whole file's.

    Returns:
        "a photo of a person with raised cheeks and lip corners pulled up".

    Raises:
        ConfigError: the table lacks the expression, or the model knows none of its Action Units.
    """
    if expression not in texts.emfacs:
        raise ConfigError(f"No Action Units for {expression}.", "Add them to `emfacs:` in texts/labels.yaml.")
    units = texts.emfacs[expression]
    known = {base_unit(name) for name in aus}
    words = [texts.action_unit(name).text for name in units if base_unit(name) in known]
    if units and not words:
        raise ConfigError(f"{expression} is {', '.join(units)}; the model was trained on none of them.")
    listed = ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words) or _STILL
    return texts.templates.name.format(listed)
