"""Engines built on this machine, kept for the next start: found by all that they depend on, checked, and bounded.

An engine is compiled for one graph, one GPU, one version of TensorRT, one precision and one range of batch sizes. Its
key holds all of that, so one that no longer fits is simply not found. TensorRT runs what an engine says, so files that
other users could have written are not read.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from clef_rt.encode.engine_file import distrust, parse_file, read_key, write_file
from clef_rt.encode.engine_key import Key
from clef_rt.errors import EncoderError
from clef_rt.files import cache_folder, whole_file

__all__ = ["EngineCache", "load_or_build"]

SUFFIX: Final = ".engine"
LEFTOVER_S: Final = 24 * 3600.0  # what a killed process left half written is removed after a day
_log = logging.getLogger(__name__)

T = TypeVar("T")


class EngineCache:
    """A folder of built engines. Several processes may use it at once.

    What can't be read is built again, and what can't be written isn't kept; both are logged, neither is an error.

    Args:
        folder: by default `engines` in `clef_rt.files.cache_folder`. It is made for its user alone.
        max_bytes: files are removed, the longest unused first, when they take more.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = 2 << 30) -> None:
        self.folder = cache_folder() / "engines" if folder is None else folder
        self._max_bytes = max_bytes

    def load(self, key: Key) -> bytes | None:
        """What is kept under a key; None if there is nothing, or nothing that can be trusted."""
        path = self._path(key)
        try:
            if not path.is_file():
                self._tell_stale(key)
                return None
            if reason := distrust(path):
                _log.warning("%s is not used: %s.", path, reason)
                return None
            found, data = parse_file(path.read_bytes())
        except ValueError as damage:
            _log.warning("%s is damaged (%s).", path, damage)
            self.drop(key)
            return None
        except OSError as error:
            _log.warning("%s can't be read: %s.", path, error)
            return None
        if found != dict(key.parts):
            _log.warning("%s belongs to another key.", path)
            return None
        _touch(path)
        return data

    def store(self, key: Key, data: bytes) -> bool:
        """Keep something; it appears only once it is whole. False if it can't be kept."""
        path = self._path(key)
        try:
            self._make_folder()
            with whole_file(path) as partial:
                write_file(partial, key.parts, data)
        except OSError as error:
            what = f"The {key.parts['kind']} can't be kept in {self.folder}, so the next start makes it again: {error}."
            _log.warning("%s Set CLEF_RT_CACHE to another folder.", what)
            return False
        self._prune(keep=path)
        return True

    def subfolder(self, key: Key) -> Path:
        """A folder of a key's own, for a library that keeps its files by itself. They don't count as ours.

        Raises:
            EncoderError: it can't be made, or others may write there.
        """
        folder = self.folder / key.stem
        try:
            self._make_folder()
            folder.mkdir(mode=0o700, exist_ok=True)
            reason = distrust(folder)
        except OSError as error:
            reason = str(error)
        if reason:
            raise EncoderError(f"{folder} can't be used: {reason}.", "Set CLEF_RT_CACHE to another folder.")
        return folder

    def drop(self, key: Key) -> None:
        """Remove what is kept under a key."""
        try:
            (self._path(key)).unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s can't be removed: %s.", self._path(key), error)

    def _path(self, key: Key) -> Path:
        return self.folder / f"{key.stem}{SUFFIX}"

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _tell_stale(self, key: Key) -> None:
        """Say what has changed, where something was kept for the same thing."""
        for path in sorted(self.folder.glob(f"{key.subject[:16]}-*{SUFFIX}"), key=_mtime, reverse=True):
            old = read_key(path)
            if changed := [name for name, value in key.parts.items() if old and old.get(name) != value]:
                what = "; ".join(f"{name} was {old.get(name, 'not told')}, is {key.parts[name]}" for name in changed)
                _log.warning("The %s that was kept doesn't fit any more: %s.", key.parts["kind"], what)
                return

    def _prune(self, keep: Path) -> None:
        """Make room: the longest unused first, never the one that was just kept."""
        now_s = time.time()
        for leftover in self.folder.glob(f".*{SUFFIX}"):
            if now_s - _mtime(leftover) > LEFTOVER_S:
                _unlink(leftover)
        files = sorted(self.folder.glob(f"[!.]*{SUFFIX}"), key=_mtime)
        total = sum(map(_size, files))
        for path in files:
            if total <= self._max_bytes:
                return
            if path != keep:
                total -= _size(path)
                _unlink(path)


def load_or_build(cache: EngineCache, key: Key, *, build: Callable[[], bytes], start: Callable[[bytes], T | None]) -> T:
    """Start the engine that is kept, or build, keep and start one.

    Args:
        cache: where engines are kept.
        key: the wanted one's.
        build: makes it; takes minutes.
        start: makes an engine's bytes usable; None if they aren't an engine that runs here.

    Raises:
        EncoderError: none can be built, or the one just built can't be started.
    """
    kept = cache.load(key)
    if kept is not None:
        engine = start(kept)
        if engine is not None:
            return engine
        _log.warning("The engine that was kept can't be started, so it is built again.")
        cache.drop(key)
    plan = build()
    engine = start(plan)
    if engine is None:
        raise EncoderError("TensorRT can't start the engine that it has just built.", "Its log says why.")
    cache.store(key, plan)
    return engine


def _touch(path: Path) -> None:
    try:
        os.utime(path)  # it was used now
    except OSError:  # a folder that can only be read
        return


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process has removed it
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s can't be removed: %s.", path, error)
