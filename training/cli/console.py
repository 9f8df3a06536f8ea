"""What all commands share: the app, the console, and how an error is shown."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from clef_rt.errors import ClefError

__all__ = ["app", "console", "main", "say"]

app = typer.Typer(
    help="Train CLEF: prepare data, stage 1, stage 2, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)


@app.callback()
def root() -> None:
    """Train CLEF: prepare data, stage 1, stage 2, evaluate."""


def say(line: str) -> None:
    """A line for the user, on stderr."""
    console.print(escape(line), highlight=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. An error of ours is one line on stderr, and exit code 2."""
    try:
        app(arguments)
    except ClefError as error:
        fail(str(error))
    except OSError as error:  # a full disk, a folder that can't be written
        fail(f"{error.filename or 'writing failed'}: {error.strerror or error}")
    except FloatingPointError as error:
        fail(f"{error} Try a lower --learning-rate, or --precision 32.")


def fail(what: str) -> None:
    """Say what went wrong, and end with code 2."""
    console.print(f"[bold red]error[/]: {escape(what)}", highlight=False, soft_wrap=True)
    sys.exit(2)
