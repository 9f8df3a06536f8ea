"""Reports as tables for the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from benchmarks.compare import Change
from benchmarks.report import Case, Figure, Report
from benchmarks.stats import spread

__all__ = ["case_table", "changes_table", "report_head"]

_BUSY_CORES = 0.1
_STAGE_WIDTH, _NUMBER_WIDTH = 21, 10
_LABELS = {
    "faces": "{:.2f} faces a frame",
    "frames": "{:.0f} frames",
    "dropped": "{:.0f} dropped",
    "lost": "{:.0f} lost",
    "cpu_cores": "{:.2f} cores",
    "camera_cpu_cores": "camera {:.2f} cores",
    "peak_rss_mb": "peak {:.0f} MB",
}
_VERDICTS = {
    "better": "[green]better[/]",
    "worse": "[red]worse[/]",
    "alike": "within noise",
    "unknown": "noise unknown",
}


def report_head(report: Report) -> list[str]:
    """What the figures hold for, and whether they are to be trusted."""
    machine, model = report.machine, report.model
    lines = [
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB; {machine.system}, Python {machine.python}",
        f"{model.bundle} {model.version} ({model.sha256[:8]}), {model.input}; "
        f"{model.detector} every {model.detect_every} frames; {model.encoder}; OpenCV {model.opencv_threads} threads",
    ]
    if report.others_cores > _BUSY_CORES:
        lines.append(f"[yellow]Other programs kept {report.others_cores:.1f} cores busy: don't trust these figures.[/]")
    if report.interrupted:
        lines.append("[yellow]Broken off: what had been measured by then.[/]")
    return lines


def case_table(case: Case) -> Table:
    """The stages of a case. `±` is half of what the repeats' rates, or else their medians, lie apart."""
    table = Table(
        title=f"[bold]{escape(case.name)}[/]  [dim]{escape(_source(case))}[/]",
        caption=escape(", ".join(_counts(case))),
        title_justify="left",
        caption_justify="left",
        title_style="",
    )
    table.add_column("stage", min_width=_STAGE_WIDTH)
    for name in ("per second", "p50 ms", "p95 ms", "p99 ms", "±"):
        table.add_column(name, justify="right", min_width=_NUMBER_WIDTH)
    for row in case.rows:
        leading = row.fps or (row.ms.p50 if row.ms else None)
        times = [_number(figure.value) for figure in (row.ms.p50, row.ms.p95, row.ms.p99)] if row.ms else [""] * 3
        rate = _number(row.fps.value) if row.fps else ""
        table.add_row(escape(row.stage), rate, *times, _noise(leading))
    return table


def changes_table(changes: list[Change], names: tuple[str, str]) -> Table:
    """What has changed between two reports."""
    table = Table(title=f"{names[1]} in terms of {names[0]}", title_justify="left")
    table.add_column("")
    for name in ("before", "after", "ratio", "range"):
        table.add_column(name, justify="right")
    table.add_column("")
    case = None
    for change in changes:
        if change.case != case:
            case = change.case
            table.add_section()
            table.add_row(f"[bold]{escape(case)}[/]")
        table.add_row(
            f"  {change.what}",
            _number(change.before),
            _number(change.after),
            f"{change.ratio.value:.3f}",
            f"{change.ratio.low:.3f} – {change.ratio.high:.3f}" if change.ratio.repeats > 1 else "",
            _VERDICTS[change.verdict],
        )
    return table


def _source(case: Case) -> str:
    source = case.source
    rate = f" {source.fps:g} fps" if source.fps else ""
    return f"{source.width}×{source.height}{rate}"


def _counts(case: Case) -> list[str]:
    totals = ("frames", "dropped", "lost")
    found = {name: sum(f.repeats) if name in totals else f.value for name, f in case.counts.items()}
    return [text.format(found[name]) for name, text in _LABELS.items() if name in found]


def _noise(figure: Figure | None) -> str:
    apart = spread(figure.repeats) if figure else None
    return f"{50 * apart:.0f} %" if apart is not None else ""


def _number(value: float) -> str:
    """Three digits that count, and no power of ten."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"
