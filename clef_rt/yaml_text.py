"""YAML to plain values, with the line of each, and safe against whatever a file may hold.

Only what every YAML file needs: mappings, lists, texts, numbers, true and false, null. Tags that build objects are
refused, and anchors may not make much of little.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import yaml

from clef_rt.errors import ConfigError

__all__ = ["MAX_BYTES", "Lines", "Path", "parse_yaml"]

Path: TypeAlias = tuple[str | int, ...]
Lines: TypeAlias = dict[Path, int]

MAX_BYTES: Final = 256 << 10
_MAX_VALUES: Final = 20_000
_MAX_DEPTH: Final = 32

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = frozenset({"null", "bool", "int", "float"})
_TEXT: Final = frozenset({"str", "timestamp"})  # a date is a text like any other here


def parse_yaml(text: str, name: str) -> tuple[Any, Lines]:
    """Read one YAML document.

    Args:
        text: the file's contents.
        name: the file's name, for errors.

    Returns:
        Dicts, lists, texts, numbers, truth values and None; None for an empty document. And the line, from 1, of each
        key and list item, by its path.

    Raises:
        ConfigError: it isn't YAML, or holds more than plain values; names the line.
    """
    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{name}:{line}: not YAML: {what}.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise ConfigError(f"{name}:{line}: not YAML: a character that it doesn't allow.", "Save it as UTF-8.") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deep.") from None
    if root is None:
        return None, {}
    walk = _Walk(name)
    return walk.value(root, ()), walk.lines


class _Walk:
    """Turns the parser's nodes into values, and remembers where they stood."""

    def __init__(self, name: str) -> None:
        self.lines: Lines = {}
        self._name = name
        self._values = 0
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = int(node.start_mark.line) + 1
        self.lines.setdefault(path, line)
        self._values += 1
        if self._values > _MAX_VALUES or len(path) > _MAX_DEPTH:
            raise ConfigError(f"{self._name}:{line}: too many values, or nested too deep.", "Use fewer anchors.")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = int(key_node.start_mark.line) + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(f"{self._name}:{line}: a key must be a text.")
            key = str(key_node.value)
            if key in result:
                raise ConfigError(f"{self._name}:{line}: {shown(key)} stands here twice.", "Remove one of them.")
            self.lines[*path, key] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if not isinstance(node, yaml.ScalarNode) or kind not in _PLAIN | _TEXT:
            raise ConfigError(f"{self._name}:{line}: the tag {shown(node.tag)} isn't allowed.", "Remove it.")
        if kind in _TEXT:
            return str(node.value)
        try:
            return self._scalars.construct_object(node)
        except (ValueError, LookupError, OverflowError):
            raise ConfigError(f"{self._name}:{line}: {shown(node.value)} can't be read as {kind}.") from None


def shown(text: str) -> str:
    """A text of a file, fit for a message: short, and on one line."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
