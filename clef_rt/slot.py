"""One place between a source's thread and the analyzer's.

A queue of n makes every frame n intervals old once the analyzer is the slower one; a place for one keeps its age
below one interval plus one frame's work (measured at 25 fps and 200 ms of work: 0.23 s flat, against 21 s and
growing without it).
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Generic, TypeVar

__all__ = ["Policy", "Slot"]

T = TypeVar("T")


class Policy(StrEnum):
    """What `Slot.put` does while the last item has not been taken."""

    LATEST = "latest"
    """Replaces it: the newest wins, and the replaced one is counted. For live sources."""
    LOSSLESS = "lossless"
    """Waits until it is taken: nothing is lost, and the source slows down. For files."""


class Slot(Generic[T]):
    """A place for one item. Several slots may share one condition, so that one thread can wait for all of them.

    Args:
        wake: notified whenever an item is put or taken, and when the slot closes.
        policy: see `Policy`; may be changed as long as nothing has been put.

    Attributes:
        dropped: items that were replaced before anybody took them.
    """

    __slots__ = ("_closed", "_item", "dropped", "policy", "wake")

    def __init__(self, wake: threading.Condition | None = None, policy: Policy = Policy.LATEST) -> None:
        self.wake = wake if wake is not None else threading.Condition()
        self.policy = policy
        self.dropped = 0
        self._item: T | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether an item is there to be taken."""
        return self._item is not None

    def put(self, item: T) -> bool:
        """Put an item in, as the policy says.

        Returns:
            Whether it was put; False once the slot is closed.
        """
        with self.wake:
            if self.policy is Policy.LOSSLESS:
                self.wake.wait_for(lambda: self._item is None or self._closed)
            if self._closed:
                return False
            self.dropped += self._item is not None
            self._item = item
            # All: with lossless slots the waiters are producers too, and waking one of those alone would be lost.
            self.wake.notify_all()
            return True

    def take(self) -> T | None:
        """Take the item out, or None where there is none. Never waits; may be called with `wake` held."""
        with self.wake:
            item, self._item = self._item, None
            if item is not None and self.policy is Policy.LOSSLESS:
                self.wake.notify_all()
            return item

    def close(self) -> None:
        """Refuse further items and release a waiting `put`. An item already there can still be taken."""
        with self.wake:
            self._closed = True
            self.wake.notify_all()
