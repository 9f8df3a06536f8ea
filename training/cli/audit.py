"""`python -m training audit`, `card`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

__all__ = ["audit", "card"]


@app.command()
def audit(
    checkpoint: Annotated[Path, typer.Argument(help="An evaluated run, or its model.pt.")],
    data: Annotated[list[Path], typer.Argument(help="Prepared folders.")],
    bundle: Annotated[
        Path | None, typer.Option(help="The run's bundle: flicker and delay, through the runtime.")
    ] = None,
    stills: Annotated[
        list[Path] | None, typer.Option(help="Folders of photographs for flicker (repeatable), besides packages' own.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="fairness, robustness or temporal (repeatable); all by default.")
    ] = None,
    faces: Annotated[int, typer.Option(help="Of each dataset, for robustness.", min=50)] = 400,
    frames: Annotated[int, typer.Option(help="Of each photograph, for flicker.", min=10)] = 60,
    fold: Annotated[int | None, typer.Option(help="Of datasets in folds: which to test on.")] = None,
    draws: Annotated[int, typer.Option(help="Draws of subjects for the intervals.", min=0)] = 200,
    seed: Annotated[int, typer.Option(help="Of all that is random.", min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Measure what the base figures don't tell: groups of people, worse pictures, video; and write the card anew."""
    from training.evaluation.audit import audit_run
    from training.evaluation.card import AUDITS

    if not checkpoint.exists():
        raise ConfigError(f"{checkpoint}: no such checkpoint.", "Train one with `python -m training stage2`.")
    found = audit_run(
        checkpoint,
        data,
        bundle=bundle,
        stills=stills or (),
        only=only or AUDITS,
        faces=faces,
        frames=frames,
        fold=fold,
        draws=draws,
        seed=seed,
        device=device,
        say=say,
    )
    for table in found.sheets:
        console.print(table.rich())
    say(f"written to {found.files[0].parent}: {', '.join(path.name for path in found.files)}")


@app.command()
def card(
    run: Annotated[Path, typer.Argument(help="An evaluated run's folder.")],
    out: Annotated[Path | None, typer.Option(help="A copy elsewhere, as docs/MODEL_CARD.md.")] = None,
) -> None:
    """Write a run's model card anew from the figures beside its checkpoint."""
    from training.evaluation.card import write_card

    written = write_card(run)
    if out is not None:
        out.write_text(written.read_text(encoding="utf-8"), encoding="utf-8")
    say(f"written: {written}{f', {out}' if out is not None else ''}")
