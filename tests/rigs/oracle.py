"""The age oracle: a number drawn into a picture as black and white blocks, and read back after any codec.

A camera that draws the time at which it made each frame lets a reader tell the frame's age to the millisecond. The
drawing needs nothing but Python, since the RTSP rig runs in the system's interpreter.

Layout: from the top left, two rows of 16 blocks of 16×16 pixels; 28 bits of the number, then 4 bits of checksum, most
significant first. Pictures are at least 256×32.
"""

from __future__ import annotations

import time

BLOCK = 16
COLUMNS = 16
ROWS = 2
VALUE_BITS = 28
MODULUS = 1 << VALUE_BITS
WIDTH, HEIGHT = BLOCK * COLUMNS, BLOCK * ROWS


def now_ms() -> int:
    """The system's monotonic clock in ms; one clock for all processes of a machine."""
    return time.monotonic_ns() // 1_000_000 % MODULUS


def age_ms(drawn: int, at_ms: int | None = None) -> int:
    """How long ago `drawn` was now."""
    return ((now_ms() if at_ms is None else at_ms) - drawn) % MODULUS


def bits(value: int) -> list[bool]:
    """The 32 blocks of a number; True is white."""
    value %= MODULUS
    word = value << 4 | _checksum(value)
    return [bool(word >> shift & 1) for shift in range(31, -1, -1)]


def draw_bytes(luma: bytearray, stride: int, value: int, *, black: int = 16, white: int = 235) -> None:
    """Draw into a luminance plane of `stride` bytes a line."""
    blocks = bits(value)
    for row in range(ROWS):
        line = b"".join(bytes([white if bit else black]) * BLOCK for bit in blocks[row * COLUMNS : (row + 1) * COLUMNS])
        for y in range(row * BLOCK, (row + 1) * BLOCK):
            luma[y * stride : y * stride + WIDTH] = line


def draw(image, value: int) -> None:  # type: ignore[no-untyped-def]
    """Draw into an (H, W) or (H, W, 3) uint8 array."""
    for index, bit in enumerate(bits(value)):
        y, x = index // COLUMNS * BLOCK, index % COLUMNS * BLOCK
        image[y : y + BLOCK, x : x + BLOCK] = 255 if bit else 0


def read(image) -> int:  # type: ignore[no-untyped-def]
    """The number drawn into an (H, W) or (H, W, 3) uint8 array.

    Raises:
        ValueError: the checksum is wrong: no number was drawn, or the picture is damaged.
    """
    gray = image if image.ndim == 2 else image[..., 1]
    word = 0
    for row in range(ROWS):
        for column in range(COLUMNS):
            y, x = row * BLOCK, column * BLOCK
            word = word << 1 | int(gray[y + 4 : y + 12, x + 4 : x + 12].mean() > 127)
    value = word >> 4
    if word & 15 != _checksum(value):
        raise ValueError("no number is drawn here")
    return value


def _checksum(value: int) -> int:
    total = 0b1010
    while value:
        total ^= value & 15
        value >>= 4
    return total
