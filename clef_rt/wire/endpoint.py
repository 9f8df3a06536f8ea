"""Where to publish or subscribe: `tcp://host:port`, `ipc://path`, with `bind:` or `connect:` in front to turn it round.

Needs ZeroMQ.
"""

from __future__ import annotations

import errno
import re
import socket as sockets
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, TypeAlias

import zmq

from clef_rt.errors import PublishError

__all__ = ["Endpoint", "Role"]

Role: TypeAlias = Literal["bind", "connect"]

_FORM: Final = re.compile(r"(?:(?P<role>bind|connect):)?(?P<address>(?P<scheme>[a-z]+)://(?P<rest>.+))")
_TCP: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|\*|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5}|\*)")
_HINT: Final = "Write it as tcp://127.0.0.1:5599 or ipc:///tmp/clef.sock."
_LOOPBACK: Final = re.compile(r"tcp://(127\.[0-9.]+|localhost|\[::1\]):")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, and whether to wait there (bind) or go there (connect).

    Attributes:
        role: `bind` or `connect`.
        address: as ZeroMQ takes it.
    """

    role: Role
    address: str

    @classmethod
    def parse(cls, text: str, *, default: Role) -> Self:
        """Read an endpoint as a user writes it.

        Args:
            text: `tcp://host:port` (port 0 or `*`: any free one, to bind only) or `ipc://path`; `bind:` or `connect:`
                in front overrules the default.
            default: the role where the text names none.

        Raises:
            PublishError: it has another form.
        """
        match = _FORM.fullmatch(text)
        if match is None or match["scheme"] not in ("tcp", "ipc"):
            raise PublishError(f"{text!r} is not an endpoint.", _HINT)
        role: Role = match["role"] or default  # type: ignore[assignment]
        if match["scheme"] == "tcp":
            tcp = _TCP.fullmatch(match["rest"])
            # ZeroMQ would take port 99999 modulo 65536, and connect to port 0, without a word.
            if tcp is None or (tcp["port"] != "*" and int(tcp["port"]) > 65_535):
                raise PublishError(f"{text!r} is not an endpoint: no host and port 1–65535.", _HINT)
            if role == "connect" and (tcp["port"] in ("*", "0") or tcp["host"] == "*"):
                raise PublishError(f"{text!r} can't be connected to: it names no host and port.", _HINT)
        return cls(role, match["address"])

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.address.startswith("ipc://") or _LOOPBACK.match(self.address) is not None

    def attach(self, socket: zmq.Socket[Any]) -> str:
        """Bind or connect a socket.

        Returns:
            The address, with the port that was chosen where any free one was asked for.

        Raises:
            PublishError: in use, no such address here, or not allowed.
        """
        if "[" in self.address:
            socket.setsockopt(zmq.IPV6, 1)
        # ZeroMQ would take the path from a publisher that uses it, without a word.
        taken = self.role == "bind" and self.address.startswith("ipc://") and _answers(self.address)
        try:
            if taken:
                raise zmq.ZMQError(errno.EADDRINUSE)
            if self.role == "connect":
                socket.connect(self.address)
                return self.address
            socket.bind(self.address)
            return socket.getsockopt_string(zmq.LAST_ENDPOINT)
        except zmq.ZMQError as error:
            raise self._error(error) from error

    def _error(self, error: zmq.ZMQError) -> PublishError:
        match error.errno:
            case errno.EADDRINUSE:
                return PublishError(
                    f"{self.address} is in use.",
                    "Is another publisher running? Choose another, or port 0 for any free one.",
                )
            case errno.EADDRNOTAVAIL | errno.ENODEV:
                return PublishError(
                    f"{self.address} is not an address of this machine.",
                    "Bind to 127.0.0.1 (this machine alone) or * (all networks); to go to another one's, "
                    f"write connect:{self.address}.",
                )
            case errno.EACCES | errno.EPERM:
                return PublishError(f"{self.address} is not permitted.", "Choose a port above 1023, or another folder.")
            case errno.ENOENT | errno.ENAMETOOLONG:
                return PublishError(
                    f"{self.address} can't be made.", "Its folder must exist, its path have fewer than 108 bytes."
                )
            case _:
                return PublishError(f"{self.address} can't be used: {zmq.strerror(error.errno or 0)}.", _HINT)


def _answers(ipc: str) -> bool:
    path = ipc.removeprefix("ipc://")
    try:
        with sockets.socket(sockets.AF_UNIX) as probe:
            probe.connect("\0" + path[1:] if path.startswith("@") else path)
    except (OSError, AttributeError):  # Windows' Python has no AF_UNIX
        return False
    return True
