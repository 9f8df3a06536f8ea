"""From a file and the command line's options to settings; from Pydantic's errors to lines of the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from clef_rt.config._settings import LiveSettings
from clef_rt.config._yaml import MAX_BYTES, Lines, Path, parse_yaml
from clef_rt.errors import ConfigError

__all__ = ["check_config", "load_config", "overlaid"]


def load_config(path: FilePath) -> LiveSettings:
    """Read a file of settings.

    Raises:
        ConfigError: it can't be read, or something in it is wrong: `FILE:LINE: key: what`.
    """
    settings, problems = check_config(path)
    if settings is None:
        more = f" (and {len(problems) - 1} more: clef-rt config check {path})" if len(problems) > 1 else ""
        raise ConfigError(problems[0] + more)
    return settings


def check_config(path: FilePath) -> tuple[LiveSettings | None, list[str]]:
    """Read a file of settings, and tell all that is wrong with them.

    Returns:
        The settings, or None if something is wrong; and what is, each as `FILE:LINE: key: what`, in the file's order.

    Raises:
        ConfigError: it can't be read, or isn't YAML of plain values.
    """
    data, lines = parse_yaml(_read(path), str(path))
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path}:{lines[()]}: these aren't settings, which read `key: value`.", "See: clef-rt config example"
        )
    try:
        return LiveSettings.model_validate(data), []
    except ValidationError as error:
        found = [(_line(lines, _path(detail)), _explain(detail)) for detail in error.errors(include_url=False)]
        return None, [f"{path}:{line}: {what}" for line, what in sorted(found)]


def overlaid(settings: LiveSettings, given: Mapping[str, Any], options: Mapping[str, Any]) -> LiveSettings:
    """Settings with what the command line gives in their place.

    Args:
        settings: of the file, or the defaults.
        given: by name; `endpoint` and `format` are those of `publish`.
        options: of `options`; they go over each source's own, too.

    Raises:
        ConfigError: a value is out of bounds; names the option.
    """
    data = settings.model_dump(exclude_unset=True)
    for name, value in given.items():
        if name in ("endpoint", "format"):
            data.setdefault("publish", {})[name] = value
        else:
            data[name] = value
    data["options"] = {**data.get("options", {}), **options}
    for source in data.get("sources", []):
        source["options"] = {**source.get("options", {}), **options}
    try:
        return LiveSettings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(error.errors(include_url=False)[0], command_line=True)) from None


def _read(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}.", "Write one with: clef-rt config example") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ConfigError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} has more than {MAX_BYTES >> 10} KiB.", "Is it a file of settings?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8.", "Save it as UTF-8.") from None


def _path(detail: ErrorDetails) -> Path:
    # Pydantic adds parts that aren't keys, such as `[key]`.
    return tuple(part for part in detail["loc"] if part != "[key]")


def _line(lines: Lines, path: Path) -> int:
    """The line of a path, or of the nearest thing around it that stands in the file."""
    return next(lines[path[:depth]] for depth in range(len(path), -1, -1) if path[:depth] in lines)


def _explain(detail: ErrorDetails, *, command_line: bool = False) -> str:
    path = _path(detail)
    where = _option(path) if command_line else _dotted(path)
    what = re.sub(r"^(Input|Value error,|String|Tuple|List) ?", "", detail["msg"]).rstrip(".")
    if detail["type"] == "extra_forbidden":
        what = _unknown(path)
    elif detail["type"] == "string_pattern_mismatch":
        what = "use 1 to 64 of: small letters, digits, underscore, hyphen"
    elif detail["type"] == "string_type" and isinstance(detail["input"], bool):
        what += "; YAML reads yes, no, on and off as true and false: put it in quotes"
    elif detail["type"] == "missing":
        what = "is missing"
    elif detail["type"] in ("model_type", "dict_type"):
        what = "should be settings of the form `key: value`, indented below"
    what = what if what.endswith("?") else f"{what}."
    return f"{where}: {what}" if where else what


def _unknown(path: Path) -> str:
    known = sorted(_fields(path[:-1]))
    near = difflib.get_close_matches(str(path[-1]), known, 1)
    return f"is no setting. Did you mean {near[0]}?" if near else f"is no setting. Known: {', '.join(known)}"


def _fields(path: Path) -> list[str]:
    """The keys known at a path."""
    model: type[BaseModel] = LiveSettings
    for part in path:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        inner = model.model_fields[part].annotation
        inner = next(iter(get_args(inner)), inner)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)


def _dotted(path: Path) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:40]}" for part in path]
    return "".join(parts).removeprefix(".").encode("ascii", "backslashreplace").decode()


def _option(path: Path) -> str:
    """The command line's name for a setting; none for sources, which are arguments."""
    names = [part for part in path if isinstance(part, str) and part not in ("options", "publish", "sources", "uri")]
    return "--" + names[0].removesuffix("_s").replace("_", "-") if names else ""
