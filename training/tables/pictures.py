"""A table as a picture: dots with whiskers, or curves over the number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from clef_rt.errors import MissingExtra
from training.tables.figures import FIGURES
from training.tables.results import Filled, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_COLORS: Final = ("#555555", "#0072b2")  # Okabe and Ito's blue beside grey: told apart by the colour-blind
_DPI: Final = 150


def draw(path: Path, panels: Sequence[Filled], title: str, subtitle: str) -> None:
    """Draw all panels side by side.

    Args:
        path: the PNG to write.
        panels: with their figures.
        title: a line.
        subtitle: another, in grey.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "training") from None
    count = sum(max(len(filled.panel.curves), 1) for filled in panels)
    tall = max(4.2, 1.8 + 0.34 * max(len(f.lines) for f in panels if not f.panel.curves) if _any_dots(panels) else 4.2)
    figure = Figure(figsize=(6.2 * count, tall), layout="constrained", dpi=_DPI)
    places = iter(np.atleast_1d(np.array(figure.subplots(1, count), object)).tolist())
    for filled in panels:
        if filled.panel.curves:
            for number in range(len(filled.panel.curves)):
                _curve(next(places), filled, number)
        else:
            _dots(next(places), filled)
    figure.suptitle(f"{title}\n", fontsize=13, fontweight="bold", ha="left", x=0.01)
    figure.text(0.01, 0.98 - 0.27 / tall, subtitle, fontsize=9, color="#555555", va="top")
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]


def _any_dots(panels: Sequence[Filled]) -> bool:
    return any(not filled.panel.curves for filled in panels)


def _dots(axes: Axes, filled: Filled) -> None:
    """A row each: its seeds as small dots, their mean with its interval."""
    for place, line in enumerate(filled.lines):
        if line.main is None:
            continue
        color = _COLORS[line.row.pretrained]
        axes.plot(100 * np.array(line.main.values), [place] * len(line.main.values), "o", ms=3, color=color, alpha=0.4)
        _whisker(axes, line, place, color)
    axes.set_yticks(range(len(filled.lines)), [_label(line) for line in filled.lines])
    axes.invert_yaxis()
    axes.set_xlabel(f"{FIGURES[filled.panel.figures[0]].title}, %")
    if filled.panel.guess is not None:
        words, value = filled.panel.guess
        axes.axvline(100 * value, ls="--", lw=1, color="#d55e00", label=words)
        axes.legend(frameon=False, fontsize=8, loc="best")
    axes.grid(axis="x", color="#dddddd", lw=0.6)
    _plain(axes, filled.panel.title)


def _whisker(axes: Axes, line: Line, place: int, color: str) -> None:
    main = line.main
    assert main is not None
    if main.interval is not None:
        axes.hlines(place, 100 * main.interval[0], 100 * main.interval[1], color=color, lw=1.5)
    axes.plot([100 * main.mean], [place], "D", ms=6, color=color)


def _curve(axes: Axes, filled: Filled, number: int) -> None:
    curve = filled.panel.curves[number]
    lines = {line.row.key: line for line in filled.lines}
    for (name, points), color in zip(curve.points.items(), _COLORS, strict=True):
        known = [(x, own) for x, key in points if (own := lines[key].main) is not None]
        if not known:
            continue
        x, y = [x for x, _ in known], [100 * own.mean for _, own in known]
        axes.plot(x, y, "o-", color=color, ms=5, lw=1.5, label=name)
        whole = [(x, own.interval) for x, own in known if own.interval is not None]
        if whole:
            at, spans = zip(*whole, strict=True)
            low, high = (100 * np.array(side) for side in zip(*spans, strict=True))
            axes.fill_between(at, low, high, color=color, alpha=0.15, lw=0)
        for place, own in known:
            axes.plot([place] * len(own.values), 100 * np.array(own.values), ".", ms=4, color=color, alpha=0.5)
    axes.set_xscale("log")
    ticks = [x for x, _ in next(iter(curve.points.values()))]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(curve.axis)
    axes.set_ylabel(f"{FIGURES[filled.panel.figures[0]].title}, %")
    axes.grid(color="#dddddd", lw=0.6)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    _plain(axes, curve.title)


def _label(line: Line) -> str:
    """A row's labels in a line: of ticks their heads say nothing, so the key stands for them."""
    words = [label for label in line.row.labels if label and label != "✓"]
    return " · ".join([*words, line.row.key]) if "✓" in line.row.labels else " · ".join(words) or line.row.key


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", wrap=True)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
