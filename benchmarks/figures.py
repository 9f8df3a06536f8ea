"""From what a subscriber heard to figures. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARTS", "PICTURE", "STAMP", "dropped", "lost", "parts", "rate", "stamp_age"]

STAMP = "stamp → subscriber"
"""From the frame's capture stamp, when its last packet had arrived, to its scores in the subscriber's hands."""

PICTURE = "picture → subscriber"
"""From the instant at which the camera made the picture."""

PARTS = ("camera", "decode", "wait", "detect", "align", "encode", "wire")
"""What the way consists of. `camera`: its encoder, the network, and the demuxer until the picture is whole. `wait`: in
the decoder, in the slot and for a turn. `detect` is with following, `encode` with comparing. `wire`: packing, sending,
receiving, unpacking."""


def parts(heard: NDArray[np.void]) -> dict[str, NDArray[np.float64]]:
    """Milliseconds of each of `PARTS` but the camera; they add up to `stamp_age`.

    Args:
        heard: (n,) of `listen.HEARD`.
    """
    stages = {name: heard[name].astype(np.float64) for name in ("decode", "detect", "align", "encode")}
    wait = heard["total"] - sum(stages.values())
    wire = stamp_age(heard) - heard["total"]
    # Both are differences: what is rounded to single precision on the wire may leave them just below 0.
    found = {**stages, "wait": np.maximum(wait, 0), "wire": np.maximum(wire, 0)}
    return {name: found[name] for name in PARTS if name in found}


def stamp_age(heard: NDArray[np.void]) -> NDArray[np.float64]:
    """Milliseconds from the capture stamp to the subscriber."""
    return np.asarray((heard["received_ns"] - heard["captured_ns"]) / 1e6, np.float64)


def rate(heard: NDArray[np.void]) -> float:
    """Observations a second; n ≥ 2."""
    return float((len(heard) - 1) / ((heard["received_ns"][-1] - heard["received_ns"][0]) / 1e9))


def dropped(heard: NDArray[np.void]) -> int:
    """Frames that gave way to newer ones before they could be analysed."""
    return int(heard["dropped"][-1] - heard["dropped"][0])


def lost(heard: NDArray[np.void]) -> int:
    """Observations that were made and didn't arrive: gaps in `seq` that the drops don't explain."""
    return max(0, int(heard["seq"][-1] - heard["seq"][0]) - (len(heard) - 1) - dropped(heard))
