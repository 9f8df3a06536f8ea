"""Bytes to maps and back, within bounds that no bytes can break.

Both formats are told apart by their first byte: JSON begins with `{`, which is no msgpack map.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, NoReturn, TypeAlias

import msgpack

from clef_rt.errors import WireError

__all__ = ["MAX_BYTES", "Format", "pack", "unpack"]

Format: TypeAlias = Literal["msgpack", "json"]

MAX_BYTES: Final = 1 << 19
"""The longest payload; 256 faces with 20 AUs and 8 expressions take 75 kB. The worst bytes of this length unpack to
33 MB (half a million empty maps)."""

# The lengths are checked before anything is allocated. Without them every level of a nest of `array of n` would
# reserve n places: gigabytes from a few kilobytes.
_LIMITS: Final = {"max_str_len": 4096, "max_array_len": 2048, "max_map_len": 2048, "max_bin_len": 0, "max_ext_len": 0}


def pack(message: dict[str, Any], format: Format = "msgpack") -> bytes:  # noqa: A002 - the natural word
    """Write a map as bytes. In msgpack each float takes 4 bytes: all of ours are scores, pixels or milliseconds.

    Raises:
        WireError: the map holds what the format can't, or is too long.
    """
    try:
        if format == "json":
            data = json.dumps(message, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
        else:
            data = msgpack.packb(message, use_single_float=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"The message can't be written as {format}: {error}.") from error
    if len(data) > MAX_BYTES:
        raise WireError(
            f"The message takes {len(data)} bytes; at most {MAX_BYTES} are allowed.", "Send fewer faces or labels."
        )
    return data


def unpack(payload: bytes) -> dict[str, Any]:
    """Read bytes of either format as a map.

    Raises:
        WireError: they are too long, damaged, or something else.
    """
    if len(payload) > MAX_BYTES:
        raise WireError(f"A payload of {len(payload)} bytes is refused; at most {MAX_BYTES} are allowed.")
    try:
        if payload[:1] == b"{":
            message = json.loads(payload.decode(), parse_constant=_no_constant)
        else:
            message = msgpack.unpackb(payload, raw=False, strict_map_key=True, **_LIMITS)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"The payload is damaged, or neither msgpack nor JSON ({type(error).__name__}).") from error
    if not isinstance(message, dict):
        raise WireError(f"The payload holds a {type(message).__name__}, not a map.")
    return message


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
