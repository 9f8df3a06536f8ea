"""GET over http and https by urllib: redirects within bounds, credentials for one host, failures sorted.

urllib's part is small: no library would follow these rules by itself, or go on with half a file, and requests or httpx
would bring five to seven packages.
"""

from __future__ import annotations

import string
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from ssl import SSLCertVerificationError
from typing import Final
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from clef_rt.errors import DownloadError

__all__ = ["AttemptFailed", "Remote", "open_remote", "read_small", "reason", "refusal"]

MAX_REDIRECTS: Final = 8
AGAIN_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
LINKED: Final = "X-Linked-Etag"


@dataclass(frozen=True, slots=True)
class Remote:
    """What to fetch.

    Attributes:
        url: http or https, without a user; its query may hold a signature, so it is never shown.
        shown: what messages call it, without credentials.
        authorization: the header of that name, or "". It goes to the host of `url` alone, wherever that redirects to.
        refused: what a user may do where the server denies access.
    """

    url: str = field(repr=False)
    shown: str
    authorization: str = field(default="", repr=False)
    refused: str = "Check the address, and whether it asks for a user."


class AttemptFailed(Exception):
    """An attempt failed in a way that another may not.

    Args:
        why: what happened, for a user.
        wait_s: how long the server asks to wait.
    """

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


def open_remote(remote: Remote, headers: Mapping[str, str], timeout_s: float) -> tuple[HTTPResponse, str]:
    """GET, following redirects.

    Args:
        remote: what to fetch.
        headers: to send besides.
        timeout_s: without any data.

    Returns:
        The answer, of whatever status, to be closed; and the file's hash in the header of the Hub, which stands on its
        redirect to the storage ("" without one).

    Raises:
        DownloadError: another attempt would fare the same: it redirects to where it may not, or isn't trusted.
        OSError, HTTPException: the network's and the server's faults.
    """
    url, linked, director = quote(remote.url, safe=string.punctuation), "", _opener()
    home = _origin(remote, url)
    for _ in range(MAX_REDIRECTS):
        request = Request(url, headers={"User-Agent": "clef-rt", "Accept-Encoding": "identity", **headers})
        at_home = _origin(remote, url) == home
        if at_home and remote.authorization:
            request.add_header("Authorization", remote.authorization)
        try:
            response: HTTPResponse = director.open(request, timeout=timeout_s)
        except (URLError, OSError) as error:
            _raise_if_untrusted(remote, error)
            raise
        except ValueError as error:  # a host that can't be one
            raise DownloadError(f"{remote.shown} can't be fetched: {error}.", "Check the address.") from None
        if at_home:
            linked = response.headers.get(LINKED, linked).strip('"')
        if response.status not in (301, 302, 303, 307, 308) or "Location" not in response.headers:
            return response, linked
        response.close()
        url = _redirected(remote, url, response.headers["Location"])
    raise DownloadError(f"{remote.shown} redirects more than {MAX_REDIRECTS} times.", "Check the address.")


def read_small(remote: Remote, limit: int = 8 << 20, timeout_s: float = 20.0) -> bytes:
    """A short answer, whole in memory; one attempt.

    Raises:
        DownloadError: it isn't had, or is larger than `limit`.
    """
    try:
        response, _ = open_remote(remote, {}, timeout_s)
        with closing(response):
            if response.status != 200:
                raise refusal(remote, response)
            data = response.read(limit + 1)
    except (AttemptFailed, OSError, HTTPException) as error:
        raise DownloadError(f"{remote.shown} can't be reached: {reason(error)}.", "Try again later.") from None
    if len(data) > limit:
        raise DownloadError(f"{remote.shown} answers with more than {limit} bytes.")
    return data


def refusal(remote: Remote, response: HTTPResponse) -> AttemptFailed | DownloadError:
    """What to raise for a status that gives no file: the one where another attempt may do, else the other."""
    status = response.status
    words = f"the server answers {status} {response.reason[:100]}".strip()
    if status in AGAIN_LATER:
        return AttemptFailed(words, _retry_after(response.headers.get("Retry-After", "")))
    hint = {401: remote.refused, 403: remote.refused}.get(status, "Check the address.")
    return DownloadError(f"{remote.shown} can't be downloaded: {words}.", hint)


def reason(error: Exception) -> str:
    """A fault of the network or the server in a user's words; no address is in it."""
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return "nothing came in time"
    words = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(str(words).split())[:200]


def _opener() -> OpenerDirector:
    """Speaks http and https alone, through the system's proxies; it gives every status back, redirects too."""
    director = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        director.add_handler(handler)
    return director


def _redirected(remote: Remote, url: str, location: str) -> str:
    """The address that a redirect leads to: never another kind of address, and never from https back to http."""
    try:
        target = urljoin(url, quote(location, safe=string.punctuation, encoding="iso-8859-1"))
    except ValueError as error:
        raise _no_address(remote, error) from None
    before, after = _origin(remote, url)[0], _origin(remote, target)[0]
    if before == "https" and after == "http":
        raise DownloadError(f"{remote.shown} redirects from https to http, where anybody could change it.")
    return target


def _origin(remote: Remote, url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError as error:
        raise _no_address(remote, error) from None
    if scheme not in ("http", "https") or not host:
        raise DownloadError(f"{remote.shown} leads to {scheme[:20] or 'nowhere'}:, not to http or https.", "Check it.")
    return scheme, host, port or (443 if scheme == "https" else 80)


def _no_address(remote: Remote, error: ValueError) -> DownloadError:
    return DownloadError(f"{remote.shown} leads to what is no address: {error}.", "Check it.")


def _raise_if_untrusted(remote: Remote, error: Exception) -> None:
    cause = getattr(error, "reason", error)
    if isinstance(cause, SSLCertVerificationError):
        raise DownloadError(
            f"{remote.shown}: the server's certificate isn't trusted: {cause.verify_message}.",
            "Behind a proxy with certificates of its own, name them in SSL_CERT_FILE.",
        ) from None


def _retry_after(text: str) -> float:
    """Seconds, from a number of them or a date; 0 where it is neither."""
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
