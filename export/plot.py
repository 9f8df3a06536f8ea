"""The parity report's picture: how large the differences are, and how often, a curve a graph."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clef_rt.errors import MissingExtra

__all__ = ["differences_png"]

COLORS: Final = ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito's: told apart by the colour-blind as well
STYLES: Final = ("-", "--", ":")
LEAST: Final = 1e-7
"""Differences below it are float32's own rounding, and drawn as if they were that large."""


def differences_png(differences: Mapping[str, NDArray[np.floating[Any]]], title: str, subtitle: str) -> bytes:
    """Draw, for each graph, the share of scores that differ by more than so much.

    Args:
        differences: absolute differences of scores, 0–1, of any shape, by the graph's kind.
        title: which model.
        subtitle: how many crops, and of what.

    Returns:
        A PNG.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "export") from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    FigureCanvasAgg(figure)  # a canvas of its own: no state is shared, no window opens
    axes = figure.add_subplot()
    for (kind, own), color, style in zip(differences.items(), COLORS, STYLES, strict=False):
        sizes = np.sort(np.maximum(own.ravel(), LEAST))
        above = 100 * (1 - np.arange(len(sizes)) / len(sizes))
        axes.step(sizes, above, color=color, ls=style, lw=1.8, where="post", label=f"{kind}: mean {own.mean():.1g}")
        axes.plot(sizes[-1], above[-1], "o", ms=4, color=color)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("difference of a score (0–1) to torch's")
    axes.set_ylabel("scores that differ by more, %")
    axes.grid(color="#dddddd", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=12, fontweight="bold", ha="left", x=0.02)
    axes.set_title(subtitle, fontsize=9, color="#555555", loc="left")
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=120, metadata={"Software": None})
    return target.getvalue()
