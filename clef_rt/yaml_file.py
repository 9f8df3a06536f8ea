"""YAML files that people write, as typed values: whatever is wrong is told with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from clef_rt.errors import ConfigError
from clef_rt.yaml_text import MAX_BYTES, Lines, Path, parse_yaml

__all__ = ["check_file", "explain", "path_of"]

_Model = TypeVar("_Model", bound=BaseModel)


def check_file(
    path: FilePath, model: type[_Model], *, things: str, example: str, words: Mapping[str, str]
) -> tuple[_Model | None, list[str]]:
    """Read a file, and tell all that is wrong with it.

    Args:
        path: the file, UTF-8.
        model: what it must hold.
        things: what these are, in the plural: `settings`.
        example: where to see how they're written; a sentence.
        words: what is wrong, by the type of Pydantic's error, where Pydantic's own words don't fit.

    Returns:
        The values, or None if something is wrong; and what is, each as `FILE:LINE: key: what`, in the file's order.

    Raises:
        ConfigError: it can't be read, or isn't YAML of plain values.
    """
    data, lines = parse_yaml(_read(path, things, example), str(path))
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:{lines[()]}: these aren't {things}, which read `key: value`.", example)
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        found = [
            (_line(lines, path_of(detail)), explain(detail, model, _dotted(path_of(detail)), words))
            for detail in error.errors(include_url=False)
        ]
        return None, [f"{path}:{line}: {what}" for line, what in sorted(found)]


def path_of(detail: ErrorDetails) -> Path:
    """Where in the values an error is. Pydantic adds parts that aren't keys, such as `[key]`."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def explain(detail: ErrorDetails, model: type[BaseModel], where: str, words: Mapping[str, str]) -> str:
    """What is wrong with a value, and where, in our words.

    Args:
        detail: Pydantic's.
        model: what was wanted.
        where: how the place is called; may be "".
        words: by the type of error, as for `check_file`.
    """
    what = re.sub(r"^(Input|Value error,|String|Tuple|List) ?", "", detail["msg"]).rstrip(".")
    if detail["type"] in words:
        what = words[detail["type"]]
    elif detail["type"] == "extra_forbidden":
        what = _unknown(model, path_of(detail))
    elif detail["type"] == "string_type" and isinstance(detail["input"], bool):
        what += "; YAML reads yes, no, on and off as true and false: put it in quotes"
    elif detail["type"] == "missing":
        what = "is missing"
    elif detail["type"] in ("model_type", "dict_type"):
        what = "should be settings of the form `key: value`, indented below"
    what = what if what.endswith("?") else f"{what}."
    return f"{where}: {what}" if where else what


def _read(path: FilePath, things: str, example: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}.", example) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ConfigError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} has more than {MAX_BYTES >> 10} KiB.", f"Is it a file of {things}?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8.", "Save it as UTF-8.") from None


def _line(lines: Lines, path: Path) -> int:
    """The line of a path, or of the nearest thing around it that stands in the file."""
    return next((lines[path[:depth]] for depth in range(len(path), -1, -1) if path[:depth] in lines), 1)


def _unknown(model: type[BaseModel], path: Path) -> str:
    known = sorted(_models_at(model, path[:-1]).model_fields)
    near = difflib.get_close_matches(str(path[-1]), known, 1)
    return f"is no setting. Did you mean {near[0]}?" if near else f"is no setting. Known: {', '.join(known)}"


def _models_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model of the values at a path: through fields, and through lists and dicts of models."""
    for part in path:
        field = model.model_fields.get(str(part)) or model.model_fields.get("root")
        model = next(_models_in(field.annotation), model) if field else model
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _dotted(path: Path) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:40]}" for part in path]
    return "".join(parts).removeprefix(".").encode("ascii", "backslashreplace").decode()
