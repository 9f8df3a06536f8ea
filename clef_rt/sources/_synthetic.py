"""Test pictures that libav draws: a source on any machine, without a file."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from clef_rt.errors import SourceError
from clef_rt.sources._open import Recipe
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._uri import SourceUri

__all__ = ["synthetic_recipe"]

_DEFAULTS = {"size": "640x360", "rate": "30"}


def synthetic_recipe(uri: SourceUri, options: SourceOptions) -> Recipe:
    """How to open `synthetic://testsrc2?size=1280x720&rate=30&duration=10`: one of libav's picture generators.

    Raises:
        SourceError: the generator or a parameter isn't written as one.
    """
    body = uri.reveal().partition("://")[2]
    name, _, query = body.partition("?")
    name = name.rstrip("/") or "testsrc2"
    given = dict(_DEFAULTS)
    if options.size is not None:
        given["size"] = f"{options.size[0]}x{options.size[1]}"
    if options.fps is not None:
        given["rate"] = f"{options.fps:g}"
    given |= dict(parse_qsl(query, keep_blank_values=True))
    # Letters that the filter graph's syntax uses would let a URI name any file or graph.
    wrong = [text for text in (name, *given) if not re.fullmatch(r"[a-z][a-z0-9_]*", text)]
    wrong += [text for text in given.values() if not re.fullmatch(r"[\w.#@+/-]+", text, re.ASCII)]
    if wrong or name in ("movie", "amovie"):
        raise SourceError(
            f"{uri} is no synthetic source ({(wrong or [name])[0]!r}).",
            "Write synthetic://testsrc2?size=1280x720&rate=30&duration=10.",
        )
    graph = name + "=" + ":".join(f"{key}={value}" for key, value in given.items())
    return Recipe(target=f"{graph},format=yuv420p", format="lavfi", options={})
