"""A table from beginning to end: planned, its cost told, run, shown, written."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from clef_rt.errors import ConfigError
from training.evaluation.report import markdown
from training.prepare import Prepared
from training.tables import ablation, few_labels, pairs, zero_shot
from training.tables.cells import RESULT, Job, digest, jobs_of, run_folder
from training.tables.cost import faces_a_second
from training.tables.pictures import draw
from training.tables.plan import Plan
from training.tables.pool import run_jobs, unfinished
from training.tables.request import Request
from training.tables.results import Filled, as_json, fill, sheet

__all__ = ["TABLES", "make_table", "show_cells"]

TABLES: Final[dict[str, Callable[[Request], Plan]]] = {
    "ablation": ablation.plan,
    "pairs": pairs.plan,
    "few-labels": few_labels.plan,
    "zero-shot": zero_shot.plan,
}


def show_cells(request: Request, out: Path, *, workers: int, console: Console) -> None:
    """List the runs of a table, those done included, and what is left to do; nothing is trained or written."""
    jobs = jobs_of(TABLES[request.name](request).cells)
    left = unfinished(jobs, out)
    for name, job in jobs.items():
        state = "done" if (run_folder(out, name) / RESULT).exists() else "to do" if name in left else "not needed"
        console.print(
            f"{name}  {state:10}  {job.passes:>9,} faces  {escape(job.name)}", highlight=False, soft_wrap=True
        )
    _say_cost(request, jobs, left, workers, console)


def make_table(
    request: Request, out: Path, *, workers: int, draws: int, command: Sequence[str], console: Console
) -> list[Path]:
    """Run what a table lacks, and write it: `<name>.md`, `<name>.json`, `<name>.png`.

    Args:
        request: which.
        out: the folder, with all runs below it.
        workers: processes; 0 for this one alone.
        draws: of the test subjects.
        command: that it was asked by.
        console: for the progress.

    Returns:
        What was written.

    Raises:
        ConfigError: no cell could be run.
        KeyboardInterrupt: Ctrl-C; finished cells are kept, and the table is written from them.
        MissingExtra: matplotlib isn't installed.
    """
    plan = TABLES[request.name](request)
    jobs = jobs_of(plan.cells)
    left = unfinished(jobs, out)
    rate = _say_cost(request, jobs, left, workers, console)
    stopped = False
    failures: dict[str, str] = {}
    if left:
        try:
            failures = _run(left, out, workers, console)
        except KeyboardInterrupt:
            stopped = True
    panels = fill(plan, out, draws)
    if not any(filled.faces for filled in panels):
        if stopped:
            raise KeyboardInterrupt
        why = next(iter(failures.items()), ("", "nothing was run"))
        raise ConfigError(f"{out}: no cell could be run: {why[1]}.", f"See {run_folder(out, why[0])}.")
    for filled in panels:
        console.print(sheet(filled, request.seeds).rich())
    facts = _facts(request, plan, jobs, failures, out, workers, rate, command, draws)
    written = _write(request, plan, panels, facts, out)
    if stopped:
        raise KeyboardInterrupt
    return written


def _run(left: Mapping[str, Job], out: Path, workers: int, console: Console) -> dict[str, str]:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[ended]} of {task.fields[runs]} runs"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=console,
    )
    progress.live.transient = True
    with progress:
        total = sum(job.passes for job in left.values())
        task = progress.add_task("training", total=total, ended=0, runs=len(left))
        ended = 0

        def done(job: Job, why: str) -> None:
            nonlocal ended
            ended += 1
            progress.update(task, advance=job.passes, ended=ended)
            if why:
                console.print(
                    f"[bold red]failed[/]: {escape(job.name)}: {escape(why)}", highlight=False, soft_wrap=True
                )

        return run_jobs(left, out, workers=workers, done=done)


def _say_cost(
    request: Request, jobs: Mapping[str, Job], left: Mapping[str, Job], workers: int, console: Console
) -> float | None:
    """What is left to do, in runs, faces and minutes; the rate that it was reckoned by."""
    passes = sum(job.passes for job in left.values())
    line = f"{request.name}: {len(jobs)} runs, {len(left)} to do, {passes:,} faces through the encoder"
    rate = None
    if left:
        facts = Prepared.load(request.labelled[0].folder).facts
        config = next(job.config for job in left.values())
        rate = faces_a_second(config, facts.size, facts.channels, threads=1 if workers else None)
    if rate is not None:
        minutes = passes / rate / max(workers, 1) / 60
        line += (
            f"; at {rate:.0f} faces/s each, {max(workers, 1)} at a time, about {minutes:.0f} minutes, "
            "somewhat more with texts and scoring"
        )
    console.print(escape(line), highlight=False, soft_wrap=True)
    return rate


def _facts(
    request: Request,
    plan: Plan,
    jobs: Mapping[str, Job],
    failures: Mapping[str, str],
    out: Path,
    workers: int,
    rate: float | None,
    command: Sequence[str],
    draws: int,
) -> dict[str, Any]:
    runs = {}
    for name, job in jobs.items():
        path = run_folder(out, name) / RESULT
        said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        runs[name] = {
            "name": job.name,
            "seconds": said.get("seconds"),
            "failed": failures.get(name),
            "start": job.needs,
            "config": job.config.model_dump(mode="json"),
        }
    return {
        "table": request.name,
        "command": list(command),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "workers": workers,
            "faces_a_second": rate,
        },
        "versions": {
            name: found for name in ("clef-rt", "torch", "numpy", "transformers", "kornia") if (found := _version(name))
        }
        | {"python": platform.python_version()},
        "draws": draws,
        "seeds": request.seeds,
        "labelled": [each.dataset for each in request.labelled],
        "activities": [each.dataset for each in request.activities],
        "runs": runs,
        "cells": [
            {
                "row": cell.row,
                "column": cell.column,
                "part": cell.part,
                "seed": cell.seed,
                "run": digest(cell),
                "done": (run_folder(out, digest(cell)) / RESULT).exists(),
            }
            for cell in plan.cells
        ],
    }


def _write(request: Request, plan: Plan, panels: Sequence[Filled], facts: Mapping[str, Any], out: Path) -> list[Path]:
    text, data, picture = (out / f"{request.name}.{kind}" for kind in ("md", "json", "png"))
    data.write_text(json.dumps({**facts, "panels": [as_json(each) for each in panels]}, indent=1) + "\n", "utf-8")
    seeds = f"{request.seeds} seed{'s' if request.seeds > 1 else ''}"
    draw(
        picture,
        panels,
        plan.title,
        f"{seeds}, each a small dot; bars and bands: 95 % of the mean, test subjects drawn anew",
    )
    failed = [f"- {run['name']}: {run['failed']}" for run in facts["runs"].values() if run["failed"]]
    missing = sum(not cell["done"] for cell in facts["cells"])
    stage1 = sorted(
        {f"{labelled.title}: {own.dataset}" for labelled, own in zip(request.labelled, request.activities, strict=True)}
    )
    lines = [
        *plan.lines,
        f"Mean ± standard deviation over {seeds}. Intervals are 95 %, from {facts['draws']:,} draws of whole test "
        "subjects, of the seeds' mean. The weights are the last running average: nothing was chosen on test faces.",
        f"Stage 1 learns from the activities of: {'; '.join(stage1)}. Encoder {request.encoder}. {_sizes(plan)}",
        f"Made {facts['date'][:10]} on {facts['machine']['processor']}: `{' '.join(facts['command'])}`",
        *([f"{missing} cells are missing:\n\n" + "\n".join(failed)] if missing else []),
    ]
    sheets = [sheet(each, request.seeds) for each in panels]
    text.write_text(markdown(plan.title, lines, sheets, [picture]), encoding="utf-8")
    return [text, data, picture]


def _sizes(plan: Plan) -> str:
    """How long was trained, as the runs' settings have it; a range where rows differ."""
    told = []
    for number, configs in (
        (1, [cell.stage1 for cell in plan.cells if cell.stage1 is not None]),
        (2, [cell.stage2 for cell in plan.cells]),
    ):
        words = {
            "epochs": [config.loop.epochs for config in configs],
            "faces a batch": [config.loop.batch for config in configs],
        }
        if number == 2:
            words["labelled faces at most"] = [config.stage2.labelled for config in configs]
        parts = [f"{word} {_range(values)}" for word, values in words.items() if values]
        told.append(f"Stage {number}: {', '.join(parts)}.")
    return " ".join(told)


def _range(values: Sequence[int]) -> str:
    """7, or 7–9; of no limit, all."""
    found = [f"{value:,}" if value else "all" for value in sorted(set(values), key=lambda value: value or 10**9)]
    return found[0] if len(found) == 1 else f"{found[0]}–{found[-1]}"


def _processor() -> str:
    """The processor's name, as Linux says it; else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
