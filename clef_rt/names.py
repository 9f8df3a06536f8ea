"""What may be named how: cameras in topics, and a short hash that tells one set of label names from another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from clef_rt.errors import ConfigError

__all__ = ["CAMERA_PATTERN", "check_camera", "labels_hash"]

CAMERA_PATTERN: Final = r"^[a-z0-9_-]{1,64}$"
"""A camera's name. It is part of a topic and of file names, hence no dots, slashes, spaces or capitals."""

_CAMERA = re.compile(r"[a-z0-9_-]{1,64}")


def check_camera(name: str) -> str:
    """Return the name if a camera may be called so.

    Raises:
        ConfigError: it may not.
    """
    if not _CAMERA.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r} can't be a camera's name.", "Use 1 to 64 of: small letters, digits, underscore, hyphen."
        )
    return name


def labels_hash(aus: Iterable[str], expressions: Iterable[str], zero_shot: Iterable[str] = ()) -> str:
    r"""Name an ordered label set in 8 hex digits, so that a reader knows whose scores it reads.

    The first 8 digits of the SHA-256 of the names in UTF-8, each ended by a newline, each of the three groups ended
    by one more: `AU01\nAU02\n\nneutral\n\n\n`.

    Args:
        aus: Action Unit names in the order of the scores.
        expressions: expression names, likewise.
        zero_shot: names of labels added by text, likewise.
    """
    text = "".join("".join(f"{name}\n" for name in group) + "\n" for group in (aus, expressions, zero_shot))
    return hashlib.sha256(text.encode()).hexdigest()[:8]
