"""What the tests on a GPU share: a reason to skip where something is missing, and the embedded bundle's scores."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.bundle import Bundle
from clef_rt.encode import Encoder, load_encoder
from clef_rt.encode.choice import Engine, Machine
from clef_rt.labels import LabelBank

COUNTS = (0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 32, 33, 70)
"""Every size of a batch, some that are padded, and some that take several runs."""


def skip_unless(engine: Engine) -> None:
    """Skip, and say what is missing."""
    found = Machine().look(engine)
    if not found.ready:
        pytest.skip(found.what, allow_module_level=True)


def crops(bundle: Bundle, count: int) -> NDArray[np.uint8]:
    size, channels = bundle.spec.input.size, bundle.spec.input.channels
    return np.random.default_rng(count).integers(0, 256, (count, size, size, channels), np.uint8)


def assert_alike(bundle: Bundle, encoder: Encoder, *, cosine: float, score: float) -> None:
    """Hold an engine against the CPU, for batches of all sizes."""
    bank, cpu = LabelBank.from_bundle(bundle), load_encoder(bundle, "cpu")
    for count in COUNTS:
        faces = crops(bundle, count)
        ours, theirs = encoder.encode(faces), cpu.encode(faces)
        assert ours.shape == theirs.shape
        assert np.all((ours * theirs).sum(axis=1) > cosine), count
        for one, other in zip((bank.score(ours).au, bank.score(ours).expression),
                              (bank.score(theirs).au, bank.score(theirs).expression), strict=True):  # fmt: skip
            assert np.all(np.abs(one - other) < score), count
