"""`python -m training.detector`: data in, ONNX file, figures and card out; one CPU core, about half an hour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer
from rich.console import Console

from clef_rt.detect.clef import MODEL, ClefDetector
from clef_rt.errors import ConfigError
from training.detector.card import write_card
from training.detector.data import load_backgrounds, load_faces
from training.detector.export import export
from training.detector.fit import load_run, train
from training.detector.measure import Figures, composites, look, measure, photographs
from training.detector.scenes import SceneMaker

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder with real_faces, ferplus, media and mediapipe.")],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")] = MODEL,
    work: Annotated[Path, typer.Option(help="Where the run is kept, to be gone on with.")] = Path("runs/detector"),
    minutes: Annotated[float, typer.Option(help="Time to train, of one core.", min=0.01)] = 25,
    ferplus: Annotated[int, typer.Option(help="How many faces of FERPlus to look at.", min=0)] = 3_000,
    limit: Annotated[int | None, typer.Option(help="Read so many photographs only.", min=1, show_default="all")] = None,
    sheets: Annotated[int, typer.Option(help="Pictures made up to be tested on.", min=1)] = 300,
) -> None:
    """Train, export and measure; the card is written beside the ONNX file. The same command goes on after a break."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    work.mkdir(parents=True, exist_ok=True)
    faces, backgrounds = load_faces(data, "train", ferplus=ferplus, limit=limit), load_backgrounds()
    console.print(f"{len(faces.images)} faces, {len(backgrounds)} photographs without")
    run = load_run(work / "run.pt")
    if run.steps:
        console.print(f"going on after step {run.steps}")
    if not train(run, SceneMaker(faces, backgrounds, seed=run.steps), minutes, work / "run.pt", console):
        console.print(f"Broken off; the run is in {work}. The same command goes on with it.")
        raise typer.Exit(130)
    export(run.learnt, out)
    console.print(f"{out}: {out.stat().st_size / 1000:.0f} kB after {run.steps} steps")
    card = out.with_name("DETECTOR_CARD.md")
    figures = _exam(out, data, sheets)
    card.write_text(write_card(figures, faces=len(faces.images), photographs=len(backgrounds), run=run))
    console.print(f"{card} written")


def _exam(model: Path, data: Path, sheets: int) -> dict[str, Figures]:
    cases = photographs(data)
    try:
        cases["composites"] = composites(data, sheets)
    except ConfigError as error:
        console.print(f"Composites are left out. {error}")
    default = ClefDetector(model=model).threshold
    detector = ClefDetector(model=model, threshold=0.01)
    return {name: measure(look(detector, own), own, default) for name, own in cases.items() if own}


if __name__ == "__main__":
    typer.run(main)
