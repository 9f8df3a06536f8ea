"""`python -m training protocol`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from training.cli.console import app, console, say

__all__ = ["protocol"]


@app.command()
def protocol(
    data: Annotated[list[Path], typer.Argument(help="Prepared folders that are learnt from and tested on.")],
    out: Annotated[Path, typer.Option(help="The folder for all runs.")],
    activities: Annotated[
        list[Path] | None, typer.Option(help="Prepared folders for stage 1 (repeatable); none: stage 2 alone.")
    ] = None,
    stage1_config: Annotated[Path | None, typer.Option(help="Settings of stage 1, as a config.yaml.")] = None,
    stage2_config: Annotated[Path | None, typer.Option(help="Settings of stage 2, as a config.yaml.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of both: model.encoder=clip-vit-b16, loop.seed=1.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws of subjects for the intervals.", min=0)] = 1000,
) -> None:
    """Run a dataset's published protocol: both stages and the evaluation for each fold, then the mean over folds.

    Stopped, it goes on by the same command.
    """
    from training.config import RunConfig, parse_changes, read_config, with_changes
    from training.protocol import Plan, run_protocol

    changes = parse_changes(change or ())

    def settings(stage: int, file: Path | None, folders: list[Path], defaults: dict[str, Any]) -> RunConfig:
        table = read_config(file) if file is not None else {"loop": defaults}
        table |= {"stage": stage, "data": [str(folder) for folder in folders]}
        return RunConfig.of(with_changes(table, changes))

    first = settings(1, stage1_config, activities, {"epochs": 4, "batch": 256}) if activities else None
    plan = Plan(settings(2, stage2_config, data, {}), first, draws)
    tables, files = run_protocol(plan, out, console)
    for table in tables:
        console.print(table.rich())
    say(f"written to {files[0].parent}: {', '.join(path.name for path in files)}")
