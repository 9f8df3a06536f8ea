"""Audits as pictures: curves of robustness, and figures by group."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.evaluation.plots import new_figure, plain, save
from training.evaluation.probes import FIGURES
from training.evaluation.scored import file_stem

__all__ = ["curves_png", "groups_png"]

_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito's palette
_COLUMNS: Final = 5


def curves_png(folder: Path, found: Mapping[str, Any], ours: str) -> list[Path]:
    """Draw all curves on one sheet, `robustness.png`: a panel a perturbation, a line a dataset and figure.

    Args:
        folder: where to.
        found: what `robustness.curves` gives.
        ours: what the model is called.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    lines = [(dataset, figure) for dataset, own in found["unchanged"].items() for figure in own if figure != "auc"]
    if not lines:
        return []
    ways = list(found["curves"].values())
    rows = -(-len(ways) // _COLUMNS)
    figure = new_figure(3.0 * _COLUMNS, 2.9 * rows + 0.9)
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False).flat
    for way, axes in zip(ways, panels, strict=False):  # in this order, or zip would take a panel too many
        places = np.arange(len(way["levels"]) + 1)
        at = _unchanged_at(way["title"], way["levels"])
        for colour, (dataset, key) in zip(_COLOURS, lines, strict=False):
            own = way["figures"].get(dataset, {}).get(key)
            if own is None:
                continue
            points = [*own[:at], found["unchanged"][dataset][key], *own[at:]]
            values = [np.nan if p["value"] is None else p["value"] for p in points]
            axes.plot(places, values, "o-", ms=3.5, lw=1.4, color=colour, label=f"{FIGURES[key]}, {dataset}")
            bounds = np.array([p["interval"] or [np.nan, np.nan] for p in points])
            axes.fill_between(places, bounds[:, 0], bounds[:, 1], color=colour, alpha=0.15, lw=0)
        ticks = [f"{level:g}" for level in way["levels"]]
        axes.set_xticks(places, [*ticks[:at], "as is", *ticks[at:]], fontsize=7)
        axes.set_xlabel(f"{way['title']}, {way['unit']}", fontsize=8)
        axes.set_ylim(0, 1)
        axes.grid(color="#dddddd", lw=0.6)
        plain(axes)
    for axes in list(panels):
        axes.set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    path = folder / "robustness.png"
    save(figure, f"Robustness of {ours}", "bands: 95 %", path)
    return [path]


def groups_png(folder: Path, found: Mapping[str, Any], ours: str) -> list[Path]:
    """Draw figures by group, a picture a dataset, `fairness-<dataset>.png`; arguments as for `curves_png`."""
    drawn = []
    for dataset, attributes in found.items():
        keys = list(dict.fromkeys(key for own in attributes.values() for key in own if key in FIGURES))
        if not keys:
            continue
        rows = [(a, name) for a, own in attributes.items() for name in next(iter(own.values()))["groups"]]
        figure = new_figure(3.4 + 3.0 * len(keys), 1.6 + 0.34 * len(rows))
        panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
        for axes, key, colour in zip(panels, keys, _COLOURS, strict=False):
            for place, (attribute, name) in enumerate(rows):
                own = attributes[attribute].get(key, {}).get("groups", {}).get(name)
                if own is None or own["value"] is None:
                    continue
                if own["interval"]:
                    axes.hlines(place, *own["interval"], color=colour, lw=1.6)
                axes.plot(own["value"], place, "o", ms=5, color=colour)
            axes.set_yticks(range(len(rows)), [name for _, name in rows], fontsize=8)
            axes.set_xlabel(FIGURES[key], fontsize=8)
            axes.grid(axis="x", color="#dddddd", lw=0.6)
            plain(axes)
        panels[0].invert_yaxis()
        path = folder / f"fairness-{file_stem(dataset)}.png"
        save(figure, f"By group, {dataset}: {ours}", "bars: 95 %, subjects drawn anew", path)
        drawn.append(path)
    return drawn


def _unchanged_at(title: str, levels: list[float]) -> int:
    """Where the unchanged pictures stand among the levels: in between for exposure and contrast, else before."""
    middle = {"Exposure": 0.0, "Contrast": 1.0}.get(title)
    return 0 if middle is None else int(np.searchsorted(levels, middle))
