"""`clef-rt labels`: what a bundle scores, and labels of a user's own, added by text."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clef_rt.errors import ConfigError

if TYPE_CHECKING:
    from clef_rt.bundle import Bundle
    from clef_rt.labels.label_set import Draft

__all__ = ["ADD_EXAMPLES", "LIST_EXAMPLES", "REMOVE_EXAMPLES", "add", "list_labels", "remove"]

LIST_EXAMPLES = (("clef-rt labels list edge", "every label, and the texts that define it"),)
ADD_EXAMPLES = (
    ("clef-rt labels add edge --from labels.yaml --out my-edge", "the embedded bundle with more labels"),
    ("clef-rt labels add my-edge grin --prompt 'a broad grin'", "one more, in place"),
    ("clef-rt labels add my-edge shut --prompt 'closed eyes' --against 'open eyes'", "scored against its opposite"),
)
REMOVE_EXAMPLES = (("clef-rt labels remove my-edge grin shut", "two that were added"),)

Source = Annotated[
    str,
    typer.Argument(metavar="BUNDLE", help="A bundle's folder, a .clef file, or a bundle's name.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="Where the changed bundle goes: a folder, or a .clef file. By default BUNDLE itself is changed, if it's "
        "a path; a bundle that has only a name needs --out.",
    ),
]


def list_labels(bundle: Source = "default") -> None:
    """List a bundle's labels with the texts that define them."""
    from clef_rt.bundle import load_bundle
    from clef_rt.cli.label_tables import labels_table
    from clef_rt.cli.terminal import stdout_console

    stdout_console().print(labels_table(load_bundle(bundle)))


def add(
    bundle: Source,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The new label's name.", show_default=False)
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="WORDS", help="What it means; embedded if there's no --prompt.")
    ] = None,
    prompts: Annotated[
        list[str] | None,
        typer.Option("--prompt", metavar="WORDS", help="What it looks like, as 'a broad smile'; repeatable."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="WORDS", help="What it's scored against: its opposite; repeatable."),
    ] = None,
    templates: Annotated[
        list[str] | None,
        typer.Option(
            "--template",
            metavar="SENTENCE",
            help="What the words are put into, at {}; by default what the model learnt with. Repeatable.",
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", metavar="P", help="From where on it's present; 0.5 by default.")
    ] = None,
    bias: Annotated[
        float | None,
        typer.Option("--bias", metavar="B", help="Added before the sigmoid; by default the Action Units' mean, or 0."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Labels in YAML, in place of NAME and --prompt.")
    ] = None,
    out: Out = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="A label of the same name that was added before gives way.")
    ] = False,
    tried: Annotated[
        Path | None,
        typer.Option("--try", metavar="PATH", help="Photographs, or a folder of them, to try the new labels on."),
    ] = None,
) -> None:
    """Add labels that are defined by text alone.

    The encoder stays as it is, and so do all other scores, to the bit. Nobody has measured how good the new ones are:
    they are marked zero-shot.
    """
    from clef_rt.bundle import load_bundle
    from clef_rt.cli.label_tables import likeness_table
    from clef_rt.cli.label_trial import pictures_at, trial_table
    from clef_rt.cli.terminal import stdout_console
    from clef_rt.labels.label_file import new_label, read_labels
    from clef_rt.labels.label_set import add_labels, likenesses
    from clef_rt.text import load_text_encoder

    own: dict[str, Any] = {
        "text": text,
        "prompts": prompts or None,
        "against": against or None,
        "templates": templates or None,
        "threshold": threshold,
        "bias": bias,
    }
    given = {key: value for key, value in own.items() if value is not None}
    if (file is None) == (name is None):
        raise ConfigError("Give either NAME with --prompt, or --from FILE.")
    if file is not None and given:
        raise ConfigError("--from excludes --text, --prompt, --against, --template, --threshold and --bias.")
    labels = read_labels(file) if file is not None else new_label(name or "", given)
    target = _target(bundle, out)
    loaded = load_bundle(bundle)
    pictures = pictures_at(tried) if tried is not None else []
    draft = add_labels(loaded, labels, load_text_encoder(loaded), replace=replace)
    made = _write(draft, target)
    found = likenesses(made, labels.keys())
    console = stdout_console()
    console.print(likeness_table(found))
    for warning in filter(None, (each.warning for each in found)):
        print(f"clef-rt: {warning}", file=sys.stderr)
    if pictures:
        console.print()
        console.print(trial_table(made, pictures, list(labels)))


def remove(
    bundle: Source,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Labels that were added.", show_default=False)],
    out: Out = None,
) -> None:
    """Remove labels that were added by text; trained ones stay."""
    from clef_rt.bundle import load_bundle
    from clef_rt.labels.label_set import remove_labels

    target = _target(bundle, out)
    _write(remove_labels(load_bundle(bundle), names), target)


def _target(source: str, out: Path | None) -> Path:
    """Where a changed bundle goes.

    Raises:
        ConfigError: the bundle is known by its name alone, and belongs to the installation or to the cache.
    """
    if out is not None:
        return out
    from clef_rt.bundle import list_bundles

    if source == "default" or source in list_bundles() or not os.path.exists(source):
        raise ConfigError(
            f"{source[:200]!r} isn't a bundle of yours to change.", "Say where the new one goes: --out PATH."
        )
    return Path(source)


def _write(draft: Draft, target: Path) -> Bundle:
    from clef_rt.labels.label_set import write_labels

    made = write_labels(draft, target)
    count = len(made.spec.groups.zero_shot.labels) if made.spec.groups.zero_shot else 0
    typer.echo(
        f"{made.path}: {len(made.spec.groups.labels)} labels, {count} of them zero-shot; bundle {made.sha256[:8]}"
    )
    return made
