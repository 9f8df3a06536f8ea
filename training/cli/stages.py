"""`python -m training stage1` and `stage2`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cli.console import app, console, say

__all__ = ["stage1", "stage2"]

Prepared = Annotated[list[Path], typer.Argument(help="Prepared folders.")]
Run = Annotated[Path, typer.Option(help="The run's folder.")]
Epochs = Annotated[int, typer.Option(help="How often the data is gone through.", min=1)]
Batch = Annotated[int, typer.Option(help="Faces a step.", min=2)]
LearningRate = Annotated[float, typer.Option(help="The highest of the schedule.", min=0)]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Accelerator = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Precision = Annotated[str, typer.Option(help="As Lightning Fabric has them.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]


@app.command()
def stage1(
    data: Prepared,
    out: Run,
    encoder: Annotated[str, typer.Option(help="The image encoder.")] = "convnet-s",
    epochs: Epochs = 4,
    batch: Batch = 256,
    learning_rate: LearningRate = 2e-3,
    seed: Seed = 0,
    accelerator: Accelerator = "auto",
    precision: Precision = "bf16-mixed",
    resume: Resume = False,
) -> None:
    """Learn from what the subjects were doing: L_II' + L_IA."""
    from training.loop import Settings
    from training.stage1 import train_stage1

    settings = Settings(epochs, batch, learning_rate, seed=seed, accelerator=accelerator, precision=precision)
    train_stage1(data, out, encoder=encoder, settings=settings, resume=resume, console=console)
    say(f"done: {out / 'model.pt'}")


@app.command()
def stage2(
    data: Prepared,
    out: Run,
    start: Annotated[Path | None, typer.Option(help="Stage 1's run or checkpoint.")] = None,
    encoder: Annotated[str, typer.Option(help="The image encoder; only without --start.")] = "convnet-s",
    epochs: Epochs = 12,
    batch: Batch = 128,
    learning_rate: LearningRate = 2e-3,
    seed: Seed = 0,
    accelerator: Accelerator = "auto",
    precision: Precision = "bf16-mixed",
    resume: Resume = False,
) -> None:
    """Learn labels by their names: L_IN + L_DN."""
    from training.loop import Settings
    from training.stage2 import train_stage2

    settings = Settings(epochs, batch, learning_rate, seed=seed, accelerator=accelerator, precision=precision)
    train_stage2(data, out, start=start, encoder=encoder, settings=settings, resume=resume, console=console)
    say(f"done: {out / 'model.pt'}")
