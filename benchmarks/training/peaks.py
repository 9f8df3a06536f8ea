"""What a chip can do at most: from its maker's data sheet, or from a big matrix product where there is none."""

from __future__ import annotations

import re
import time
from typing import Final

import torch
from pydantic import BaseModel, ConfigDict

__all__ = ["Peak", "chip_peak", "number_format", "practical_peak"]

_SHEETS: Final = "NVIDIA's data sheet, dense"
_TERA: Final = 1e12
# TFLOP/s: 16-bit tensor cores with 32-bit sums, without sparsity; 32-bit floats without TF32, as Fabric leaves it.
_CHIPS: Final[tuple[tuple[str, float, float], ...]] = (
    (r"NVIDIA H200 NVL", 835.5, 60.0),
    (r"NVIDIA (H200|GH200 .*|H100 80GB HBM3|H100 SXM5.*)", 989.4, 67.0),
    (r"NVIDIA H100 NVL", 835.5, 60.0),
    (r"NVIDIA H100 PCIe", 756.5, 51.2),
    (r"NVIDIA A100[ -].*", 312.0, 19.5),
    (r"NVIDIA L40S", 362.1, 91.6),
    (r"NVIDIA L4", 121.0, 30.3),
    (r"NVIDIA A10", 125.0, 31.2),
    (r"NVIDIA GeForce RTX 4090", 165.2, 82.6),
    (r"NVIDIA GeForce RTX 3090", 71.0, 35.6),
)


class Peak(BaseModel):
    """The most operations a second that there can be.

    Attributes:
        flops: a second; a multiplication with its addition counts as two.
        source: where the number is from.
        practical: measured here, and not the maker's.
    """

    model_config = ConfigDict(extra="forbid")

    flops: float
    source: str
    practical: bool = False


def number_format(precision: str) -> torch.dtype:
    """The type that most of the work is done in, by Fabric's name of a precision."""
    if "bf16" in precision:
        return torch.bfloat16
    return torch.float16 if precision.startswith("16") else torch.float32


def chip_peak(name: str, precision: str) -> Peak | None:
    """A GPU's peak by the name that CUDA gives it; None for one that isn't in the table, or is a part of one (MIG)."""
    for pattern, half, single in _CHIPS:
        if re.fullmatch(pattern, name) and "MIG" not in name:
            flops = single if number_format(precision) == torch.float32 else half
            return Peak(flops=flops * _TERA, source=f"{_SHEETS}: {flops:g} TFLOP/s")
    return None


def practical_peak(precision: str, side: int = 2048, seconds: float = 1.5) -> Peak:
    """The best rate of a product of two big square matrices, on this CPU as it is now."""
    kind = number_format(precision)
    kind = torch.float32 if kind == torch.float16 else kind  # CPUs don't compute in it
    a, b = (torch.randn(side, side, dtype=kind) for _ in range(2))
    torch.mm(a, b)
    best = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - begun)
    words = {torch.bfloat16: "bf16", torch.float32: "fp32"}[kind]
    return Peak(
        flops=2 * side**3 / best,
        source=f"practical peak: the best {words} product of {side}×{side} matrices here, {torch.get_num_threads()} "
        "threads",
        practical=True,
    )
