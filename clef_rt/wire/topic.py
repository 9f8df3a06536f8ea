"""Topics of the form `clef.v1.<kind>.<camera>.`: what they are made from and taken apart into.

Subscriptions are prefixes, so the closing dot matters: without it `door` would also get `door2`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, TypeAlias

from clef_rt.errors import WireError
from clef_rt.frame import Observation
from clef_rt.status import Status
from clef_rt.wire.hello import Hello

__all__ = ["PREFIX", "VERSION", "Event", "Kind", "kind_of", "parse_topic", "topic_of", "topics"]

Event: TypeAlias = Observation | Status | Hello
"""Whatever comes over the wire."""

VERSION: Final = 1
"""The schema's version. Within it keys are only ever added; a removed or re-meant key is a new version and topic."""

PREFIX: Final = f"clef.v{VERSION}."
"""The subscription to everything."""

_TOPIC: Final = re.compile(rb"clef\.v1\.(obs|status|hello)\.([a-z0-9_-]{1,64})\.")


class Kind(StrEnum):
    """The kinds of message."""

    OBS = "obs"
    STATUS = "status"
    HELLO = "hello"


_KINDS: Final[dict[type[Event], Kind]] = {Observation: Kind.OBS, Status: Kind.STATUS, Hello: Kind.HELLO}


def kind_of(message: Event) -> Kind:
    """The kind of a message."""
    return _KINDS[type(message)]


def topic_of(message: Event) -> bytes:
    """The topic that a message is sent under."""
    return f"{PREFIX}{kind_of(message)}.{message.camera}.".encode()


def topics(camera: str) -> list[bytes]:
    """The subscriptions that bring everything of one camera, and of no other."""
    return [f"{PREFIX}{kind}.{camera}.".encode() for kind in Kind]


def parse_topic(topic: bytes) -> tuple[Kind, str]:
    """Take a topic apart into its kind and camera.

    Raises:
        WireError: it isn't one of ours.
    """
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise WireError(f"{topic[:80]!r} is not a topic of the form clef.v1.<kind>.<camera>.")
    return Kind(match[1].decode()), match[2].decode()
