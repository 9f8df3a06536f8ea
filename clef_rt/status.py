"""What state a camera is in, as its reader sees it and the wire tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CameraState(StrEnum):
    """The states of a camera. Every state may go to `STOPPED`, which is final."""

    CONNECTING = "connecting"
    """Being opened; then `LIVE` or `BACKOFF`."""
    LIVE = "live"
    """Frames arrive; then `STALLED` or `BACKOFF`."""
    STALLED = "stalled"
    """Connected, but no frame for a while; then `LIVE` or `BACKOFF`."""
    BACKOFF = "backoff"
    """Lost; waiting before the next attempt; then `CONNECTING`."""
    STOPPED = "stopped"
    """The file has ended, or somebody stopped it."""


@dataclass(frozen=True, slots=True)
class Status:
    """A camera's state at an instant.

    Attributes:
        camera: the camera's name.
        state: see `CameraState`.
        epoch: the connection's number, as in `Frame`.
        utc_ns: when this was so.
        reason: a short code, such as `not_found`, `refused`, `timeout`, `ended`; empty where all is well.
        detail: a sentence for people; without credentials.
    """

    camera: str
    state: CameraState
    epoch: int
    utc_ns: int
    reason: str = ""
    detail: str = ""
