"""`python -m training prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

__all__ = ["prepare"]


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="A dataset's name, or the path of a manifest (.csv, .parquet).")],
    data: Annotated[Path, typer.Option(help="The folder that the pictures' paths are relative to.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    size: Annotated[int, typer.Option(help="Side of the aligned crops, px.", min=32, max=512)] = 80,
    colour: Annotated[bool, typer.Option("--colour", help="RGB rather than luminance.")] = False,
    framing: Annotated[
        Literal["tight", "frame"] | None,
        typer.Option(
            help="tight: faces fill their pictures. frame: they are looked for. (Default: the dataset's; else tight.)"
        ),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Finds faces in frames: auto, yunet, scrfd, or an .onnx file.")
    ] = "auto",
    teacher: Annotated[
        Path | None, typer.Option(help="MediaPipe's face_landmarker.task: label the missing Action Units with it.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes. (Default: one a core; fewer for little work.)", min=1)
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave pictures out that can't be read.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away what is in --out.")] = False,
) -> None:
    """Align a dataset's faces and pack them, with their labels, into a folder.

    Stopped at any point, the same command goes on.
    """
    from training.datasets import DATASETS
    from training.manifest import read_manifest
    from training.prepare import REJECTED
    from training.prepare import prepare as run

    if dataset in DATASETS:
        name = dataset
        framing = framing or DATASETS[dataset].framing
        found = DATASETS[dataset].read(data)
        table = found.table
        for note in found.notes:
            say(f"{dataset}: {note}")
    elif Path(dataset).suffix in (".csv", ".parquet"):
        name = Path(dataset).stem
        table = read_manifest(Path(dataset))
    else:
        raise ConfigError(f"There is no dataset {dataset!r}.", f"Give {', '.join(DATASETS)}, or a .csv or .parquet.")
    facts = run(
        table,
        data,
        out,
        dataset=name,
        size=size,
        channels=3 if colour else 1,
        framing=framing or "tight",
        detector=detector,
        teacher=teacher,
        workers=workers,
        skip_bad=skip_bad,
        restart=restart,
        console=console,
    ).facts
    say(
        f"{out}: {facts.rows:,} faces of {size} px, {'RGB' if colour else 'luminance'}; "
        f"{facts.faces_unseen:,} not seen by the landmark network"
    )
    if facts.rejected:
        say(f"{facts.rejected:,} rows left out: {out / REJECTED} says why")
    if facts.teacher:
        say(f"the teacher saw no face in {facts.teacher_missed:,} of them")
