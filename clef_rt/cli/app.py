"""The commands, put together. Nothing heavy is imported here: `clef-rt --help` should come at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from clef_rt._version import __version__
from clef_rt.cli import configure, demo, doctor, image, labels, live, models, subscribe

__all__ = ["app"]

app = typer.Typer(
    name="clef-rt",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _examples(pairs: Sequence[tuple[str, str]]) -> str:
    """The lines below a command's options. Typer makes a line of each paragraph."""
    width = max(len(command) for command, _ in pairs)
    return "\n\n".join(
        ["[bold]Examples[/bold]", *(f"{command.ljust(width)}  [dim]{what}[/dim]" for command, what in pairs)]
    )


app.command()(demo.demo)
app.command(epilog=_examples(live.EXAMPLES))(live.live)
app.command(epilog=_examples(subscribe.EXAMPLES))(subscribe.subscribe)
app.command(epilog=_examples(image.EXAMPLES))(image.image)
app.command()(doctor.doctor)

labels_app = typer.Typer(no_args_is_help=True, help="List what a bundle scores; add labels by text, or remove them.")
labels_app.command("list", epilog=_examples(labels.LIST_EXAMPLES))(labels.list_labels)
labels_app.command(epilog=_examples(labels.ADD_EXAMPLES))(labels.add)
labels_app.command(epilog=_examples(labels.REMOVE_EXAMPLES))(labels.remove)
app.add_typer(labels_app, name="labels")

models_app = typer.Typer()
models_app.callback(invoke_without_command=True, epilog=_examples(models.EXAMPLES))(models.models)
models_app.command("list")(models.list_all)
models_app.command()(models.info)
models_app.command(epilog=_examples(models.PULL_EXAMPLES))(models.pull)
models_app.command()(models.verify)
models_app.command()(models.remove)
app.add_typer(models_app, name="models")

config_app = typer.Typer(no_args_is_help=True, help="Write or check a configuration file.")
config_app.command()(configure.example)
config_app.command(epilog=_examples(configure.EXAMPLES))(configure.check)
app.add_typer(config_app, name="config")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"clef-rt {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Live facial Action Unit and expression scores from any camera, defined by text, published over ZeroMQ.

    Try [bold]clef-rt demo[/bold], then [bold]clef-rt live 0[/bold] with a webcam.
    """
