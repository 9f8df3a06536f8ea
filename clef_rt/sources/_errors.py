"""From libav's errors to ours: PyAV types them, so nothing is scraped from log output."""

from __future__ import annotations

import errno

from clef_rt.errors import (
    SourceError,
    SourceNotFound,
    SourceRefused,
    SourceTimeout,
    SourceUnauthorized,
    SourceUndecodable,
)
from clef_rt.sources._uri import Kind, SourceUri

__all__ = ["hung_up", "translate"]

_LOST = (errno.EIO, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ENOTCONN, errno.EADDRNOTAVAIL)


def hung_up(error: Exception) -> bool:
    """Whether an error in the middle of a stream means no more than that the other side has closed it."""
    return isinstance(error, ConnectionError) or getattr(error, "errno", None) == errno.EIO


def translate(error: Exception, uri: SourceUri, *, late: bool = False) -> SourceError:
    """The error of ours that says what libav's means for this source.

    libav's own text is left out but for its `strerror`: the rest holds the URL with its password.

    Args:
        error: libav's.
        uri: the source.
        late: it came when the time allowed had passed. libav's RTSP client says "invalid data" of an answer that
            never came.
    """
    import av

    code = getattr(error, "errno", None)
    said = getattr(error, "strerror", None) or type(error).__name__
    if isinstance(error, (av.HTTPUnauthorizedError, av.HTTPForbiddenError)):
        return SourceUnauthorized(f"{uri} denies access.", "Check user and password: scheme://user:password@host/path.")
    if isinstance(error, PermissionError):
        return SourceUnauthorized(f"The system denies access to {uri}.", _permission_hint(uri))
    if isinstance(error, av.HTTPNotFoundError):
        return SourceNotFound(f"The server has no {uri}.", "Check the path behind the host's name.")
    if isinstance(error, FileNotFoundError) or code in (errno.ENODEV, errno.ENXIO):
        return SourceNotFound(f"There is no {uri}.", "Check the path.")
    if isinstance(error, (av.ExitError, TimeoutError)) or (late and isinstance(error, av.InvalidDataError)):
        return SourceTimeout(f"Nothing came from {uri} in time.", "Check that the camera is on, and the port.")
    if isinstance(error, ConnectionRefusedError):
        return SourceRefused(f"{uri} refuses the connection.", "Check the port, and that the server is running.")
    if code == errno.EBUSY:
        return SourceRefused(f"{uri} is in use.", "Close the other program that has the camera.")
    if isinstance(error, (ConnectionError, av.HTTPError)) or (uri.kind is Kind.NETWORK and code in _LOST):
        return SourceRefused(f"{uri} can't be reached ({said}).", "Check the host's name, the port and the network.")
    if isinstance(error, (av.DecoderNotFoundError, av.PatchWelcomeError)):
        return SourceUndecodable(f"{uri} is in a codec that this build of libav lacks ({said}).", "Use H.264 or MJPEG.")
    if isinstance(error, av.InvalidDataError):
        return SourceUndecodable(f"{uri} holds nothing that can be decoded as video.", _undecodable_hint(uri))
    return SourceError(f"{uri} can't be read ({said}).")


def _permission_hint(uri: SourceUri) -> str:
    if uri.kind is Kind.WEBCAM:
        return "On Linux: sudo usermod -aG video $USER, then log in again. On macOS: allow the camera to your terminal."
    return "Check the file's permissions."


def _undecodable_hint(uri: SourceUri) -> str:
    if uri.kind is Kind.PATH:
        return "Check that it is a video, and complete: an MP4 cut off before its end has no index."
    return "Check that the address leads to a stream, not to a web page."
