"""`python -m export`: the command line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clef_rt.errors import ClefError

app = typer.Typer(
    help="Turn a trained checkpoint into a bundle that the runtime loads.", no_args_is_help=True, add_completion=False
)
console = Console(stderr=True)


@app.command()
def bundle(
    checkpoint: Annotated[Path, typer.Argument(help="What `python -m training` wrote.")],
    out: Annotated[Path, typer.Option(help="The bundle's folder. A bundle that is there is replaced.")],
    name: Annotated[str | None, typer.Option(help="The model's name, as in clef-edge.teacher-v1.")] = None,
    version: Annotated[str, typer.Option(help="The model's version.")] = "0.1.0",
    licence: Annotated[str, typer.Option(help="The model's licence.")] = "Apache-2.0",
    card: Annotated[Path | None, typer.Option(help="MODEL_CARD.md; else the one beside the checkpoint.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="metrics.json; else the one beside the checkpoint.")] = None,
    thresholds: Annotated[Path | None, typer.Option(help="thresholds.json; else the one beside it.")] = None,
    crops: Annotated[
        Path | None, typer.Option(help="Aligned crops to compare on: .npy, or a folder of images. Else made-up ones.")
    ] = None,
    experimental: Annotated[list[str] | None, typer.Option(help="A label to mark experimental; repeatable.")] = None,
) -> None:
    """Export a checkpoint: ONNX graph, label texts, description; compared with the checkpoint before it is written."""
    from export.bundle import Request, export_bundle
    from export.checkpoint import SideFiles, load_model

    started = time.perf_counter()

    def say(line: str) -> None:
        console.print(f"[dim]{time.perf_counter() - started:5.1f} s[/]  {escape(line)}", highlight=False)

    say(f"loading {checkpoint}")
    request = Request(
        out=out,
        side=SideFiles.of(checkpoint),
        name=name,
        version=version,
        licence=licence,
        card=card,
        metrics=metrics,
        thresholds=thresholds,
        crops=crops,
        experimental=tuple(experimental or ()),
    )
    made, parity = export_bundle(load_model(checkpoint), request, say)
    table = Table(title=f"{made.spec.name} {made.spec.version}: bundle against checkpoint", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for figure, value in parity.as_dict().items():
        table.add_row(figure.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value))
    console.print(table)
    say(f"done: {made.path} (bundle {made.sha256[:8]}, {len(made.spec.groups.labels)} labels)")


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    archive: Annotated[Path, typer.Argument(help="The file to write; its name ends in .clef.")],
) -> None:
    """Pack a bundle's folder into one file. The same bundle gives the same bytes."""
    from clef_rt.bundle_write import pack as pack_bundle

    written = pack_bundle(folder, archive)
    console.print(f"{written}: {written.stat().st_size / 1e6:.1f} MB", highlight=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. An error of ours is one line on stderr, and exit code 2."""
    try:
        app(arguments)
    except ClefError as error:
        console.print(f"[bold red]error[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
