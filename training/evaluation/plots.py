"""Figures as pictures: the confusion matrix, F1 by Action Unit, reliability. Colours tell apart for the colour-blind.

They are drawn on canvases of their own, without pyplot, so that no state is shared and no window is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from clef_rt.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["au_bars_png", "confusion_png", "new_figure", "plain", "reliability_png", "save"]

_BLUE: Final = "#0072b2"  # Okabe and Ito's palette
_SKY: Final = "#8ecdf0"
_RED: Final = "#d55e00"
_GREY: Final = "#555555"
_DPI: Final = 150


def confusion_png(path: Path, confusion: Mapping[str, Mapping[str, int]], title: str, subtitle: str) -> None:
    """Draw a confusion matrix: rows are the truth and sum to 100 %; each cell has its share and its count.

    Args:
        path: the PNG to write.
        confusion: counts by truth, then by scored label.
        title: what, and of which dataset.
        subtitle: n, model and the main figures.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    names = list(confusion)
    counts = np.array([[confusion[truth][found] for found in names] for truth in names], np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    side = 2.4 + 0.82 * len(names)
    figure = new_figure(side + 0.9, side)
    axes = figure.add_subplot()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            text = f"{100 * shares[row, column]:.0f} %\n{counts[row, column]:,.0f}"
            color = "white" if shares[row, column] > 0.55 else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=color)
    heads = [f"{name}\nn = {total:,.0f}" for name, total in zip(names, totals[:, 0], strict=True)]
    axes.set_yticks(range(len(names)), heads)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_ylabel("truth")
    axes.set_xlabel("the model says")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(picture, ax=axes, shrink=0.8, pad=0.02, label="share of the truth's faces")
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "25 %", "50 %", "75 %", "100 %"])
    bar.outline.set_visible(False)
    save(figure, title, subtitle, path)


def au_bars_png(
    path: Path, figures: Mapping[str, Any], title: str, subtitle: str, paper: Mapping[str, float] | None = None
) -> None:
    """Draw F1 by Action Unit, at 0.5 and at validation's thresholds, with 95 % whiskers; the paper's as marks.

    Args:
        path: the PNG to write.
        figures: what `action_units.figures` gives.
        title: what, and of which dataset.
        subtitle: n, model and the main figures.
        paper: CLEF's F1 in %, by Action Unit and for the mean.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    groups = {**figures["labels"], "mean": figures["mean"]}
    figure = new_figure(max(7.0, 2.2 + 0.72 * len(groups)), 5.0)
    axes = figure.add_subplot()
    places = np.arange(len(groups), dtype=np.float64)
    places[-1] += 0.4  # the mean stands apart
    series = (("f1", "threshold 0.5", _BLUE, -0.2), ("f1_tuned", "threshold from validation faces", _SKY, 0.2))
    for key, label, color, shift in series:
        values = [np.nan if own[key] is None else 100 * own[key] for own in groups.values()]
        axes.bar(places + shift, values, 0.38, color=color, label=label)
        for place, value, own in zip(places + shift, values, groups.values(), strict=True):
            if (interval := own[f"{key}_interval"]) is not None:
                low, high = 100 * interval[0], 100 * interval[1]
                axes.vlines(place, low, high, color="black", lw=1)
                axes.hlines([low, high], place - 0.07, place + 0.07, color="black", lw=1)
            if np.isfinite(value):
                ink = "white" if color == _BLUE and value > 6 else "black"
                axes.text(place, 1.5, f"{value:.0f}", ha="center", fontsize=8, color=ink)
    known = [(place, paper[name]) for place, name in zip(places, groups, strict=True) if paper and name in paper]
    if known:
        at, height = zip(*known, strict=True)
        axes.hlines(height, np.array(at) - 0.42, np.array(at) + 0.42, color=_RED, lw=2.5, label="CLEF, as published")
    axes.set_xticks(places, [_short(name) for name in groups])
    axes.set_xlim(places[0] - 0.6, places[-1] + 0.6)
    axes.set_ylim(0, 100)
    axes.set_ylabel("F1 × 100")
    axes.set_xlabel("Action Unit")
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    plain(axes)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    save(figure, title, f"{subtitle}; whiskers: 95 %, subjects drawn anew", path)


def reliability_png(path: Path, groups: Mapping[str, Mapping[str, Any]], title: str, subtitle: str) -> None:
    """Draw how often scores are right against how sure they are, a curve a group.

    Args:
        path: the PNG to write.
        groups: what `calibration.reliability` gives, by the group's name.
        title: what, and of which dataset.
        subtitle: n and model.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    figure = new_figure(6.0, 5.6)
    axes = figure.add_subplot()
    axes.plot([0, 100], [0, 100], ls="--", lw=1, color=_GREY, label="as sure as right")
    for (name, own), color, marker in zip(groups.items(), (_BLUE, _RED), "os", strict=False):
        bins = own["reliability"]
        x, y = ([100 * each[key] for each in bins] for key in ("confidence", "right"))
        sizes = 12 + 120 * np.sqrt([each["count"] / own["scores"] for each in bins])
        axes.plot(x, y, color=color, lw=1.2, clip_on=False)
        axes.scatter(
            x,
            y,
            sizes,
            color=color,
            marker=marker,
            clip_on=False,
            zorder=3,
            label=f"{name.replace('_', ' ')}: off by {100 * own['error']:.1f} %",
        )
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_xlabel("score, %")
    axes.set_ylabel("right, %")
    axes.grid(color="#dddddd", lw=0.6)
    plain(axes)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    save(figure, title, f"{subtitle}\nthe larger a mark, the more scores", path)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, on a canvas of its own.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure as New
    except ImportError:
        raise MissingExtra("matplotlib", "training") from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = New(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, title: str, subtitle: str, path: Path) -> None:
    """Write a figure with its title and, above the first panel, a line on what it shows."""
    figure.suptitle(title, fontsize=13, fontweight="bold", ha="left", x=0.02)
    figure.axes[0].set_title(subtitle, fontsize=9, color=_GREY, loc="left")
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})


def plain(axes: Axes) -> None:
    """Without the lines above and to the right."""
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _short(name: str) -> str:
    """AU01_L as 1 L."""
    return name.removeprefix("AU").lstrip("0").replace("_", " ")
