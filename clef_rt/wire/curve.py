"""CURVE keys: encryption, and proof that the publisher is the one whose public key the subscriber knows.

Any client that knows the server's public key may read; who may not is a matter for the network. Needs ZeroMQ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import zmq
from zmq.utils import z85

from clef_rt.errors import ConfigError

__all__ = ["CurveKeys", "check_key"]


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """A pair of CURVE keys, 40 characters of Z85 each.

    Attributes:
        public: to be given away.
        secret: to be kept; not shown by `repr`.
    """

    public: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        check_key(self.public, "public")
        check_key(self.secret, "secret")

    @classmethod
    def generate(cls) -> Self:
        """Make a new pair."""
        public, secret = zmq.curve_keypair()
        return cls(public.decode(), secret.decode())

    def serve(self, socket: zmq.Socket[Any]) -> None:
        """Let the socket be the server of the handshake, whether it binds or connects."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt_string(zmq.CURVE_PUBLICKEY, self.public)
        socket.setsockopt_string(zmq.CURVE_SECRETKEY, self.secret)

    def join(self, socket: zmq.Socket[Any], server_key: str) -> None:
        """Let the socket be a client of the server with this public key.

        Raises:
            ConfigError: it is no key.
        """
        socket.setsockopt_string(zmq.CURVE_SERVERKEY, check_key(server_key, "server's public"))
        socket.setsockopt_string(zmq.CURVE_PUBLICKEY, self.public)
        socket.setsockopt_string(zmq.CURVE_SECRETKEY, self.secret)


def check_key(key: str, what: str) -> str:
    """Return the key if it is one.

    Raises:
        ConfigError: it isn't 40 characters of Z85. The message doesn't show it.
    """
    try:
        if len(key) == 40 and len(z85.decode(key)) == 32:
            return key
    except (KeyError, ValueError):
        pass
    raise ConfigError(f"The {what} key is not a CURVE key of 40 characters.", "Make a pair with CurveKeys.generate().")
