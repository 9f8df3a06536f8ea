"""From a file and the command line's options to settings; from Pydantic's errors to lines of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from clef_rt.config._settings import LiveSettings
from clef_rt.errors import ConfigError
from clef_rt.yaml_file import check_file, explain, path_of
from clef_rt.yaml_text import Path

__all__ = ["check_config", "load_config", "overlaid"]

_WORDS: Final = {"string_pattern_mismatch": "use 1 to 64 of: small letters, digits, underscore, hyphen"}


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
    return check_file(path, LiveSettings, things="settings", example="See: clef-rt config example", words=_WORDS)


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
        detail = error.errors(include_url=False)[0]
        raise ConfigError(explain(detail, LiveSettings, _option(path_of(detail)), _WORDS)) from None


def _option(path: Path) -> str:
    """The command line's name for a setting; none for sources, which are arguments."""
    names = [part for part in path if isinstance(part, str) and part not in ("options", "publish", "sources", "uri")]
    return "--" + names[0].removesuffix("_s").replace("_", "-") if names else ""
