"""What `bundle.json` says: the edge where JSON that anybody may have written becomes typed values."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import from_json

from clef_rt.errors import BundleError

__all__ = [
    "CARD",
    "ENCODER",
    "LABELS",
    "SCHEMA_VERSION",
    "SPEC",
    "BundleSpec",
    "ExclusiveGroup",
    "Groups",
    "IndependentGroup",
    "InputSpec",
    "Label",
    "parse_spec",
]

SCHEMA_VERSION: Final = 1
SPEC: Final = "bundle.json"
ENCODER: Final = "encoder.onnx"
LABELS: Final = "labels.safetensors"
CARD: Final = "MODEL_CARD.md"

FILE_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.(onnx|safetensors|json|md|txt)$"
"""A flat name (so no path can leave the folder) of a kind that holds data only: no pickle, no `.onnx.data` beside."""

AU_NAME: Final = r"^AU[0-9]{2}(_[LR])?$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Point = tuple[float, float]


class _Model(BaseModel):
    # Strict: 1 is no string and "1" no number. JSON's NaN and Infinity are refused.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class InputSpec(_Model):
    """What the encoder takes.

    Attributes:
        size: side S of the square crop, px.
        channels: 1 (luminance) or 3.
        color: what the channels are.
        layout: crops are (n, S, S, channels).
        dtype: crops are uint8, 0–255; the graph itself normalises.
        template: where the five landmarks lie in the crop, px, in the order of `clef_rt.frame.LANDMARKS`.
        mean: per channel, on the 0–1 scale. For the reader only: it is folded into the graph.
        std: likewise.
    """

    size: int = Field(ge=16, le=1024)
    channels: Literal[1, 3]
    color: Literal["gray", "rgb"]
    layout: Literal["NHWC"] = "NHWC"
    dtype: Literal["uint8"] = "uint8"
    template: tuple[Point, Point, Point, Point, Point]
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]

    @model_validator(mode="after")
    def _agree(self) -> InputSpec:
        if self.color != {1: "gray", 3: "rgb"}[self.channels]:
            raise ValueError(f"color {self.color!r} doesn't have {self.channels} channel(s)")
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(f"mean and std need {self.channels} value(s) each")
        if not all(0 <= value <= self.size for point in self.template for value in point):
            raise ValueError(f"template reaches past the crop of {self.size} px")
        return self


class Label(_Model):
    """One label: a name, and the texts that define it.

    Attributes:
        name: as it is published.
        text: what it means, for a person.
        prompts: the texts that were embedded.
        rows: the row of each prompt in the table of embeddings.
        bias: added to the scaled similarity.
        threshold: the probability from which the label counts as present.
        experimental: its figures don't suffice to rely on it.
    """

    name: Name
    text: Text
    prompts: tuple[Text, ...] = Field(min_length=1, max_length=256)
    rows: tuple[Annotated[int, Field(ge=0, lt=1 << 20)], ...]
    bias: float = Field(default=0.0, ge=-1_000, le=1_000)
    threshold: float = Field(default=0.5, ge=0, le=1)
    experimental: bool = False

    @model_validator(mode="after")
    def _agree(self) -> Label:
        if len(self.rows) != len(self.prompts):
            raise ValueError(f"{self.name}: {len(self.prompts)} prompt(s) and {len(self.rows)} row(s)")
        return self


class _Group(_Model):
    logit_scale: float = Field(gt=0, le=1_000)
    labels: tuple[Label, ...] = Field(max_length=1_000)


class IndependentGroup(_Group):
    """Labels that are present or absent each for itself: p = sigmoid(logit_scale · cosine + bias)."""

    kind: Literal["independent"] = "independent"


class ExclusiveGroup(_Group):
    """Labels of which one holds: p = softmax(logit_scale · cosine + bias)."""

    kind: Literal["exclusive"] = "exclusive"


class Groups(_Model):
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


class BundleSpec(_Model):
    """The whole of `bundle.json`.

    Attributes:
        schema_version: of this description.
        name: of the model, `clef-edge.teacher-v1` style.
        version: of the model, `1.0.0` style.
        created: the day it was exported, UTC.
        licence: an SPDX identifier, or words.
        provenance: where it comes from: data, teacher, code version; texts, or lists of them.
        input: what the encoder takes.
        embedding_dim: length d of an embedding.
        groups: the labels.
        metrics: figures, nested as deep as they need.
        files: sha256 (hex) of every other file of the bundle, by name.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    created: date
    licence: Text
    provenance: dict[Text, str | list[str]]
    input: InputSpec
    embedding_dim: int = Field(ge=2, le=8192)
    groups: Groups
    metrics: dict[Text, JsonValue] = Field(default_factory=dict)
    files: dict[Annotated[str, StringConstraints(pattern=FILE_NAME)], Sha256] = Field(
        default_factory=dict, max_length=32
    )

    @field_validator("metrics")
    @classmethod
    def _numbers(cls, metrics: dict[str, JsonValue]) -> dict[str, JsonValue]:
        _check_numbers(metrics, "metrics")
        return metrics

    @field_validator("files")
    @classmethod
    def _files(cls, files: dict[str, str]) -> dict[str, str]:
        if SPEC in files:
            raise ValueError(f"{SPEC} can't hold its own hash")
        if len({name.casefold() for name in files}) < len(files):
            raise ValueError("two names differ in case only")
        return files

    def to_json(self) -> bytes:
        """As `bundle.json` holds it: indented UTF-8, the same bytes for the same contents."""
        return self.model_dump_json(indent=1, exclude_none=True).encode() + b"\n"


def _check_numbers(value: JsonValue, where: str) -> None:
    """Raise ValueError unless `value` is a finite number or a mapping of such, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_numbers(inner, f"{where}.{key}")
    elif isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise ValueError(f"{where} is no number")


def parse_spec(data: bytes, origin: str) -> BundleSpec:
    """Read `bundle.json`.

    Args:
        data: the file's bytes.
        origin: where they are from, for messages.

    Raises:
        BundleError: it isn't JSON, is of another schema version, or breaks the schema; the message names the field.
    """
    again = "Export the bundle again, or fetch it anew."
    try:
        raw = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise BundleError(f"{origin}: {SPEC} is no JSON: {error}.", again) from None
    version = raw.get("schema_version", SCHEMA_VERSION) if isinstance(raw, dict) else SCHEMA_VERSION
    if type(version) is int and version != SCHEMA_VERSION:
        hint = "Upgrade clef-rt." if version > SCHEMA_VERSION else "Export the model again with this clef-rt."
        raise BundleError(f"{origin}: {SPEC} has schema version {version}; this clef-rt reads {SCHEMA_VERSION}.", hint)
    try:
        return BundleSpec.model_validate_json(data)
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(map(str, first["loc"])) or "top level"
        more = f" (and {len(others)} more)" if others else ""
        raise BundleError(f"{origin}: {SPEC}: {where}: {first['msg']}{more}.", again) from None
