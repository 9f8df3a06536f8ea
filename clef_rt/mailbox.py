"""A bounded queue from the analyzer's thread to a sink's. Putting never waits: the analyzer's pace is nobody's to slow.

The reading end is a file descriptor, so that one poll can wait for the mailbox and for sockets together.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Any thread puts; one thread takes.

    Args:
        size: items it holds at most.

    Attributes:
        dropped: items that were refused because it was full or closed.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a mailbox holds at least one item; got {size}")
        self.dropped = 0
        self._size = size
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._closed = False
        # One byte lies in the pair while there are items. A pair of sockets, as Windows can't poll pipes.
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Whether further items are refused."""
        return self._closed

    def fileno(self) -> int:
        """The descriptor that becomes readable when there are items, and for good when it's closed."""
        return self._reading.fileno()

    def put(self, item: T) -> bool:
        """Put an item in, unless the box is full or closed: then this newest item is dropped, and counted.

        Returns:
            Whether it was put.
        """
        with self._lock:
            if self._closed or len(self._items) >= self._size:
                self.dropped += 1
                return False
            self._items.append(item)
            if len(self._items) == 1:
                self._writing.send(b"\0")
            return True

    def take(self) -> list[T]:
        """Take all items out, oldest first. Never waits."""
        with self._lock:
            items = list(self._items)
            self._items.clear()
            if items:
                self._reading.recv(1)
            return items

    def close(self) -> None:
        """Refuse further items and wake the reader. What is in it can still be taken."""
        with self._lock:
            self._closed = True
            self._writing.close()

    def release(self) -> None:
        """Give the descriptors back; the reader calls it last."""
        self.close()
        with self._lock:
            self._items.clear()
            self._reading.close()
