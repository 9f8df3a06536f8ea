"""`clef-rt models`: the bundles that are here, what is in them, and fetching more."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from clef_rt.cli import EXIT_INTERRUPTED, EXIT_WRONG
from clef_rt.errors import BundleError

__all__ = ["EXAMPLES", "PULL_EXAMPLES", "info", "list_all", "models", "pull", "remove", "verify"]

EXAMPLES = (
    ("clef-rt models", "the bundles that are here"),
    ("clef-rt models info edge", "labels, thresholds and figures of one"),
    ("clef-rt models pull hf:owner/repo", "fetch one"),
    ("clef-rt live 0 --bundle NAME", "use it"),
)
PULL_EXAMPLES = (
    ("clef-rt models pull https://host/my.clef --sha256 9f86d0…", "from a server, and only if it is this one"),
    ("clef-rt models pull hf:owner/repo@v1.0/my.clef --name mine", "from the Hugging Face Hub, a revision and file"),
    ("clef-rt models pull ./my.clef", "from a disk"),
)
_JSON = Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")]


def models(context: typer.Context) -> None:
    """List the model bundles that are here, show or check them, fetch others.

    Only [bold]pull[/bold] uses the network.
    """
    if context.invoked_subcommand is None:
        list_all()


def list_all(json: _JSON = False) -> None:
    """List the embedded and the pulled bundles."""
    from clef_rt.cli import models_view as view

    rows = view.rows()
    if json:
        view.print_json(rows)
    elif rows:
        view.print_rows(rows)
    else:
        raise BundleError("No bundle is embedded or pulled here.", "Fetch one with `clef-rt models pull`.")


def info(
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="[BUNDLE]",
            help="A name from the list, a bundle's folder, or a .clef file; by default the embedded one.",
            show_default=False,
        ),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Print the model card: data, figures, limits.")] = False,
    json: _JSON = False,
) -> None:
    """Show a bundle: its labels, thresholds and figures, or its card."""
    from clef_rt.bundle import load_bundle
    from clef_rt.cli import models_view as view
    from clef_rt.cli.plain import printable

    if card and json:
        raise BundleError("--card and --json exclude each other.", "Give one of them.")
    loaded = load_bundle(bundle)
    if card:
        typer.echo(printable(loaded.card()))
    elif json:
        view.print_json(view.facts(loaded))
    else:
        view.print_bundle(loaded)


def pull(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="https://host/file.clef, hf:owner/repo, hf:owner/repo@revision/file.clef, a .clef file, or a folder.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What to call it; by default as the model calls itself."),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Keep it only if the .clef file has this hash.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch it anew, and replace a pulled bundle of that name.")
    ] = False,
    max_mb: Annotated[int, typer.Option("--max-mb", metavar="MB", min=1, help="The most that it may have.")] = 1000,
) -> None:
    """Fetch a bundle, check it, try its encoder in a bounded process, and keep it for use without the network.

    An interrupted download goes on where it was, by the same command. The Hub's token is read from HF_TOKEN.
    """
    from clef_rt.cli.fetching import Fetching
    from clef_rt.models.pull import pull as run

    fetching = Fetching()
    try:
        with fetching:
            pulled = run(source, name=name, sha256=sha256, force=force, limit=max_mb * 1_000_000, watcher=fetching)
    except KeyboardInterrupt:
        print(f"clef-rt: Stopped{fetching.left_off()}.", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not pulled.new:
        print(f"clef-rt: It has been there since {pulled.origin.pulled}; --force fetches it anew.", file=sys.stderr)
    elif source.lower().startswith("http://") and sha256 is None:
        print("clef-rt: http:// can be altered on its way; compare the sha256 with its maker's.", file=sys.stderr)
    typer.echo(f"{pulled.name}  {pulled.path}  sha256 {pulled.origin.sha256}")


def verify(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUNDLE]...", help="Names, folders, .clef files; by default all that are here.", show_default=False
        ),
    ] = None,
) -> None:
    """Check every hash, and try every encoder in a bounded process: exit code 2 if anything is wrong."""
    from clef_rt.bundle import list_bundles
    from clef_rt.cli.plain import one_line
    from clef_rt.models.check import check

    wrong = False
    for name in bundles or list_bundles():
        try:
            bundle = check(name)
        except BundleError as error:
            wrong = True
            print(f"clef-rt: {one_line(f'{name}: {error}')}", file=sys.stderr)
        else:
            typer.echo(f"{name}: right ({bundle.spec.name} {bundle.spec.version}, {len(bundle.spec.files) + 1} files)")
    if wrong:
        raise typer.Exit(EXIT_WRONG)


def remove(names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Of pulled bundles.")]) -> None:
    """Remove pulled bundles from this machine."""
    from clef_rt.bundle import embedded_bundles
    from clef_rt.bundle.store import forget, pulled_bundle

    for name in names:
        if name in embedded_bundles() and not pulled_bundle(name):
            raise BundleError(f"{name} is embedded: it goes with the package.")
        forget(name)
        typer.echo(f"{name} is removed.")
