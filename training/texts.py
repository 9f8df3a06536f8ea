"""The texts that define labels and activities: `texts/labels.yaml` and `texts/activities/<dataset>.yaml`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)
from pydantic_core import PydanticCustomError

from clef_rt.errors import ConfigError
from training.yaml_file import load_yaml

__all__ = [
    "FOLDER",
    "INTENSITIES",
    "LabelText",
    "LabelTexts",
    "Templates",
    "activity_sentence",
    "base_unit",
    "load_activities",
    "load_labels",
]

FOLDER: Final = Path(__file__).parent / "texts"
INTENSITIES: Final = 6
"""Levels 0 (absent) to 5 (maximum), as FACS' A–E."""

_SIDES: Final = {"L": "the left side", "R": "the right side", "U": "one side"}


def _has_one_place(template: str) -> str:
    if template.count("{}") != 1 or re.search(r"[{}]", template.replace("{}", "")):
        raise PydanticCustomError("template", "it must have {} once, and no other braces")
    return template


def _is_plain(sentence: str) -> str:
    if re.search(r"[{}\n]", sentence):
        raise PydanticCustomError("sentence", "it must be one line without braces")
    return sentence


_Template = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_has_one_place)]
_Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_is_plain)]
_AuName = Annotated[str, StringConstraints(pattern=r"^AU\d\d(_[LRU])?$")]
_Activities = Annotated[dict[_Sentence, _Sentence], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Templates(_Strict):
    """What a label's words are put into, at `{}`.

    Attributes:
        name: for a label's `text`.
        description: for a label's descriptions; one is drawn at random in training.
    """

    name: _Template
    description: tuple[_Template, ...] = Field(min_length=1)


class LabelText(_Strict):
    """One label in words.

    Attributes:
        text: a noun phrase that goes into the name's template.
        descriptions: what it looks like, each a whole clause.
        facs: the Action Unit's name in FACS.
    """

    text: _Sentence
    descriptions: tuple[_Sentence, ...] = Field(min_length=1)
    facs: _Sentence | None = None


class LabelTexts(_Strict):
    """All labels in words, by group and name.

    Attributes:
        templates: of names and descriptions.
        intensity: templates of the levels 0–5; none where the file has none.
        emfacs: the Action Units of expressions, for `compose_expression`; `AU14_U` is one side, whichever.
        expression: the expressions by name.
        au: the Action Units by name, `AU01`.
    """

    templates: Templates
    intensity: tuple[_Template, ...] = ()
    emfacs: dict[str, tuple[str, ...]] = {}
    expression: dict[str, LabelText]
    au: dict[_AuName, LabelText]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.intensity) not in (0, INTENSITIES):
            raise _wrong(f"intensity: it must have {INTENSITIES} templates, and has {len(self.intensity)}")
        for place, templates in (("templates.description", self.templates.description), ("intensity", self.intensity)):
            if twice := _repeated(templates):
                raise _wrong(f"{place}: {twice!r} stands there twice")
        owners: dict[str, str] = {}
        for key, label in [(f"expression.{k}", v) for k, v in self.expression.items()] + [
            (f"au.{k}", v) for k, v in self.au.items()
        ]:
            for words in (label.text, *label.descriptions):
                if (owner := owners.setdefault(_folded(words), key)) != key:
                    raise _wrong(f"{key}: {words!r} is a text of {owner} too")
            if twice := _repeated(label.descriptions):
                raise _wrong(f"{key}.descriptions: {twice!r} stands there twice")
        for expression, units in self.emfacs.items():
            if expression not in self.expression:
                raise _wrong(f"emfacs.{expression}: there is no such expression")
            if unknown := [name for name in units if base_unit(name) not in self.au]:
                raise _wrong(f"emfacs.{expression}: {unknown[0]} has no text under au")
        return self

    def group(self, group: str) -> dict[str, LabelText]:
        """The labels of `au` or `expression`."""
        return self.au if group == "au" else self.expression

    def action_unit(self, name: str) -> LabelText:
        """The words of an Action Unit; those of one side (`AU12_L`, `AU12_R`, `AU12_U`) are made from the whole one's.

        Raises:
            ConfigError: it has no text.
        """
        if name in self.au:
            return self.au[name]
        if (base := base_unit(name)) not in self.au:
            raise ConfigError(f"No text for {name}.", "Add it to texts/labels.yaml.")
        side = _SIDES[name[-1]]
        whole = self.au[base]
        return LabelText(
            text=f"{whole.text} on {side} of the face",
            descriptions=tuple(f"{description}, on {side} of the face" for description in whole.descriptions),
            facs=whole.facs and f"{whole.facs}, {side}",
        )

    def chosen(self, aus: Sequence[str], expressions: Sequence[str]) -> LabelTexts:
        """Just these labels, in this order; without the table of EMFACS, which needs them all.

        Args:
            aus: names as a manifest's columns have them: `AU12`, `AU12_L`.
            expressions: names.

        Raises:
            ConfigError: one has no text.
        """
        if missing := [n for n in aus if base_unit(n) not in self.au] + [
            n for n in expressions if n not in self.expression
        ]:
            raise ConfigError(f"No text for {', '.join(missing)}.", "Add it to texts/labels.yaml.")
        units = {name: self.action_unit(name) for name in aus}
        return self.model_copy(
            update={"emfacs": {}, "au": units, "expression": {n: self.expression[n] for n in expressions}}
        )


def load_labels(path: Path = FOLDER / "labels.yaml") -> LabelTexts:
    """Read the labels' texts.

    Raises:
        ConfigError: the file is missing or wrong; names the file and the key.
    """
    return load_yaml(path, TypeAdapter(LabelTexts))


def load_activities(dataset: str | Path) -> dict[str, str]:
    """Read the sentences of a dataset's activities, by key.

    Args:
        dataset: a dataset's name, for `texts/activities/<name>.yaml`; or the path of such a file.

    Returns:
        Empty where a named dataset has no file: its activities are their own sentences.

    Raises:
        ConfigError: the file is wrong, or a path's file is missing; names the file and the key.
    """
    if isinstance(dataset, Path):
        path = dataset
    elif dataset in {file.stem for file in (FOLDER / "activities").glob("*.yaml")}:
        path = FOLDER / "activities" / f"{dataset}.yaml"
    else:
        return {}
    sentences = load_yaml(path, TypeAdapter(_Activities))
    if twice := _repeated(tuple(sentences.values())):
        keys = [key for key, sentence in sentences.items() if _folded(sentence) == _folded(twice)]
        raise ConfigError(
            f"{path}: {' and '.join(keys)} have the same sentence.", "Give them one key, or tell them apart."
        )
    return sentences


def activity_sentence(activity: str, known: dict[str, str]) -> str:
    """The sentence of an activity.

    Args:
        activity: a key of `known`; or a sentence, where `known` is empty.
        known: what `load_activities` gave for the dataset.

    Raises:
        ConfigError: the dataset has a file, and this isn't one of its keys.
    """
    if known and activity not in known:
        raise ConfigError(
            f"The dataset has no activity {activity!r}.",
            f"Use {', '.join(known)}, or add it to the dataset's file in texts/activities.",
        )
    return known.get(activity, activity)


def base_unit(name: str) -> str:
    """An Action Unit's name without its side."""
    return re.sub(r"_[LRU]$", "", name)


def _folded(words: str) -> str:
    return " ".join(words.casefold().split()).rstrip(".")


def _repeated(sentences: tuple[str, ...]) -> str | None:
    counts = Counter(map(_folded, sentences))
    return next((sentence for sentence in sentences if counts[_folded(sentence)] > 1), None)


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("texts", "{message}", {"message": message})
