"""A file from the web, that may take several attempts: what has arrived is kept, and the next attempt goes on there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, Final

from clef_rt.backoff import Backoff
from clef_rt.errors import DownloadError
from clef_rt.models.http_get import AttemptFailed, Remote, open_remote, reason, refusal
from clef_rt.models.part import State, append, emptied, kept, opened, read_state, size_of, write_state

__all__ = ["Patience", "Received", "Watcher", "download"]

CHUNK: Final = 1 << 18
SPARE: Final = 1 << 20  # bytes that stay free on the disk


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try.

    Attributes:
        timeout_s: without any data, before an attempt has failed.
        slow_bytes: less than this within `slow_s` seconds has failed as well.
        slow_s: see there.
        attempts: that may fail in a row, with less than 1 MiB gained.
        first_s: the bound of the first wait between them, see `Backoff`.
        cap_s: that of the longest.
        asked_s: the longest wait that a server may ask for.
    """

    timeout_s: float = 20.0
    slow_bytes: int = 16 << 10
    slow_s: float = 30.0
    attempts: int = 6
    first_s: float = 1.0
    cap_s: float = 30.0
    asked_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Received:
    """What `download` ended with.

    Attributes:
        size: bytes.
        resumed: there was a part from an earlier call.
        linked_sha256: what the file hashes to by the Hub's own words; "" where it says nothing.
    """

    size: int
    resumed: bool
    linked_sha256: str


class Watcher:
    """Is told how a download goes; this one ignores it."""

    def moved(self, done: int, total: int | None) -> None:
        """So many bytes are there, of so many (None: the server doesn't say)."""

    def waiting(self, why: str, seconds: float) -> None:
        """An attempt has failed, and the next one comes in so many seconds."""


def download(
    remote: Remote,
    part: Path,
    *,
    limit: int,
    watcher: Watcher | None = None,
    patience: Patience | None = None,
) -> Received:
    """Fetch a file, or the rest of it. Blocks; Ctrl-C leaves what has arrived, and the next call goes on from there.

    Args:
        remote: what to fetch.
        part: where it goes; beside it lies a `.json` with what the server called it. Both are the caller's to remove.
        limit: bytes that it may have.
        watcher: is told how it goes.
        patience: how long to try.

    Raises:
        DownloadError: the server hasn't got it or denies it, the attempts are used up, it is too large, or the disk
            can't hold it.
    """
    watcher, patience = watcher or Watcher(), patience or Patience()
    backoff, failed = Backoff(patience.first_s, patience.cap_s), 0
    with opened(part) as file:
        begun = gained = size_of(file)
        while True:
            try:
                state = _attempt(remote, part, file, limit, watcher, patience)
                return Received(size_of(file), begun > 0, state.linked)
            except AttemptFailed as problem:
                if size_of(file) >= gained + (1 << 20):
                    gained, failed = size_of(file), 0
                    backoff.reset()
                failed += 1
                if failed >= patience.attempts or problem.wait_s > patience.asked_s:
                    raise _given_up(remote, problem, size_of(file)) from None
                wait = max(backoff.next_s(), problem.wait_s)
                watcher.waiting(str(problem), wait)
                time.sleep(wait)


def _given_up(remote: Remote, problem: AttemptFailed, size: int) -> DownloadError:
    asked = f" It asks to wait for {problem.wait_s:.0f} s." if problem.wait_s else ""
    return DownloadError(f"{remote.shown} can't be downloaded: {problem}.{asked}", kept(size) or "Try again later.")


def _attempt(remote: Remote, part: Path, file: BinaryIO, limit: int, watcher: Watcher, patience: Patience) -> State:
    """Fetch what is missing."""
    state, done = read_state(part), size_of(file)
    if done and not state.validator:
        done = emptied(file)  # it may have changed on the server, and nothing would tell
    if done and done == state.total:
        watcher.moved(done, done)
        return state
    headers = {"Range": f"bytes={done}-", "If-Range": state.validator} if done else {}
    try:
        response, linked = open_remote(remote, headers, patience.timeout_s)
        with closing(response):
            state = _begin(remote, file, state, response)
            state = replace(state, linked=linked or state.linked)
            done = size_of(file)
            _check_room(remote, part.parent, done, state.total, limit)
            write_state(part, state, done)
            watcher.moved(done, state.total)
            for chunk in _chunks(response, patience):
                done += len(chunk)
                if done > limit:
                    emptied(file)
                    raise _too_large(remote, limit)
                append(file, chunk, part.parent)
                watcher.moved(done, state.total)
    except (OSError, HTTPException) as error:
        raise AttemptFailed(reason(error)) from None
    if state.total is not None and done != state.total:
        raise AttemptFailed(f"the connection ended after {done} of {state.total} bytes")
    return state


def _begin(remote: Remote, file: BinaryIO, state: State, response: HTTPResponse) -> State:
    """Read the head of an answer, and empty the file unless the body goes on where it ends."""
    done = size_of(file)
    if response.status == 416 and done:
        emptied(file)
        raise AttemptFailed("the server has nothing behind what is there; it is fetched anew")
    if response.status not in (200, 206):
        raise refusal(remote, response)
    if (coding := response.headers.get("Content-Encoding", "identity")) != "identity":
        raise DownloadError(f"{remote.shown} comes encoded as {coding[:40]}, unasked.", "Fetch it with another tool.")
    if response.status == 206:
        begin, total = _content_range(response.headers.get("Content-Range", ""))
        if begin != done or not done or (state.total is not None and total not in (None, state.total)):
            emptied(file)
            raise AttemptFailed("the server sends another part than was asked for; it is fetched anew")
        return replace(state, total=state.total if total is None else total)
    emptied(file)
    length = response.headers.get("Content-Length", "")
    return State(_validator(response), int(length) if length.isdecimal() and len(length) < 20 else None)


def _validator(response: HTTPResponse) -> str:
    """What tells one version of the file from another; "" where the server says nothing that is fit for it."""
    etag, changed = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    text = etag if etag.startswith('"') else changed  # W/"…" is a weak one: equal for unequal bytes
    return text if text.isascii() and text.isprintable() and len(text) < 1000 else ""


def _content_range(text: str) -> tuple[int, int | None]:
    """Begin and total of `bytes 5-9/10`; a begin of -1 where it can't be read."""
    unit, _, rest = text.partition(" ")
    span, _, total = rest.partition("/")
    begin = span.partition("-")[0]
    if unit != "bytes" or not begin.isdecimal() or len(rest) > 60:
        return -1, None
    return int(begin), int(total) if total.isdecimal() else None


def _chunks(response: HTTPResponse, patience: Patience) -> Iterator[bytes]:
    # read1 gives what one packet brought; read would wait for the whole chunk, past any timeout where bytes trickle.
    begun, got = time.monotonic(), 0
    while chunk := response.read1(CHUNK):
        yield chunk
        got += len(chunk)
        if (now := time.monotonic()) - begun > patience.slow_s:
            if got < patience.slow_bytes:
                raise AttemptFailed(f"only {got} bytes came in {now - begun:.0f} s")
            begun, got = now, 0


def _check_room(remote: Remote, folder: Path, done: int, total: int | None, limit: int) -> None:
    if total is None:
        return
    if total > limit:
        raise _too_large(remote, limit)
    free = shutil.disk_usage(folder).free
    if total - done + SPARE > free:
        raise DownloadError(
            f"{remote.shown} needs {(total - done) / 1e6:.1f} MB more; {folder} has {free / 1e6:.1f} MB free.",
            "Make room, or set CLEF_RT_CACHE to another folder.",
        )


def _too_large(remote: Remote, limit: int) -> DownloadError:
    return DownloadError(
        f"{remote.shown} is larger than {limit / 1e6:.0f} MB.", "Allow more with --max-mb if that is right."
    )
