"""`python -m training synthetic`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

if TYPE_CHECKING:
    from training.synthetic.studio import Studio

__all__ = ["synthetic"]


@app.command()
def synthetic(
    facekit: Annotated[Path, typer.Option(help="ict_facekit.npz, the ICT FaceKit's geometry.")],
    out: Annotated[Path | None, typer.Option(help="The folder to write images.npz and manifest.csv into.")] = None,
    subjects: Annotated[int, typer.Option(help="How many people.", min=1)] = 60,
    sequences_per_subject: Annotated[
        int, typer.Option(help="Recordings of each; the nine activities take turns.", min=1)
    ] = 9,
    frames: Annotated[int, typer.Option(help="Pictures of each recording.", min=1)] = 8,
    size: Annotated[int, typer.Option(help="Side of the pictures, px.", min=32, max=512)] = 96,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes on the same machine.", min=0)] = 0,
    workers: Annotated[
        int, typer.Option(help="Processes. The pictures are the same, however many.", min=1, max=256)
    ] = 1,
    colour: Annotated[bool, typer.Option("--colour", help="RGB pictures; or else luminance.")] = False,
    contact_sheet: Annotated[
        Path | None, typer.Option(help="A PNG to write: every Action Unit at five intensities; and beside it, frames.")
    ] = None,
) -> None:
    """Render faces with exact Action Units: people at activities, as sequences."""
    from rich.progress import Progress

    from training.synthetic.dataset import MANIFEST, Plan, film_all, write
    from training.synthetic.studio import Studio
    from training.synthetic.workers import film_by_many

    if out is None and contact_sheet is None:
        raise ConfigError("There is nothing to write.", "Give --out, --contact-sheet, or both.")
    with Studio.open(facekit, size) as studio:
        if contact_sheet is not None:
            _draw_sheet(studio, seed, contact_sheet)
            say(f"{contact_sheet}: every Action Unit, absent to E; left and right")
            say(f"{_beside(contact_sheet)}: pictures as they come, with their labels")
        if out is None:
            return
        plan = Plan(subjects, sequences_per_subject, frames, seed, colour)
        try:
            with Progress(*Progress.get_default_columns(), console=console, transient=True) as progress:
                task = progress.add_task("rendering", total=plan.pictures)
                films = film_all(studio, plan) if workers == 1 else film_by_many(facekit, size, plan, workers)
                for done in write(films, plan, size, out):
                    progress.update(task, completed=done)
        except KeyboardInterrupt:
            say(f"stopped; {out} is as it was")
            raise typer.Exit(130) from None
    say(f"{out / MANIFEST}: {plan.pictures} pictures of {subjects} people, {size} px")


def _draw_sheet(studio: Studio, seed: int, path: Path) -> None:
    import cv2

    from training.synthetic.contact_sheet import contact_sheet, random_sheet

    for file, sheet in ((path, contact_sheet(studio, seed)), (_beside(path), random_sheet(studio, seed))):
        ok, data = cv2.imencode(".png", sheet[..., ::-1])
        if not ok:
            raise ConfigError(f"{file} can't be encoded.")
        file.write_bytes(data.tobytes())


def _beside(path: Path) -> Path:
    """Where the sheet of pictures as they come goes."""
    return path.with_name(f"{path.stem}-frames{path.suffix}")
