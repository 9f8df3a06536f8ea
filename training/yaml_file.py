"""YAML files that people edit: read strictly, with errors that name the file and the key."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from clef_rt.errors import ConfigError

__all__ = ["load_yaml"]

_Found = TypeVar("_Found")


class _OneKeyOnceLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice := [key for key, count in keys.items() if count > 1]:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[0]!r} stands there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def load_yaml(path: Path, adapter: TypeAdapter[_Found]) -> _Found:
    """Read a file and check it.

    Args:
        path: the file, UTF-8.
        adapter: of the type that it must have.

    Raises:
        ConfigError: it is missing, no YAML, has a key twice, or isn't of the type; names the file and the key.
    """
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _OneKeyOnceLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} can't be read: {' '.join(str(error).split())}.") from None
    try:
        return adapter.validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"{part}: " for part in (".".join(map(str, first["loc"])),) if part)
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(f"{path}: {place}{first['msg'].rstrip('.')}.{more}") from None
