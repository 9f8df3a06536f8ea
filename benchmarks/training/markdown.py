"""Reports of the training benchmarks as Markdown, which the terminal shows, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.training.report import LoaderFigures, Spread, StageFigures, TrainingReport

__all__ = ["to_markdown"]

_BUSY_CORES = 0.1
_TITLES = {"train": "Training: what a step takes", "loader": "Training: how fast crops are read"}


def to_markdown(report: TrainingReport) -> str:
    """The whole report."""
    parts = [f"# {_TITLES[report.kind]}", *_head(report)]
    for stage in report.stages:
        parts += _stage(stage)
    if report.loaders:
        parts += _loaders(report.loaders)
    return "\n\n".join(parts) + "\n"


def _head(report: TrainingReport) -> list[str]:
    machine, device = report.machine, report.device
    if device.kind == "cuda":
        where = f"{device.name}, {device.memory_gb:g} GB; {machine.cpu}, {machine.cores} cores"
    else:
        where = (
            f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB; PyTorch with {device.threads} threads. "
            "**Not run on a GPU.**"
        )
    settings = ", ".join(f"{name} {value}" for name, value in report.settings.items())
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines = [
        f"`{report.command}`, {report.date:%Y-%m-%d %H:%M} UTC",
        where,
        f"{settings}.",
        f"{machine.system}, Python {machine.python}; {versions}.",
    ]
    if report.others_cores > _BUSY_CORES:
        busy = f"Other programs kept {report.others_cores:.1f} cores busy meanwhile: the times are too long."
        lines.append(f"**{busy}**")
    if report.interrupted:
        lines.append("**Broken off: what had been measured by then.**")
    return lines


def _stage(figures: StageFigures) -> list[str]:
    whole = figures.step_ms.median
    parts = figures.parts_ms.items()
    lines = [
        f"## Stage {figures.stage}, batch {figures.batch}",
        _table(
            ("", "median", "10–90 %"),
            [
                ("images/s", _number(figures.images_per_s.median), _range(figures.images_per_s)),
                ("ms a step", _number(whole), _range(figures.step_ms)),
                (f"peak memory, MB ({figures.steps} steps)", _number(figures.memory_mb), ""),
            ],
        ),
        _table(
            ("part of a step", "ms", "10–90 %", "share"),
            [(name, _number(part.median), _range(part), f"{100 * part.median / whole:.1f} %") for name, part in parts],
        ),
    ]
    if figures.training_gflops is not None and figures.achieved_tflops is not None:
        lines.append(
            f"{_number(figures.training_gflops)} GFLOPs a face in training (matrix products, convolutions and "
            f"attention, forward and backward; a multiplication with its addition is two), "
            f"{_number(figures.encoder_gflops or 0)} in the encoder alone forward. "
            f"Achieved: {_number(figures.achieved_tflops)} TFLOP/s. {_share(figures)}"
        )
    if figures.trials:
        rows = [(str(t.batch), _number(t.images_per_s) if t.images_per_s else "out of memory") for t in figures.trials]
        lines.append(_table(("batch tried", "images/s"), rows))
    if figures.operators:
        lines.append("Operators by their own time, a step of the profile (which slows small ones down):")
        lines.append(
            _table(
                ("operator", "ms", "share", "calls"),
                [
                    (f"`{each.name}`", _number(each.self_ms), f"{100 * each.share:.1f} %", f"{each.calls:g}")
                    for each in figures.operators
                ],
            )
        )
    if figures.trace:
        lines.append(f"Trace for https://ui.perfetto.dev: `{figures.trace}`")
    return lines


def _share(figures: StageFigures) -> str:
    if figures.peak is None or figures.share_of_peak is None:
        return "Share of the chip's peak: not stated, its peak isn't known here."
    of = "practical peak" if figures.peak.practical else "chip's peak (MFU)"
    peak = f"{_number(figures.peak.flops / 1e12)} TFLOP/s, {figures.peak.source}"
    return f"Share of the {of}: {100 * figures.share_of_peak:.1f} % ({peak})."


def _loaders(loaders: Sequence[LoaderFigures]) -> list[str]:
    rows = []
    for each in loaders:
        step = f"{_number(each.step.median)} ({each.encoder})" if each.step else ""
        ratio = f"{each.warm.median / each.step.median:,.0f}" if each.step else ""
        cold = f"{_number(each.cold.median)} ({_range(each.cold)})" if each.cold else "not possible here"
        from_disk = f"{100 * each.cold_read:.0f} %" if each.cold_read is not None else ""
        warm = f"{_number(each.warm.median)} ({_range(each.warm)})"
        crop = f"{each.size}×{each.size}×{each.channels}, {each.rows} rows"
        rows.append((crop, str(each.batch), warm, cold, from_disk, step, ratio))
    heads = (
        "crops",
        "batch",
        "warm, images/s",
        "cold, images/s",
        "read from disk",
        "step takes, images/s",
        "warm ÷ step",
    )
    return [
        _table(heads, rows),
        "Warm: the file is in the page cache. Cold: it was taken out before each repeat, and is read in random order.",
    ]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    line = "| --- |" + " ---: |" * (len(heads) - 1)
    return "\n".join([f"| {' | '.join(heads)} |", line, *(f"| {' | '.join(row)} |" for row in rows)])


def _range(spread: Spread) -> str:
    return f"{_number(spread.low)}–{_number(spread.high)}"


def _number(value: float) -> str:
    """Three digits that count, and no power of ten."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"
