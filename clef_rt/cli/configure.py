"""`clef-rt config`: an example of a configuration file, and a check of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EXAMPLES", "check", "example"]

EXAMPLES = (
    ("clef-rt config example > clef.yaml", "all settings, with comments"),
    ("clef-rt config check clef.yaml", "what is wrong, and on which line"),
    ("clef-rt live --config clef.yaml", "use it"),
)


def example() -> None:
    """Print a commented configuration file of all settings with their defaults."""
    from clef_rt.config import example as text

    typer.echo(text(), nl=False)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration file.", show_default=False)],
) -> None:
    """Check a configuration file, and tell all that is wrong with it: exit code 2 if anything is."""
    from clef_rt.config import check_config

    settings, problems = check_config(file)
    for problem in problems:
        print(problem, file=sys.stderr)
    if settings is None:
        raise typer.Exit(2)
    typer.echo(f"{file} is right: {len(settings.sources)} source(s).")
