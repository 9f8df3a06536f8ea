"""`python -m training`: the command line."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clef_rt.errors import ClefError, ConfigError

app = typer.Typer(
    help="Train CLEF: prepare data, stage 1, stage 2, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)

Prepared = Annotated[list[Path], typer.Argument(help="Prepared folders.")]
Run = Annotated[Path, typer.Option(help="The run's folder.")]
Epochs = Annotated[int, typer.Option(help="How often the data is gone through.", min=1)]
Batch = Annotated[int, typer.Option(help="Faces a step.", min=2)]
LearningRate = Annotated[float, typer.Option(help="The highest of the schedule.", min=0)]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Accelerator = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Precision = Annotated[str, typer.Option(help="As Lightning Fabric has them.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]


@app.callback()
def root() -> None:
    """Train CLEF: prepare data, stage 1, stage 2, evaluate."""


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="ferplus or real_faces; or a manifest's path.")],
    data: Annotated[Path, typer.Option(help="The folder that the pictures' paths are relative to.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    size: Annotated[int, typer.Option(help="Side of the aligned crops, px.", min=32, max=512)] = 80,
    teacher: Annotated[
        Path | None, typer.Option(help="MediaPipe's face_landmarker.task: label Action Units with it.")
    ] = None,
) -> None:
    """Align a dataset's faces and pack them, with their labels, into a folder."""
    from training.datasets import DATASETS
    from training.manifest import read_manifest
    from training.prepare import prepare as run
    from training.teacher import AuTeacher

    if dataset in DATASETS:
        table = DATASETS[dataset](data)
    elif Path(dataset).suffix in (".csv", ".parquet"):
        table = read_manifest(Path(dataset))
    else:
        raise ConfigError(f"There is no dataset {dataset!r}.", f"Give {', '.join(DATASETS)}, or a .csv or .parquet.")
    name = dataset if dataset in DATASETS else Path(dataset).stem
    with AuTeacher(teacher) if teacher is not None else nullcontext() as judge:
        made = run(table, data, out, dataset=name, size=size, teacher=judge)
    say(f"{out}: {made.facts.rows} faces of {size} px; {made.facts.faces_unseen} not seen by the landmark network")
    if judge is not None:
        say(f"the teacher saw no face in {made.facts.teacher_missed}")


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


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Stage 2's run, or its model.pt.")],
    data: Prepared,
) -> None:
    """Measure on the test splits; write metrics, thresholds and the model card beside the checkpoint."""
    from training.report import evaluate_run

    if not checkpoint.exists():
        raise ConfigError(f"{checkpoint}: no such checkpoint.", "Train one with `python -m training stage2`.")
    report = evaluate_run(checkpoint, data)
    table = Table(title="test splits", title_justify="left")
    for column in (
        "dataset",
        "faces",
        "accuracy",
        "macro F1",
        "AU12 happiness / neutral",
        "agreement with the teacher",
    ):
        table.add_column(column, justify="left" if column == "dataset" else "right")
    for name, figures in report.metrics.items():
        expressions = figures.get("expressions", {})
        smile = figures["emotion_proxy"]["ours"].get("happiness", {}).get("AU12")
        agreement = [each["auc"] for each in figures["teacher_agreement"].values()]
        mean = sum(agreement) / len(agreement) if agreement else None
        shown = (expressions.get("accuracy"), expressions.get("macro_f1"), smile, mean)
        table.add_row(name, str(figures["faces"]), *("–" if value is None else f"{value:.3f}" for value in shown))
    console.print(table)
    say(f"experimental: {', '.join(report.experimental) or 'none'}")


def say(line: str) -> None:
    """A line for the user, on stderr."""
    console.print(escape(line), highlight=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. An error of ours is one line on stderr, and exit code 2."""
    try:
        app(arguments)
    except ClefError as error:
        console.print(f"[bold red]error[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that can't be written
        what = f"{error.filename or 'writing failed'}: {error.strerror or error}"
        console.print(f"[bold red]error[/]: {escape(what)}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except FloatingPointError as error:
        console.print(f"[bold red]error[/]: {error} Try a lower --learning-rate, or --precision 32.", highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
