"""`clef-rt models`: the bundles that are embedded, and what is in any bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from clef_rt.errors import BundleError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from clef_rt.bundle import Bundle

__all__ = ["EXAMPLES", "models"]

EXAMPLES = (
    ("clef-rt models", "the embedded bundles"),
    ("clef-rt models edge", "labels, thresholds and figures of one"),
    ("clef-rt models my.clef --card", "its model card"),
)


def models(
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="[BUNDLE]",
            help="A bundle's folder, a .clef file, or an embedded bundle's name; lists the embedded ones if not given.",
            show_default=False,
        ),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Print the model card: data, figures, limits.")] = False,
) -> None:
    """List the embedded bundles, or show one: its labels, thresholds and figures."""
    from clef_rt.bundle import list_bundles, load_bundle

    if bundle is None and not card:
        _print_list([load_bundle(path) for path in list_bundles().values()])
    elif card:
        typer.echo(load_bundle(bundle).card())
    else:
        _print_bundle(load_bundle(bundle))


def _print_list(bundles: list[Bundle]) -> None:
    if not bundles:
        raise BundleError("No bundle is embedded in this installation.", "Give a bundle's folder or .clef file.")
    from rich.table import Table

    from clef_rt.cli.terminal import stdout_console

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for name in ("name", "model", "version", "labels", "encoders", "size", "licence"):
        table.add_column(name)
    for own in bundles:
        size = sum(path.stat().st_size for path in own.path.iterdir())
        table.add_row(
            own.path.name,
            own.spec.name,
            own.spec.version,
            str(len(own.spec.groups.labels)),
            ", ".join(variant or "float32" for variant in own.variants),
            f"{size / 1e6:.1f} MB",
            own.spec.licence,
        )
    stdout_console().print(table)


def _print_bundle(bundle: Bundle) -> None:
    from rich.table import Table

    from clef_rt.cli.terminal import stdout_console

    spec, console = bundle.spec, stdout_console()
    facts = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    facts.add_row("model", f"{spec.name} {spec.version}, {spec.created}, {spec.licence}")
    facts.add_row("path", str(bundle.path))
    facts.add_row("sha256", bundle.sha256)
    facts.add_row("input", f"{spec.input.size} px, {spec.input.color}; embeddings of {spec.embedding_dim}")
    facts.add_row("encoders", ", ".join(variant or "float32" for variant in bundle.variants))
    for name, source in spec.provenance.items():
        facts.add_row(name, source if isinstance(source, str) else "; ".join(source))
    console.print(facts)

    labels = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for name in ("label", "group", "means", "prompts", "threshold", ""):
        labels.add_column(name, justify="right" if name in ("prompts", "threshold") else "left")
    groups = (
        ("Action Unit", spec.groups.au),
        ("expression", spec.groups.expression),
        ("zero-shot", spec.groups.zero_shot),
    )
    for group, own in groups:
        for label in own.labels if own else ():
            note = "experimental" if label.experimental else ""
            labels.add_row(label.name, group, label.text, str(len(label.prompts)), f"{label.threshold:.2f}", note)
    console.print()
    console.print(labels)

    figures = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    figures.add_column("figure")
    figures.add_column("", justify="right")
    for name, value in _flat(spec.metrics):
        figures.add_row(name, f"{value:.4g}")
    if figures.row_count:
        console.print()
        console.print(figures)


def _flat(metrics: JsonValue, prefix: str = "") -> list[tuple[str, float]]:
    if isinstance(metrics, dict):
        return [
            pair for name, value in metrics.items() for pair in _flat(value, f"{prefix}.{name}" if prefix else name)
        ]
    assert isinstance(metrics, int | float), "a bundle's metrics are numbers"
    return [(prefix, metrics)]
