"""What every source is to the reader."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from clef_rt.frame import Frame
from clef_rt.sources._options import SourceOptions
from clef_rt.sources._uri import SourceUri

__all__ = ["Source"]


class Source(Protocol):
    """One connection to one camera, file or folder. Iterating it decodes, in the thread that iterates.

    Attributes:
        camera: the camera's name, `[a-z0-9_-]+`.
        uri: where the frames come from; shows itself without credentials.
        live: frames come at their own pace and late ones are worthless, so the latest should win.
        finite: its end is an end, as a file's is. The end of a source that isn't finite is a lost connection.
        nominal_fps: the rate that the source declares; None where it declares none.
        corrupt: pieces so far that could not be decoded, and were skipped.
    """

    camera: str
    uri: SourceUri
    live: bool
    finite: bool
    nominal_fps: float | None
    corrupt: int

    def __iter__(self) -> Iterator[Frame]:
        """The frames, one after another, as long as there are any.

        Raises:
            SourceError: the source fails in the middle. Damaged frames are skipped and counted instead.
        """
        ...

    def again(self) -> SourceOptions:
        """The options that carry on with this camera in another connection: next epoch, next `seq`."""
        ...

    def close(self) -> None:
        """End the iteration, from any thread. Never waits: a read under way ends with its own timeout."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
