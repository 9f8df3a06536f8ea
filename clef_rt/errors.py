"""What can go wrong, as one tree.

ClefError
 ├─ ConfigError            a configuration file or option is wrong
 ├─ SourceError            a camera, stream or file can't be read
 │   ├─ SourceNotFound     no such file, device or path on the server
 │   ├─ SourceRefused      the host is there, and refuses or can't be reached
 │   ├─ SourceUnauthorized the server or the system denies access
 │   ├─ SourceTimeout      nothing arrived in time
 │   └─ SourceUndecodable  bytes arrive, but no picture can be made of them
 ├─ BundleError            a model bundle is missing, damaged or of another version
 │   └─ DownloadError      one can't be fetched: no server, no such file, no room
 ├─ DetectorError          a detector or its model file can't be used
 ├─ EncoderError           an inference engine can't be built or run
 ├─ WireError              a message isn't of our schema
 ├─ PublishError           an endpoint can't be bound or reached
 └─ MissingExtra           an optional dependency isn't installed

Each message says what happened, with what, and what to do about it. The command line prints that one
line and exits with code 2.
"""

from __future__ import annotations

from typing import ClassVar


class ClefError(Exception):
    """Any error that clef_rt raises on purpose. Its text is fit for a user to read.

    Args:
        what: what happened, and with what.
        hint: what to do about it; printed behind `what`.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip()


class ConfigError(ClefError):
    """A configuration file or an option is wrong."""


class SourceError(ClefError):
    """A camera, stream or file can't be read. `code` names the cause in statuses and metrics."""

    code: ClassVar[str] = "error"


class SourceNotFound(SourceError):
    """No such file, device, or path on the server."""

    code = "not_found"


class SourceRefused(SourceError):
    """The connection was refused, or the host can't be reached."""

    code = "refused"


class SourceUnauthorized(SourceError):
    """The server asks for other credentials, or the system denies access to the device or file."""

    code = "unauthorized"


class SourceTimeout(SourceError):
    """Nothing arrived within the time allowed."""

    code = "timeout"


class SourceUndecodable(SourceError):
    """What arrives can't be decoded into pictures."""

    code = "undecodable"


class BundleError(ClefError):
    """A model bundle is missing, damaged, or of another schema version."""


class DownloadError(BundleError):
    """A model bundle can't be fetched: no server, no such file, denied, too large, or no room for it."""


class DetectorError(ClefError):
    """A face detector or its model file can't be used."""


class EncoderError(ClefError):
    """An inference engine can't be built, or it fails."""


class WireError(ClefError):
    """A message isn't of our schema."""


class PublishError(ClefError):
    """An endpoint can't be bound or connected to."""


class MissingExtra(ClefError):
    """An optional dependency isn't installed.

    Args:
        module: what could not be imported.
        extra: the extra that brings it.
    """

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed.", f"Install it with: pip install 'clef-rt[{extra}]'")
