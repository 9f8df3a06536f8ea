"""Reports as pictures. They are drawn from what is in the file alone, so that any report can be drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.figures import PARTS, PICTURE, STAMP
from benchmarks.report import Case, Report
from clef_rt.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["plot"]

_LIVE_FPS: Final = 30
_COLORS: Final = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5")


def plot(report: Report, path: Path) -> None:
    """Draw a report as PNG.

    Raises:
        MissingExtra: matplotlib isn't installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtra("matplotlib", "benchmarks") from None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        canvas, (left, right) = plt.subplots(1, 2, figsize=(15, 6.5), width_ratios=(1, 1.25), layout="constrained")
        if report.kind == "fps":
            _rates(left, report)
            _stage_times(right, report)
        else:
            _distributions(left, report)
            _stacks(right, report)
        _caption(canvas, report)
        canvas.savefig(path, dpi=110)
        plt.close(canvas)


def _rates(axes: Axes, report: Report) -> None:
    stages = _stages(report)
    height = 0.8 / len(report.cases)
    for number, case in enumerate(report.cases):
        for place, stage in enumerate(stages):
            row = case.row(stage)
            if row and row.fps:
                y, value = place + (number - (len(report.cases) - 1) / 2) * height, row.fps.value
                low, high = min(row.fps.repeats), max(row.fps.repeats)
                axes.barh(y, value, height, color=_color(number), label=case.name if place == 0 else None)
                axes.errorbar(value, y, xerr=[[value - low], [high - value]], color="black", lw=1, capsize=2)
                axes.annotate(f" {value:,.0f}", (high, y), va="center", fontsize=8)
    axes.axvline(_LIVE_FPS, color="black", ls="--", lw=1, label=f"a camera's {_LIVE_FPS} frames a second")
    axes.set_xscale("log")
    axes.set_xlim(left=1)
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.set_xlabel("frames a second (log); whiskers: repeats")
    axes.set_title("How many frames a second each stage can do")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=9, frameon=False)


def _stage_times(axes: Axes, report: Report) -> None:
    stages = [stage for stage in _stages(report) if any((row := c.row(stage)) and row.ms for c in report.cases)]
    step = 0.5 / len(report.cases)
    for number, case in enumerate(report.cases):
        for place, stage in enumerate(stages):
            row = case.row(stage)
            if row and row.ms:
                y = place + (number - (len(report.cases) - 1) / 2) * step
                p50, p95, p99 = row.ms.p50.value, row.ms.p95.value, row.ms.p99.value
                color = _color(number)
                axes.plot([p50, p99], [y, y], color=color, lw=1.5)
                axes.plot(p50, y, "o", color=color, ms=7)
                axes.plot([p95, p99], [y, y], "|", color=color, ms=9)
    axes.axvline(1e3 / _LIVE_FPS, color="black", ls="--", lw=1, label=f"from frame to frame at {_LIVE_FPS} a second")
    axes.set_xscale("log")
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a frame (log): ● p50, | p95 and p99")
    axes.set_title("How long each stage takes")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)


def _distributions(axes: Axes, report: Report) -> None:
    longest = 1.0
    for number, case in enumerate(report.cases):
        for stage, style in ((STAMP, "--" if case.row(PICTURE) else "-"), (PICTURE, "-")):
            row = case.row(stage)
            if row and row.ms and row.ms.curve:
                shares = np.linspace(0, 100, len(row.ms.curve))
                p50, p99 = row.ms.p50.value, row.ms.p99.value
                label = f"{case.name}: {stage}\np50 {p50:.1f} ms, p99 {p99:.1f} ms"
                axes.plot(row.ms.curve, shares, style, color=_color(number), label=label)
                longest = max(longest, p99)
    axes.axhline(50, color="lightgray", lw=0.8, zorder=0)
    axes.axhline(99, color="lightgray", lw=0.8, zorder=0)
    axes.set_yticks([0, 25, 50, 75, 99])
    axes.set_xlim(0, 1.25 * longest)
    axes.set_ylim(0, 101)
    axes.set_xlabel("age of the scores at the subscriber, ms")
    axes.set_ylabel("% of the frames are no older")
    axes.set_title("Latency, source to subscriber")
    axes.legend(fontsize=8, loc="lower right")


def _stacks(axes: Axes, report: Report) -> None:
    cases = report.cases
    widest = max((value for case in cases for _, value in _ends(case)), default=1.0)
    for place, case in enumerate(cases):
        left = 0.0
        for color, part in zip(_COLORS, PARTS, strict=False):
            row = case.row(part)
            if row and row.ms:
                mean = row.ms.mean
                axes.barh(place, mean, 0.5, left=left, color=color)
                if mean > 0.035 * widest:
                    axes.annotate(f"{mean:.1f}", (left + mean / 2, place), ha="center", va="center", fontsize=8)
                left += mean
        for marker, value in _ends(case):
            axes.plot(value, place + 0.34, marker, color="black", ms=5)
            axes.annotate(f"  {value:.1f}", (value, place + 0.34), va="center", fontsize=8)
    for color, part in zip(_COLORS, PARTS, strict=False):
        if any(case.row(part) for case in cases):
            axes.barh(0, 0, color=color, label=part)
    axes.plot([], [], "D", color="black", ls="none", label="p50 end to end")
    axes.plot([], [], "o", color="black", ls="none", label="p99 end to end")
    axes.set_yticks(range(len(cases)), [_label(case) for case in cases])
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.set_xlim(0, 1.08 * widest)
    axes.set_xlabel("milliseconds: means of the stages, which add up to the mean latency")
    axes.set_title("Where the time goes")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.1), ncols=9, fontsize=8, frameon=False, columnspacing=1.0)


def _ends(case: Case) -> list[tuple[str, float]]:
    row = case.row(PICTURE) or case.row(STAMP)
    return [("D", row.ms.p50.value), ("o", row.ms.p99.value)] if row and row.ms else []


def _label(case: Case) -> str:
    row = case.row(STAMP)
    rate = f"{row.fps.value:.1f} fps, " if row and row.fps else ""
    drops = sum(case.counts["dropped"].repeats) if "dropped" in case.counts else 0
    frames = sum(case.counts["frames"].repeats) if "frames" in case.counts else 0
    share = 100 * drops / (frames + drops) if frames + drops else 0
    return f"{case.name}\n{rate}{share:.1f} % dropped"


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _stages(report: Report) -> list[str]:
    return list(dict.fromkeys(row.stage for case in report.cases for row in case.rows))


def _caption(canvas: Canvas, report: Report) -> None:
    source: Any = report.cases[0].source
    canvas.suptitle(
        f"CLEF-RT {report.versions.get('clef-rt', '')}, {report.model.bundle} {report.model.version}, "
        f"{report.model.detector} every {report.model.detect_every}, {source.width}×{source.height}; "
        f"{report.machine.cpu}, {report.machine.cores} cores; {report.date:%Y-%m-%d}"
        + (f"; others kept {report.others_cores:.1f} cores busy" if report.others_cores > 0.1 else ""),
        fontsize=10,
        color="dimgray",
    )
