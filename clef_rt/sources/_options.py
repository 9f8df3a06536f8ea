"""How a source is to be opened and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from clef_rt.errors import ConfigError

__all__ = ["SourceOptions"]

RTSP_TRANSPORTS = ("tcp", "udp", "udp_multicast", "http")


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a source is to be opened and read. The defaults suit a live camera on a local network.

    Attributes:
        rtsp_transport: `tcp`, `udp`, `udp_multicast` or `http`. TCP loses nothing: a lost packet over UDP smears
            faces until the next key frame.
        open_timeout_s: how long connecting may take, and likewise finding out the stream's format.
        read_timeout_s: how long a read may wait for data before the connection counts as lost. With some RTSP
            servers libav gives up after twice that.
        realtime: play a file at its own pace and treat it as live: late frames are dropped, not waited for.
        loop: begin a file again at its end, as a new epoch.
        size: width and height to ask of a webcam or of a synthetic source, pixels.
        fps: frames per second to ask of a webcam or a synthetic source; of an image folder, the rate that gives its
            pictures their time stamps.
        epoch: the number of this connection, as in `Frame`.
        seq: the number of the first frame, as in `Frame`.
        attempt: which of the source's ways to open it to try first. Sources find out; users leave it at 0.
        options: options for libav itself, over all of ours.
    """

    rtsp_transport: str = "tcp"
    open_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    realtime: bool = False
    loop: bool = False
    size: tuple[int, int] | None = None
    fps: float | None = None
    epoch: int = 0
    seq: int = 0
    attempt: int = 0
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.rtsp_transport not in RTSP_TRANSPORTS:
            raise ConfigError(
                f"rtsp_transport is {self.rtsp_transport!r}.", f"Use one of {', '.join(RTSP_TRANSPORTS)}."
            )
        for name in ("open_timeout_s", "read_timeout_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}.", "Give a number of seconds above 0.")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise ConfigError(f"fps is {self.fps}.", "Give a number above 0 and up to 1000.")
        if self.size is not None and not all(0 < side <= 16384 for side in self.size):
            raise ConfigError(f"size is {self.size}.", "Give width and height in pixels, such as 1280x720.")
