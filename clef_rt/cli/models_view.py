"""What `clef-rt models` prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from clef_rt.bundle import Bundle, embedded_bundles, list_bundles, load_bundle
from clef_rt.bundle.store import origin_of
from clef_rt.cli.plain import printable
from clef_rt.cli.tables import add_row, grouped_labels, plain_table
from clef_rt.cli.terminal import stdout_console
from clef_rt.errors import BundleError

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["facts", "print_bundle", "print_json", "print_rows", "rows"]


def rows() -> list[dict[str, Any]]:
    """Of each embedded or pulled bundle what the list tells; of a damaged one what is wrong, as `error`."""
    embedded = embedded_bundles()
    found = []
    for name, path in list_bundles().items():
        origin = None if name in embedded else origin_of(name)
        source = "embedded" if name in embedded else origin.source if origin else "unknown"
        row: dict[str, Any] = {"name": name, "path": str(path), "bytes": _size(path), "source": source}
        if origin:
            row |= {"pulled": origin.pulled}
        try:
            bundle = load_bundle(path)
        except BundleError as error:
            found.append(row | {"error": str(error)})
            continue
        spec = bundle.spec
        row |= {"model": spec.name, "version": spec.version, "labels": len(spec.groups.labels)}
        found.append(row | {"encoders": _encoders(bundle), "licence": spec.licence})
    return found


def print_rows(found: list[dict[str, Any]]) -> None:
    """The list, and below it what is wrong with damaged ones."""
    table = plain_table("name", "model", "version", "labels", "encoders", "size", "licence", "from")
    table.columns[-1].no_wrap, table.columns[-1].overflow = True, "ignore"  # a path that is cut is no path
    for row in found:
        about = [row["name"], *(str(row.get(key, "")) for key in ("model", "version", "labels"))]
        about += [", ".join(row.get("encoders", ["damaged"])), f"{row['bytes'] / 1e6:.1f} MB", row.get("licence", "")]
        add_row(table, *about, row["source"])
    console = stdout_console()
    console.print(table, crop=False)
    for row in found:
        if "error" in row:
            console.print(f"\n{row['name']}: {printable(row['error'])}", soft_wrap=True)


def facts(bundle: Bundle) -> dict[str, Any]:
    """All of `bundle.json`, with where it is and its identity."""
    return {
        "path": str(bundle.path),
        "sha256": bundle.sha256,
        "bytes": _size(bundle.path),
        "encoders": _encoders(bundle),
        **bundle.spec.model_dump(mode="json", exclude_none=True),
    }


def print_json(value: object) -> None:
    """Indented, in ASCII."""
    typer.echo(json.dumps(value, indent=1))


def print_bundle(bundle: Bundle) -> None:
    """What a bundle is, its labels, its figures."""
    spec, console = bundle.spec, stdout_console()
    about = plain_table()
    for name, text in (
        ("model", f"{spec.name} {spec.version}, {spec.created}, {spec.licence}"),
        ("path", str(bundle.path)),
        ("sha256", bundle.sha256),
        ("input", f"{spec.input.size} px, {spec.input.color}; embeddings of {spec.embedding_dim}"),
        ("encoders", ", ".join(_encoders(bundle))),
        *((key, text if isinstance(text, str) else "; ".join(text)) for key, text in spec.provenance.items()),
    ):
        add_row(about, name, text)
    console.print(about)

    labels = plain_table("label", "group", "means", "prompts", "threshold", "", right=("prompts", "threshold"))
    for group, label in grouped_labels(bundle):
        note = "experimental" if label.experimental else ""
        add_row(labels, label.name, group, label.text, str(len(label.prompts)), f"{label.threshold:.2f}", note)
    console.print()
    console.print(labels)

    figures = plain_table("figure", "", right=("",))
    for name, value in _flat(spec.metrics):
        add_row(figures, name, f"{value:.4g}")
    if figures.row_count:
        console.print()
        console.print(figures)


def _encoders(bundle: Bundle) -> list[str]:
    return [variant or "float32" for variant in bundle.variants]


def _size(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files)


def _flat(metrics: JsonValue, prefix: str = "") -> list[tuple[str, float]]:
    if isinstance(metrics, dict):
        return [
            pair for name, value in metrics.items() for pair in _flat(value, f"{prefix}.{name}" if prefix else name)
        ]
    assert isinstance(metrics, int | float), "a bundle's metrics are numbers"
    return [(prefix, metrics)]
