"""What a user may name as a source, and how it is shown without its password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from clef_rt.errors import SourceError

__all__ = ["Kind", "SourceUri", "redact"]

NETWORK_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp", "tcp")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DEVICE = re.compile(r"/dev/(?:video\d+|v4l/.+)")
# Cameras take credentials in the query too: `…/videostream.cgi?user=admin&pwd=secret`.
_SECRET_PARAMETER = re.compile(
    r"([?&;#][^=&;#?]*(?:pass|pwd|psw|pw|token|secret|key|auth|user|usr|login|account|sig)[^=&;#?]*=)[^&;#]*",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """The kinds of source, by the form of their URI."""

    WEBCAM = "webcam"
    NETWORK = "network"
    PATH = "path"
    SYNTHETIC = "synthetic"


def redact(text: str) -> str:
    """The URI without credentials, fit for logs, messages and metrics.

    Everything between the scheme and the last `@` goes: a password may itself hold `/`, `?` or `@`, unescaped.
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        return text
    rest = text[scheme.end() :]
    if "@" in rest:
        rest = "***@" + rest.rpartition("@")[2]
    return scheme.group() + _SECRET_PARAMETER.sub(r"\1***", rest)


@dataclass(frozen=True, slots=True, repr=False)
class SourceUri:
    """The name of a source. `str` and `repr` hide user and password; `reveal()` doesn't.

    Attributes:
        kind: what sort of source it names.
    """

    _text: str
    kind: Kind

    @classmethod
    def parse(cls, source: str | int | Path | SourceUri) -> SourceUri:
        """Read what a user wrote: a camera's number, a device, a URL, or a path.

        Raises:
            SourceError: it is none of these.
        """
        if isinstance(source, SourceUri):
            return source
        if isinstance(source, Path):
            return cls(str(source), Kind.PATH)
        text = str(source).strip()
        if not text:
            raise SourceError("The source is empty.", "Give a camera number, a URL, a file or a folder.")
        if text.isdecimal() and text.isascii():
            return cls(str(int(text)), Kind.WEBCAM)
        if isinstance(source, int) or re.fullmatch(r"-\d+", text):
            raise SourceError(f"{text} is not a camera's number.", "Cameras count from 0.")
        if _DEVICE.fullmatch(text):
            return cls(text, Kind.WEBCAM)
        scheme = _SCHEME.match(text)
        if scheme is None:
            return cls(text, Kind.PATH)
        name = scheme[1].lower()
        if name == "file":
            return cls(text[scheme.end() :], Kind.PATH)
        if name == "synthetic":
            return cls(text, Kind.SYNTHETIC)
        if name in NETWORK_SCHEMES:
            if not re.match(r"[^/?#]", text[scheme.end() :]):
                raise SourceError(f"{redact(text)} names no host.", f"Write {name}://host/path.")
            return cls(name + text[scheme.end(1) :], Kind.NETWORK)
        known = ", ".join(f"{name}://" for name in (*NETWORK_SCHEMES, "file", "synthetic"))
        raise SourceError(f"{name}:// is no kind of source.", f"Known: {known}, a camera's number, a file, a folder.")

    def reveal(self) -> str:
        """The URI as it was given, credentials included. Never log it."""
        return self._text

    def __str__(self) -> str:
        return redact(self._text)

    def __repr__(self) -> str:
        return f"SourceUri({str(self)!r})"
