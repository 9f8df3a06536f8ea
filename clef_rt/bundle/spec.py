"""What `bundle.json` says: the edge where JSON that anybody may have written becomes typed values."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import (
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import from_json

from clef_rt.bundle.label_spec import ExclusiveGroup, Groups, IndependentGroup, Label, SpecModel, Text, TextSpec
from clef_rt.errors import BundleError

__all__ = [
    "CARD",
    "ENCODER",
    "LABELS",
    "SCHEMA_VERSION",
    "SPEC",
    "TEXT",
    "BundleSpec",
    "ExclusiveGroup",
    "Groups",
    "IndependentGroup",
    "InputSpec",
    "Label",
    "TextSpec",
    "parse_spec",
]

SCHEMA_VERSION: Final = 1
SPEC: Final = "bundle.json"
ENCODER: Final = "encoder.onnx"
LABELS: Final = "labels.safetensors"
CARD: Final = "MODEL_CARD.md"
TEXT: Final = "text.onnx"

FILE_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\.(onnx|safetensors|json|md|txt)$"
"""A flat name (so no path can leave the folder) of a kind that holds data only: no pickle, no `.onnx.data` beside."""

BUNDLE_NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
MAX_VALUES: Final = 50_000  # ours has 5,000; each may cost an error of 1.4 kB
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Point = tuple[float, float]


class InputSpec(SpecModel):
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


class BundleSpec(SpecModel):
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
        text: how labels are added by text; None where the bundle doesn't allow it.
        metrics: figures, nested as deep as they need.
        files: sha256 (hex) of every other file of the bundle, by name.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    name: Annotated[str, StringConstraints(pattern=BUNDLE_NAME)]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    created: date
    licence: Text
    provenance: dict[Text, str | list[str]]
    input: InputSpec
    embedding_dim: int = Field(ge=2, le=8192)
    groups: Groups
    text: TextSpec | None = None
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
    if not _fewer_values(raw, MAX_VALUES):
        raise BundleError(f"{origin}: {SPEC} holds more than {MAX_VALUES} values.", again)
    version = raw.get("schema_version", SCHEMA_VERSION) if isinstance(raw, dict) else SCHEMA_VERSION
    if type(version) is int and version != SCHEMA_VERSION:
        hint = "Upgrade clef-rt." if version > SCHEMA_VERSION else "Export the model again with this clef-rt."
        raise BundleError(f"{origin}: {SPEC} has schema version {version}; this clef-rt reads {SCHEMA_VERSION}.", hint)
    try:
        return BundleSpec.model_validate_json(data)
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(map(str, first["loc"]))[:200] or "top level"
        more = f" (and {len(others)} more)" if others else ""
        raise BundleError(f"{origin}: {SPEC}: {where}: {first['msg'][:500]}{more}.", again) from None


def _fewer_values(value: object, limit: int) -> bool:
    """Whether JSON's values, those within others included, are at most `limit`."""
    waiting, count = [value], 0
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict | list):
            count += len(inner)
            waiting.extend(inner.values() if isinstance(inner, dict) else inner)
        if count > limit:
            return False
    return True
