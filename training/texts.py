"""The texts that define labels and activities, read from `texts/*.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from clef_rt.errors import ConfigError

__all__ = ["FOLDER", "LabelText", "LabelTexts", "Templates", "activity_sentence", "load_activities", "load_labels"]

FOLDER: Final = Path(__file__).parent / "texts"
_Template = Annotated[str, StringConstraints(pattern=r"^[^{}]*\{\}[^{}]*$")]
_Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Templates(_Strict):
    """What a label's words are put into, at `{}`."""

    name: _Template
    description: tuple[_Template, ...] = Field(min_length=1)


class LabelText(_Strict):
    """One label in words: a short text that goes into the name's template, and what it looks like."""

    text: _Sentence
    descriptions: tuple[_Sentence, ...] = Field(min_length=1)


class LabelTexts(_Strict):
    """All labels in words, by group and name."""

    templates: Templates
    expression: dict[str, LabelText]
    au: dict[str, LabelText]

    def group(self, group: str) -> dict[str, LabelText]:
        """The labels of `au` or `expression`."""
        return self.au if group == "au" else self.expression

    def chosen(self, aus: Sequence[str], expressions: Sequence[str]) -> LabelTexts:
        """Just these labels, in this order.

        Raises:
            ConfigError: one has no text.
        """
        if missing := [n for n in aus if n not in self.au] + [n for n in expressions if n not in self.expression]:
            raise ConfigError(f"No text for {', '.join(missing)}.", "Add it to texts/labels.yaml.")
        return self.model_copy(
            update={"au": {n: self.au[n] for n in aus}, "expression": {n: self.expression[n] for n in expressions}}
        )


def load_labels(path: Path = FOLDER / "labels.yaml") -> LabelTexts:
    """Read the labels' texts.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    try:
        return LabelTexts.model_validate(_read(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def load_activities(path: Path = FOLDER / "activities.yaml") -> dict[str, str]:
    """Read the activities' sentences by key.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    found = _read(path)
    if not isinstance(found, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in found.items()):
        raise ConfigError(f"{path}: it must be a table of sentences by key.")
    return found


def activity_sentence(activity: str, known: dict[str, str]) -> str:
    """The sentence of an activity's key; an activity that isn't a key is its own sentence."""
    return known.get(activity, activity)


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} can't be read: {error}.") from None
