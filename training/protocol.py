"""A published protocol from end to end: both stages and the evaluation for each fold, then all folds as one result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from rich.console import Console

from training.config import RunConfig
from training.evaluation.run import evaluate_run
from training.evaluation.sheets import Sheet
from training.evaluation.stored import join_folds
from training.loop import LAST
from training.prepare import Prepared
from training.stage1 import train_stage1
from training.stage2 import train_stage2

__all__ = ["Plan", "folds_of", "run_protocol"]

_EVALUATED: Final = "evaluation.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        stage2: of the data that is tested on; `fold` and `start` are filled in.
        stage1: None to begin without it. Its data may be other than stage 2's; where it is the same, each fold's
            stage 1 sees that fold's training subjects alone.
        draws: of subjects, for the intervals.
    """

    stage2: RunConfig
    stage1: RunConfig | None = None
    draws: int = 1000


def folds_of(folders: tuple[Path, ...]) -> list[int | None]:
    """The folds of prepared folders, of all of them together; [None] where they have an official test split.

    Raises:
        ConfigError: a folder isn't prepared.
    """
    found: set[int] = set()
    for folder in folders:
        table = Prepared.load(folder).table
        if "fold" in table.columns:
            found |= set(table["fold"].dropna().astype(int))
    return [*sorted(found)] or [None]


def run_protocol(plan: Plan, out: Path, console: Console) -> tuple[list[Sheet], list[Path]]:
    """Run all folds, one after the other; what is finished isn't run again, what was stopped goes on.

    Returns:
        The result's tables, and the files that were written.

    Raises:
        ConfigError: the data is wrong, or `out` holds runs with other settings.
    """
    folds = folds_of(plan.stage2.data)
    runs = []
    for fold in folds:
        place = out if fold is None else out / f"fold{fold}"
        runs.append(_run_fold(plan, place, fold, console))
    if folds == [None]:
        report = evaluate_run(runs[0], plan.stage2.data, draws=plan.draws)
        return report.sheets, report.files
    return join_folds(runs, out, draws=plan.draws)


def _run_fold(plan: Plan, place: Path, fold: int | None, console: Console) -> Path:
    start = plan.stage2.start
    if plan.stage1 is not None:
        start = place / "stage1"
        first = plan.stage1.model_copy(update={"fold": fold})
        if not _finished(start, first):
            console.print(f"{start}: {', '.join(map(str, first.data))}", highlight=False, soft_wrap=True)
            train_stage1(first, start, resume=(start / LAST).exists(), console=console)
    run = place / "stage2"
    second = plan.stage2.model_copy(update={"fold": fold, "start": start})
    if not _finished(run, second):
        console.print(f"{run}: {', '.join(map(str, second.data))}", highlight=False, soft_wrap=True)
        train_stage2(second, run, resume=(run / LAST).exists(), console=console)
        (run / _EVALUATED).unlink(missing_ok=True)
    if fold is not None and not (run / _EVALUATED).exists():
        evaluate_run(run, second.data, draws=plan.draws)
    return run


def _finished(run: Path, config: RunConfig) -> bool:
    """Whether a run has all its epochs, with these very settings."""
    if not (run / LAST).exists():
        return False
    state = torch.load(run / LAST, map_location="cpu", weights_only=False, mmap=True)
    same = RunConfig.model_validate_json(state["config"]).same_run(config)
    return same and len(state["history"]) == config.loop.epochs
