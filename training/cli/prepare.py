"""`python -m training prepare`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, say

__all__ = ["prepare"]


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
        found = DATASETS[dataset].read(data)
        table = found.table
        for note in found.notes:
            say(f"{dataset}: {note}")
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
