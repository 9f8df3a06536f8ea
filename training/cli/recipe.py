"""`python -m training recipe`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

__all__ = ["recipe"]


@app.command()
def recipe(
    name: Annotated[str, typer.Argument(help="default, or a recipe's .yaml file.")],
    out: Annotated[Path, typer.Option(help="The folder for data, runs and bundles.")],
    given: Annotated[
        list[str] | None, typer.Option("--input", help="NAME=PATH, an input of the recipe; repeatable.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="full, mini …; the recipe's first by default.")] = None,
    until: Annotated[str | None, typer.Option(help="The last step to run.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only print the commands.")] = False,
) -> None:
    """Make a shipped model again: data, both stages, evaluation, bundles.

    Stopped at any point, the same command goes on.
    """
    from training.recipe import load_recipe, run_recipe

    found = load_recipe(name)
    size = size or next(iter(found.sizes))
    inputs: dict[str, Path] = {}
    for each in given or ():
        key, equals, path = each.partition("=")
        if not equals:
            raise ConfigError(f"--input {each}: it must be NAME=PATH.", f"Names: {', '.join(found.inputs)}.")
        inputs[key] = Path(path).expanduser()
    if show:
        import shlex

        values = found.values(size, inputs, out)
        for step in found.chosen(size):
            typer.echo(f"python -m {shlex.join(step.command(values))}")
        return
    try:
        seconds = run_recipe(found, size, inputs, out, console, until=until)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    say(f"done in {sum(seconds.values()) / 60:.0f} min: {found.about}")
