"""`clef-rt image`: the faces of photographs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from clef_rt.cli import options as own
from clef_rt.errors import ConfigError

__all__ = ["EXAMPLES", "image"]

EXAMPLES = (
    ("clef-rt image portrait.jpg", "a table, a row a face"),
    ("clef-rt image holiday/ --csv > faces.csv", "a folder, for a spreadsheet"),
    ("clef-rt image *.jpg --json | jq -c .faces", "for other programs"),
)


def image(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Photographs, or folders of them.", show_default=False)
    ],
    bundle: own.Bundle = None,
    detector: own.DetectorName = None,
    engine: own.Engine = None,
    variant: own.Variant = None,
    threads: own.Threads = None,
    json: Annotated[
        bool, typer.Option("--json", help="A line of JSON for each photograph.", rich_help_panel=own.OUTPUT)
    ] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="A line of CSV for each face.", rich_help_panel=own.OUTPUT)
    ] = False,
) -> None:
    """Score the faces of photographs.

    What can't be read is told at once, the others follow; the exit code is then 2.
    """
    if json and csv:
        raise ConfigError("--json and --csv exclude each other.", "Give one of them.")
    from clef_rt.analyzer import load
    from clef_rt.cli.photographs import CsvReport, JsonReport, Report, TableReport, score_all
    from clef_rt.cli.terminal import tolerant_of_closed_pipes

    with tolerant_of_closed_pipes():
        analyzer = load(
            bundle,
            detector=detector or "auto",
            engine=engine or "auto",
            variant=variant or "auto",
            threads=threads,
            spinning=True,
        )
        report: Report = JsonReport() if json else CsvReport(analyzer.labels) if csv else TableReport(analyzer.labels)
        failures = score_all(paths, analyzer, report, tell=lambda what: print(f"clef-rt: {what}", file=sys.stderr))
        sys.stdout.flush()
        if failures:
            raise typer.Exit(2)
