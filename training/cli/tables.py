"""`python -m training table`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

__all__ = ["table"]


@app.command()
def table(
    name: Annotated[
        Literal["ablation", "pairs", "few-labels", "zero-shot"], typer.Argument(help="Which table.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The folder for the table and its runs; tables in one folder share runs.")],
    au_data: Annotated[
        list[Path] | None, typer.Option(help="A prepared folder with Action Units; may be given again.")
    ] = None,
    expression_data: Annotated[
        list[Path] | None, typer.Option(help="A prepared folder with expressions; may be given again.")
    ] = None,
    activity_data: Annotated[
        Path | None, typer.Option(help="What stage 1 learns from beside --expression-data.")
    ] = None,
    au_activity_data: Annotated[
        Path | None, typer.Option(help="What stage 1 learns from beside --au-data. [default: the same folder]")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each cell.", min=1)] = 3,
    preset: Annotated[
        str, typer.Option(help="How large: tiny, small (half an hour or so on two cores), medium, large.")
    ] = "small",
    encoder: Annotated[
        str, typer.Option(help="The image encoder: convnet-s, convnet-m, convnet-l, clip-vit-b16.")
    ] = "convnet-s",
    fold: Annotated[int | None, typer.Option(help="Of datasets in folds: the one that is tested on.")] = None,
    workers: Annotated[
        int, typer.Option(help="Runs at a time, each a process with one thread; 0: in this process.", min=0)
    ] = 2,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting: loop.batch=32 of both stages, 1:loop.epochs=2 of one."),
    ] = None,
    whole_grid: Annotated[
        bool, typer.Option("--whole-grid", help="ablation: also the rows that the paper doesn't have.")
    ] = False,
    draws: Annotated[int, typer.Option(help="Draws of test subjects for the intervals; 0 for none.", min=0)] = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs and their cost.")] = False,
) -> None:
    """Make one of the paper's tables on your data: all cells, several seeds, with intervals.

    Stopped at any point, the same command goes on: finished cells aren't run again.
    """
    from training.tables.request import PRESETS, Request, parse_stage_changes
    from training.tables.run import make_table, show_cells
    from training.tables.sources import choose

    if preset not in PRESETS:
        raise ConfigError(f"There is no preset {preset!r}.", f"Choose {', '.join(PRESETS)}.")
    labelled, activities = choose(au_data or [], expression_data or [], activity_data, au_activity_data, fold)
    request = Request(
        name=name,
        labelled=labelled,
        activities=activities,
        seeds=seeds,
        preset=PRESETS[preset],
        changes=parse_stage_changes(change or []),
        whole=whole_grid,
        encoder=encoder,
    )
    out = out.resolve()
    if dry_run:
        show_cells(request, out, workers=workers, console=console)
        return
    out.mkdir(parents=True, exist_ok=True)
    command = ["python", "-m", "training", *sys.argv[1:]]
    try:
        written = make_table(request, out, workers=workers, draws=draws, command=command, console=console)
    except KeyboardInterrupt:
        say(f"Stopped. What is finished or begun is kept in {out}; the same command goes on.")
        raise typer.Exit(130) from None
    say(f"written to {out}: {', '.join(path.name for path in written)}")
