"""Labels of a user's own, as `labels.yaml` or the command line tells them.

broad_smile:
  text: a broad smile
closed_eyes:
  prompts: [closed eyes, shut eyelids]
  against: [open eyes]
  threshold: 0.6
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from clef_rt.bundle.label_spec import LABEL_NAME, MAX_PROMPTS
from clef_rt.errors import ConfigError
from clef_rt.yaml_file import check_file, explain, path_of

__all__ = ["NewLabel", "NewLabels", "new_label", "read_labels"]

_EXAMPLE: Final = "See docs/labels.md for an example."
_WORDS: Final = {
    "too_short": "must not be empty",
    "model_type": "should be `text:` or `prompts:`, indented below",
}


def _phrase(words: str) -> str:
    words = words.strip()
    if not words:
        raise ValueError("must not be empty")
    if re.search(r"[{}]", words) or not words.isprintable():
        raise ValueError("must be one line without braces")
    return words


def _template(words: str) -> str:
    words = words.strip()
    if words.count("{}") != 1 or re.search(r"[{}]", words.replace("{}", "")) or not words.isprintable():
        raise ValueError("must be one line that has {} once, where the words go, and no other braces")
    return words


def _label_name(name: str) -> str:
    if not re.fullmatch(LABEL_NAME, name):
        raise ValueError("a label's name is 1 to 64 letters, digits and underscores, and begins with a letter")
    if re.fullmatch(r"AU\d.*", name):
        raise ValueError("a name like AU12 is an Action Unit's, which is trained and tested; choose another")
    return name


_Phrase = Annotated[str, Field(max_length=500), AfterValidator(_phrase)]
_Template = Annotated[str, Field(max_length=500), AfterValidator(_template)]
_Name = Annotated[str, AfterValidator(_label_name)]


class NewLabel(BaseModel):
    """One label to add.

    Attributes:
        text: what it means: a noun phrase such as `a broad smile`. Embedded itself where there are no `prompts`.
        prompts: other phrases that mean it; their embeddings are averaged.
        against: phrases of its opposite, or of a plain face; averaged likewise, and scored against.
        templates: sentences that each phrase is put into, at `{}`; None for the one that the model was trained with.
        threshold: the probability from which the label counts as present.
        bias: added to the scaled similarity; None for the default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    text: _Phrase | None = None
    prompts: list[_Phrase] | None = Field(default=None, min_length=1)
    against: list[_Phrase] | None = Field(default=None, min_length=1)
    templates: list[_Template] | None = Field(default=None, min_length=1)
    threshold: float = Field(default=0.5, ge=0, le=1)
    bias: float | None = Field(default=None, ge=-1_000, le=1_000)

    @model_validator(mode="after")
    def _embeds_something(self) -> NewLabel:
        if self.text is None and self.prompts is None:
            raise ValueError("needs `text` or `prompts`: what it looks like, in words")
        for name, phrases in (("prompts", self.prompts), ("against", self.against)):
            if len(phrases or ()) * len(self.templates or (1,)) > MAX_PROMPTS:
                raise ValueError(f"{name} times templates are more than {MAX_PROMPTS}")
            if twice := sorted({phrase for phrase in phrases or () if (phrases or []).count(phrase) > 1}):
                raise ValueError(f"{name} has {twice[0]!r} twice")
        return self

    @property
    def meaning(self) -> str:
        """What it means, for a person."""
        return self.text or (self.prompts or [""])[0]

    def sentences(self, template: str) -> tuple[str, ...]:
        """What is embedded of the label itself.

        Args:
            template: the model's.
        """
        return self._filled(self.prompts or [self.meaning], template)

    def against_sentences(self, template: str) -> tuple[str, ...]:
        """What is embedded to score against; none where it stands for itself."""
        return self._filled(self.against or [], template)

    def _filled(self, phrases: list[str], template: str) -> tuple[str, ...]:
        return tuple(own.format(phrase) for phrase in phrases for own in self.templates or [template])


class NewLabels(RootModel[Annotated[dict[_Name, NewLabel], Field(min_length=1, max_length=1_000)]]):
    """A whole `labels.yaml`: labels by name."""


def read_labels(path: Path) -> dict[str, NewLabel]:
    """Read a `labels.yaml`.

    Raises:
        ConfigError: it can't be read, or something in it is wrong: `FILE:LINE: key: what`, all of it.
    """
    found, problems = check_file(path, NewLabels, things="labels", example=_EXAMPLE, words=_WORDS)
    if found is None:
        raise ConfigError("; ".join(problems), _EXAMPLE)
    return found.root


def new_label(name: str, given: Mapping[str, Any]) -> dict[str, NewLabel]:
    """One label, as options of the command line tell it.

    Args:
        name: the label's.
        given: fields of `NewLabel`.

    Raises:
        ConfigError: something is wrong; names the option.
    """
    try:
        return NewLabels.model_validate({name: given}).root
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        _, *field = path_of(detail)
        where = f"--{str(field[0]).removesuffix('s')}" if field else name[:80]
        raise ConfigError(explain(detail, NewLabels, where, _WORDS)) from None
