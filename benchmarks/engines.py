"""Engines of one bundle held against each other: how long a batch takes, and how far the embeddings lie apart."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clef_rt.bundle import load_bundle
from clef_rt.encode import load_encoder

__all__ = ["Timing", "measure_engines", "to_markdown"]


@dataclass(frozen=True, slots=True)
class Timing:
    """One engine on one size of batch.

    Attributes:
        engine: its description.
        batch: faces.
        best_ms: the shortest run.
        median_ms: the one in the middle.
        cpu_ms: CPU time of all threads, the middle one of the runs; other programs disturb it less than the others.
        cosine: the least cosine of an embedding with the first engine's.
    """

    engine: str
    batch: int
    best_ms: float
    median_ms: float
    cpu_ms: float
    cosine: float


def measure_engines(
    bundle: str | None,
    engines: Sequence[tuple[str, str]],
    *,
    batches: Sequence[int],
    repeats: int,
    threads: int | None,
    say: Callable[[str], None],
) -> list[Timing]:
    """Time engines in turn, run by run, so that all see the same of whatever else the machine does.

    Args:
        bundle: as `clef_rt.load` takes it.
        engines: engine and variant of each, likewise.
        batches: sizes.
        repeats: runs of each engine and size.
        threads: of the engines on the CPU; None for all cores.
        say: told what is being done.

    Raises:
        ClefError: the bundle or an engine can't be used.
    """
    loaded = load_bundle(bundle)
    size, channels = loaded.spec.input.size, loaded.spec.input.channels
    encoders = []
    for engine, variant in engines:
        say(f"loading {engine} {variant}")
        encoders.append(load_encoder(loaded, engine, variant=variant, threads=threads, max_batch=max(batches)))
    timings = []
    for batch in batches:
        say(f"{repeats} runs of {batch} faces each")
        faces = np.random.default_rng(0).integers(0, 256, (batch, size, size, channels), np.uint8)
        outputs = [encoder.encode(faces) for encoder in encoders]
        walls: list[list[float]] = [[] for _ in encoders]
        cpus: list[list[float]] = [[] for _ in encoders]
        for _ in range(repeats):
            for encoder, wall, cpu in zip(encoders, walls, cpus, strict=True):
                begun, spent = time.perf_counter(), time.process_time()
                encoder.encode(faces)
                wall.append((time.perf_counter() - begun) * 1e3)
                cpu.append((time.process_time() - spent) * 1e3)
        for encoder, output, wall, cpu in zip(encoders, outputs, walls, cpus, strict=True):
            timings.append(
                Timing(
                    encoder.description,
                    batch,
                    min(wall),
                    statistics.median(wall),
                    statistics.median(cpu),
                    _least_cosine(outputs[0], output),
                )
            )
    return timings


def to_markdown(timings: Sequence[Timing]) -> str:
    """The timings as a table."""
    head = "| engine | faces | best ms | median ms | CPU ms | cosine |\n| --- | --: | --: | --: | --: | --: |\n"
    rows = (
        f"| {own.engine} | {own.batch} | {own.best_ms:.2f} | {own.median_ms:.2f} | {own.cpu_ms:.2f} "
        f"| {own.cosine:.5f} |\n"
        for own in timings
    )
    return head + "".join(rows)


def _least_cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float((one * other).sum(axis=1).min())
