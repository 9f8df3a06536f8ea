"""Where a bundle may be pulled from: a file or folder, an address on the web, or the Hugging Face Hub."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from clef_rt.errors import BundleError, DownloadError
from clef_rt.models.http_get import Remote, read_small

__all__ = ["parse_source", "without_credentials"]

HUB: Final = "https://huggingface.co"
_WEB: Final = r"(?i)https?://"
_PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_HUB_SOURCE: Final = re.compile(rf"hf:({_PART}/{_PART})(?:@([^/\s]{{1,200}}))?(?:/([^\s?#]{{1,400}}\.clef))?")
_NO_ACCESS: Final = "Check the name; a private repository needs a token that may read it in HF_TOKEN."


def parse_source(source: str) -> Path | Remote:
    """Read what a user wrote. For the Hub this asks it which `.clef` file there is, where none is named.

    Args:
        source: `https://host/file.clef` (or http), `hf:owner/repo[@revision][/file.clef]`, or a path.

    Raises:
        BundleError: it is none of these.
        DownloadError: the Hub can't be asked, or the repository doesn't hold one `.clef` file.
    """
    if source.startswith("hf:"):
        return _on_the_hub(source)
    if re.match(_WEB, source):
        return _on_the_web(source)
    if scheme := re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source):
        raise BundleError(
            f"Bundles aren't pulled by {scheme[1]}.", "Give an https:// address, hf:owner/repo or a path."
        )
    if not os.path.exists(source):
        raise BundleError(
            f"No bundle at {source[:200]!r}.", "Give an https:// address, hf:owner/repo, a .clef file or a folder."
        )
    return Path(source)


def without_credentials(source: str) -> str:
    """The source as messages show it and the store keeps it."""
    return _on_the_web(source).shown if re.match(_WEB, source) else source


def _on_the_web(source: str) -> Remote:
    try:
        parts = urlsplit(source)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BundleError(f"The address can't be read: {error}.", "Check it.") from None
    if not host:
        raise BundleError("The address names no host.", "Give it as https://host/file.clef.")
    place = parts.netloc.rpartition("@")[2]
    # A query may hold a signature as good as a password.
    shown = urlunsplit((parts.scheme, place, parts.path, "", ""))
    login = ""
    if parts.username is not None:
        words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(words.encode()).decode()
    return Remote(urlunsplit((parts.scheme, place, parts.path, parts.query, "")), shown, login)


def _on_the_hub(source: str) -> Remote:
    match = _HUB_SOURCE.fullmatch(source)
    if match is None or ".." in source:
        raise BundleError(f"{source[:200]!r} names nothing on the Hub.", "Give it as hf:owner/repo@revision/file.clef.")
    repository, revision, file = match[1], unquote(match[2] or "main"), match[3]
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token.isascii() or not token.isprintable():
        raise BundleError("HF_TOKEN holds what no token can.", "Set it to the token alone.")
    login = f"Bearer {token}" if token and _private(endpoint) else ""
    ask = Remote(f"{endpoint}/api/models/{repository}/revision/{quote(revision, safe='')}", source, login, _NO_ACCESS)
    file = file or _the_file(ask)
    return replace(ask, url=f"{endpoint}/{repository}/resolve/{quote(revision, safe='')}/{quote(file)}")


def _private(endpoint: str) -> bool:
    """Whether nobody on the way can read a token that is sent there."""
    parts = urlsplit(endpoint)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _the_file(ask: Remote) -> str:
    """The one `.clef` file of a repository."""
    try:
        names = [entry["rfilename"] for entry in json.loads(read_small(ask))["siblings"]]
        found = sorted(name for name in names if name.endswith(".clef"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DownloadError(f"{ask.shown}: the Hub's answer can't be read.", "Check HF_ENDPOINT.") from None
    if len(found) != 1:
        has = f"holds {', '.join(found[:8])}" if found else "holds no .clef file"
        raise DownloadError(f"{ask.shown} {has}.", "Name the file: hf:owner/repo/file.clef." if found else "")
    if ".." in found[0]:
        raise DownloadError(f"{ask.shown}: the Hub names an odd file.")
    return str(found[0])
