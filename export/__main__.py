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
from export.kinds import Variant, Weights

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
        Path | None,
        typer.Option(help="Aligned crops to compare on: a prepared folder, .npy, or images. Else made-up ones."),
    ] = None,
    experimental: Annotated[list[str] | None, typer.Option(help="A label to mark experimental; repeatable.")] = None,
    weights: Annotated[
        Weights, typer.Option(help="How encoder.onnx keeps its weights; it computes in float32 either way.")
    ] = "float32",
    variant: Annotated[
        list[Variant] | None, typer.Option(help="A graph to write besides encoder.onnx; repeatable.")
    ] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="Real aligned crops to calibrate INT8 on, as for --crops. Else those.")
    ] = None,
    tolerance: Annotated[
        list[str] | None, typer.Option(metavar="KIND.FIGURE=LIMIT", help="A limit of its own; repeatable.")
    ] = None,
    fold: Annotated[int | None, typer.Option(help="Of prepared crops in folds: which one is compared on.")] = None,
) -> None:
    """Export a checkpoint: ONNX graph, label texts, description; compared with the checkpoint before it is written."""
    from export.bundle import Request, export_bundle
    from export.checkpoint import SideFiles, load_model
    from export.tolerances import parse_tolerances

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
        weights=weights,
        variants=tuple(variant or ()),
        calibrate=calibrate,
        tolerances=parse_tolerances(tolerance or ()),
        fold=fold,
    )
    made, report = export_bundle(load_model(checkpoint), request, say)
    table = Table(title=f"{made.spec.name} {made.spec.version}: bundle against checkpoint", title_justify="left")
    rows = {kind: graph.cells() for kind, graph in report.graphs.items()}
    table.add_column("")
    for kind in rows:
        table.add_column(kind, justify="right")
    for figure in next(iter(rows.values())):
        table.add_row(figure, *(own[figure] for own in rows.values()))
    console.print(table)
    say(f"done: {made.path} (bundle {made.sha256[:8]}, {len(made.spec.groups.labels)} labels)")


@app.command()
def labels(
    source: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle's folder, .clef file, or name.")],
    file: Annotated[Path, typer.Argument(metavar="LABELS", help="The labels to add: labels.yaml.")],
    out: Annotated[Path, typer.Option(help="Where the new bundle goes: a folder, or a .clef file.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="What the bundle was exported from; needed where its text tower was tuned.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Labels of the same names give way.")] = False,
) -> None:
    """Add labels by text, as `clef-rt labels add` does, but with torch's text towers: CLIP's, and tuned ones."""
    from clef_rt.bundle import load_bundle
    from clef_rt.cli.label_tables import likeness_table
    from clef_rt.labels.label_file import read_labels
    from clef_rt.labels.label_set import add_labels, likenesses, write_labels
    from export.labels import training_text_encoder

    new, start = read_labels(file), load_bundle(source)
    made = write_labels(add_labels(start, new, training_text_encoder(start, checkpoint), replace=replace), out)
    found = likenesses(made, new.keys())
    console.print(likeness_table(found))
    for warning in filter(None, (each.warning for each in found)):
        console.print(f"[yellow]warning[/]: {escape(warning)}", highlight=False, soft_wrap=True)
    console.print(f"{made.path}: {len(made.spec.groups.labels)} labels (bundle {made.sha256[:8]})", highlight=False)


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="A bundle's folder.")],
    archive: Annotated[Path, typer.Argument(help="The file to write; its name ends in .clef.")],
) -> None:
    """Pack a bundle's folder into one file. The same bundle gives the same bytes."""
    from clef_rt.bundle.write import pack as pack_bundle

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
