from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.listen import HEARD


def heard(count: int = 31, **fields: object) -> NDArray[np.void]:
    """Observations at 30 a second, each 20 ms old, 3 ms of that on the wire."""
    rows = np.zeros(count, HEARD)
    rows["seq"] = np.arange(count)
    rows["received_ns"] = 5_000_000_000 + np.arange(count) * 1_000_000_000 // 30
    rows["captured_ns"] = rows["received_ns"] - 20_000_000
    for name, value in {"decode": 2, "detect": 4, "align": 1, "encode": 5, "total": 17, "faces": 1, **fields}.items():
        rows[name] = value
    return rows


def test_parts_add_up_to_the_age() -> None:
    found = figures.parts(heard())
    assert list(found) == ["decode", "wait", "detect", "align", "encode", "wire"]
    assert {name: float(np.median(ms)) for name, ms in found.items()} == pytest.approx(
        {"decode": 2, "wait": 5, "detect": 4, "align": 1, "encode": 5, "wire": 3}
    )
    assert np.allclose(sum(found.values()), figures.stamp_age(heard()))


def test_rounding_leaves_no_time_below_0() -> None:
    found = figures.parts(heard(total=12 - 1e-6))
    assert found["wait"].min() == 0
    found = figures.parts(heard(total=20 + 1e-6))
    assert found["wire"].min() == 0


def test_rate_counts_intervals() -> None:
    assert figures.rate(heard()) == pytest.approx(30)


def test_drops_are_told_from_losses() -> None:
    rows = heard(10)
    rows["seq"] = [0, 1, 2, 5, 6, 7, 8, 10, 11, 12]
    rows["dropped"] = [3, 3, 3, 5, 5, 5, 5, 5, 5, 5]
    assert figures.dropped(rows) == 2
    assert figures.lost(rows) == 1
    assert figures.lost(heard()) == 0
