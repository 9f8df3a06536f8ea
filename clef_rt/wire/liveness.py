"""Which cameras have fallen silent. Told the time, so it needs no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["SILENCE_S", "Liveness"]

SILENCE_S: Final = 3.0
"""A publisher speaks for each camera once a second; after three missed times something is wrong."""


class Liveness:
    """Follows when each camera was last heard of.

    Args:
        cameras: those that are expected from the start.
        now_s: the start, by a monotonic clock.
    """

    def __init__(self, cameras: Iterable[str], now_s: float) -> None:
        self._heard: dict[str, float] = dict.fromkeys(cameras, now_s)
        self._silent: set[str] = set()

    def heard(self, camera: str, now_s: float) -> None:
        """The camera said something."""
        self._heard[camera] = now_s
        self._silent.discard(camera)

    def repeated(self, camera: str, now_s: float) -> None:
        """The camera repeated itself; of one that has ended this says nothing."""
        if camera in self._heard:
            self.heard(camera, now_s)

    def ended(self, camera: str) -> None:
        """The camera took its leave: its silence is all right from now on."""
        self._heard.pop(camera, None)
        self._silent.discard(camera)

    def fallen_silent(self, now_s: float) -> list[str]:
        """Those that have been silent for too long, each told once per silence."""
        fallen = [c for c, then_s in self._heard.items() if now_s - then_s > SILENCE_S and c not in self._silent]
        self._silent.update(fallen)
        return fallen
