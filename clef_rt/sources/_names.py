"""Camera names: what topics, statuses and tables call a source."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePath

from clef_rt.sources._uri import Kind, SourceUri

__all__ = ["camera_name"]

MAX_LENGTH = 64


def camera_name(uri: SourceUri) -> str:
    """A name for a source that was given none; the same for the same URI.

    `0` becomes `video0`, `rtsp://10.0.0.7:554/live` `10-0-0-7-554-live`, `clips/Anna 2.mp4` `anna-2`.
    """
    text = str(uri)  # the redacted form: a name must not tell a password
    if uri.kind is Kind.WEBCAM:
        name = f"video{text}" if text.isdecimal() else text.rpartition("/")[2]
    elif uri.kind is Kind.PATH:
        name = PurePath(text).stem
    else:
        name = re.split(r"[?#]", text.partition("://")[2].removeprefix("***@"), maxsplit=1)[0]
        if uri.kind is Kind.SYNTHETIC:
            name = name or "synthetic"
    return _slug(name) or "camera-" + hashlib.sha256(text.encode()).hexdigest()[:6]


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-")[:MAX_LENGTH].strip("-")
