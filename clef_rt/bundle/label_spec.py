"""The labels as `bundle.json` holds them: names, the texts that define them, and how others are added by text."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

__all__ = [
    "AU_NAME",
    "LABEL_NAME",
    "MAX_PROMPTS",
    "Against",
    "ExclusiveGroup",
    "Groups",
    "IndependentGroup",
    "Label",
    "SpecModel",
    "Text",
    "TextSpec",
]

AU_NAME: Final = r"^AU[0-9]{2}(_[LR])?$"
LABEL_NAME: Final = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
MAX_PROMPTS: Final = 256

Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Name = Annotated[str, StringConstraints(pattern=LABEL_NAME)]
Prompts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_PROMPTS)]
Row = Annotated[int, Field(ge=0, lt=1 << 20)]


class SpecModel(BaseModel):
    """A part of `bundle.json`. Strict: 1 is no string and "1" no number. JSON's NaN and Infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Against(SpecModel):
    """What a label is scored against: texts of its opposite, or of a plain face.

    Attributes:
        prompts: the texts that were embedded.
        rows: the row of each in the table of embeddings.
    """

    prompts: Prompts
    rows: tuple[Row, ...]

    @model_validator(mode="after")
    def _agree(self) -> Against:
        if len(self.rows) != len(self.prompts):
            raise ValueError(f"{len(self.prompts)} prompt(s) and {len(self.rows)} row(s)")
        return self


class Label(SpecModel):
    """One label: a name, and the texts that define it.

    Attributes:
        name: as it is published.
        text: what it means, for a person.
        prompts: the texts that were embedded.
        rows: the row of each prompt in the table of embeddings.
        against: what its similarity is counted against; only of labels that stand for themselves.
        bias: added to the scaled similarity.
        threshold: the probability from which the label counts as present.
        experimental: its figures don't suffice to rely on it.
    """

    name: Name
    text: Text
    prompts: Prompts
    rows: tuple[Row, ...]
    against: Against | None = None
    bias: float = Field(default=0.0, ge=-1_000, le=1_000)
    threshold: float = Field(default=0.5, ge=0, le=1)
    experimental: bool = False

    @model_validator(mode="after")
    def _agree(self) -> Label:
        if len(self.rows) != len(self.prompts):
            raise ValueError(f"{self.name}: {len(self.prompts)} prompt(s) and {len(self.rows)} row(s)")
        return self

    @property
    def all_rows(self) -> tuple[int, ...]:
        """Every row of the table that the label needs."""
        return self.rows + (self.against.rows if self.against else ())


class _Group(SpecModel):
    logit_scale: float = Field(gt=0, le=1_000)
    labels: tuple[Label, ...] = Field(max_length=1_000)


class IndependentGroup(_Group):
    """Labels that are present or absent each for itself: p = sigmoid(logit_scale · cosine + bias).

    Of a label with `against`, the cosine is that with its prompts less that with what it's scored against, which is
    the softmax over the two.
    """

    kind: Literal["independent"] = "independent"


class ExclusiveGroup(_Group):
    """Labels of which one holds: p = softmax(logit_scale · cosine + bias)."""

    kind: Literal["exclusive"] = "exclusive"

    @field_validator("labels")
    @classmethod
    def _against_none(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        if against := [label.name for label in labels if label.against]:
            raise ValueError(f"{against[0]}: labels of which one holds stand against each other already")
        return labels


class Groups(SpecModel):
    """The label groups. `zero_shot` holds labels that were added by text alone."""

    au: IndependentGroup
    expression: ExclusiveGroup
    zero_shot: IndependentGroup | None = None

    @field_validator("au")
    @classmethod
    def _au_names(cls, group: IndependentGroup) -> IndependentGroup:
        for label in group.labels:
            if not re.fullmatch(AU_NAME, label.name):
                raise ValueError(f"{label.name!r} is no Action Unit's name; they read AU01 … AU45, AU12_L, AU12_R")
        return group

    @model_validator(mode="after")
    def _unique(self) -> Groups:
        names = [label.name for label in self.labels]
        if not names:
            raise ValueError("there is no label in any group")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} defined more than once")
        return self

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of all groups, in the order au, expression, zero_shot."""
        return self.au.labels + self.expression.labels + (self.zero_shot.labels if self.zero_shot else ())


class TextSpec(SpecModel):
    """How a sentence becomes an embedding beside those of the labels, so that labels can be added by text.

    Attributes:
        tower: the text tower's name, `minilm` or a CLIP.
        tuned: it was trained on, so that only the checkpoint has it; else `text.onnx` goes with it, which takes the
            tower's features (n, features) float32 to embeddings (n, d) of length 1.
        features: how many numbers the tower makes of a sentence.
        template: what a label's words are put into, at `{}`.
        probe: a sentence whose embedding is known: whoever embeds it otherwise has another tower.
        probe_row: that embedding's row in the table.
    """

    tower: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    tuned: bool = False
    features: int = Field(ge=1, le=65_536)
    template: Text
    probe: Text
    probe_row: Row

    @field_validator("template")
    @classmethod
    def _one_place(cls, template: str) -> str:
        if template.count("{}") != 1:
            raise ValueError("a template has {} once")
        return template
