"""What a table will cost, measured for a moment on this machine."""

from __future__ import annotations

import time

import torch

from training.config import RunConfig
from training.encoders import Pictures, make_encoder

__all__ = ["faces_a_second"]

_SECONDS = 1.5


def faces_a_second(config: RunConfig, size: int, channels: int, *, threads: int | None) -> float | None:
    """Training passes a second of one run alone on a CPU; None on other devices, where this says nothing.

    The encoder's own, forth and back; the pictures' changes and the texts come on top.

    Args:
        config: stage 2's.
        size: of the crops, px.
        channels: theirs.
        threads: that the run has; None for all.

    Raises:
        ConfigError: there is no such encoder, or its weights can't be had.
    """
    if config.loop.accelerator not in ("cpu", "auto") or torch.cuda.is_available():
        return None
    before = torch.get_num_threads()
    encoder = make_encoder(config.model.encoder, Pictures(size, channels, config.model.init))
    images = torch.rand(config.loop.batch, channels, size, size).contiguous(memory_format=torch.channels_last)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mixed = config.loop.precision.startswith("bf16")
    try:
        torch.set_num_threads(threads or before)
        steps, started = -1, 0.0  # the first isn't counted: it plans
        while steps < 1 or time.monotonic() - started < _SECONDS:
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                loss = encoder(images).float().square().mean()
            loss.backward()
            steps += 1
            if steps == 0:
                started = time.monotonic()
        return steps * len(images) / (time.monotonic() - started)
    finally:
        torch.set_num_threads(before)
