"""`python -m training evaluate`, `folds`, `compare`, `paper`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

if TYPE_CHECKING:
    from training.evaluation.sheets import Sheet

__all__ = ["compare", "evaluate", "folds", "paper"]

Draws = Annotated[int, typer.Option(help="Draws of subjects for the intervals; 0 for none.", min=0)]
Seed = Annotated[int, typer.Option(help="Of the draws.", min=0)]


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Stage 2's run, or its model.pt.")],
    data: Annotated[list[Path], typer.Argument(help="Prepared folders.")],
    fold: Annotated[
        int | None, typer.Option(help="Of datasets in folds: which to test on; else the run's own.")
    ] = None,
    draws: Draws = 1000,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Measure on the test splits; write figures, pictures, thresholds and the model card beside the checkpoint."""
    from training.evaluation.run import evaluate_run

    if not checkpoint.exists():
        raise ConfigError(f"{checkpoint}: no such checkpoint.", "Train one with `python -m training stage2`.")
    report = evaluate_run(checkpoint, data, fold=fold, draws=draws, seed=seed, device=device)
    _show(report.sheets)
    say(f"experimental: {', '.join(report.experimental) or 'none'}")
    say(f"written to {report.files[0].parent}: {', '.join(path.name for path in report.files)}")


@app.command()
def folds(
    runs: Annotated[list[Path], typer.Argument(help="Evaluated runs, one a fold.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    draws: Draws = 1000,
    seed: Seed = 0,
) -> None:
    """Join the runs of all folds: F1 averaged over the folds, as published figures are, and pooled."""
    from training.evaluation.stored import join_folds

    tables, files = join_folds(runs, out, draws=draws, seed=seed)
    _show(tables)
    say(f"written to {out}: {', '.join(path.name for path in files)}")


@app.command()
def compare(
    ours: Annotated[Path, typer.Argument(help="An evaluated run.")],
    theirs: Annotated[Path, typer.Argument(help="Another, evaluated on the same faces.")],
    draws: Draws = 1000,
    seed: Seed = 0,
) -> None:
    """The difference of two runs on the same faces, with its interval."""
    from training.evaluation.stored import compare_runs

    _show(compare_runs(ours, theirs, draws=draws, seed=seed))


@app.command()
def paper() -> None:
    """The paper's own tables: what it published, and how each figure was come by."""
    from training.evaluation.paper import ablation_sheet, published_sheets, zero_shot_sheet

    _show([*published_sheets(), ablation_sheet(), zero_shot_sheet()])


def _show(tables: list[Sheet]) -> None:
    for table in tables:
        console.print(table.rich())
