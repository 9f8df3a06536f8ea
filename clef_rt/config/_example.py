"""An example of a configuration file, made from the settings themselves, so that it is never behind them."""

from __future__ import annotations

import textwrap

import yaml
from pydantic import BaseModel

from clef_rt.config._settings import LiveSettings

__all__ = ["example"]

_HEAD = """\
# Settings of `clef-rt live --config FILE`. Each is optional and shown with its default.
# What the command line says goes first, then this file, then the defaults.
"""
_SOURCES = """\
sources:
  - uri: rtsp://user:password@192.168.1.20/stream
    camera: door  # what to call it (a-z 0-9 _ -); made from the URI by default
    options:  # as `options` below, for this source alone
      rtsp_transport: tcp
  - 0  # a bare URI will do: a webcam's number, a URL, a file, or a folder of images
"""


def example() -> str:
    """A commented YAML file of all settings, each with its default; its one source is an example."""
    blocks = []
    for name, field in LiveSettings.model_fields.items():
        comment = _comment(field.description or "")
        if name == "sources":
            blocks.append(comment + _SOURCES)
            continue
        default = field.get_default(call_default_factory=True)
        body = f"{name}:\n{_body(default)}" if isinstance(default, BaseModel) else _line(name, default)
        blocks.append(comment + body)
    return _HEAD + "\n" + "\n".join(blocks)


def _body(settings: BaseModel) -> str:
    lines = [
        _comment(field.description or "", width=108) + _line(name, getattr(settings, name))
        for name, field in type(settings).model_fields.items()
    ]
    return textwrap.indent("".join(lines), "  ")


def _comment(text: str, width: int = 110) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, width - 2))


def _line(name: str, value: object) -> str:
    return yaml.safe_dump({name: value}, allow_unicode=True)
