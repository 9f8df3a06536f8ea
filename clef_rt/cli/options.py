"""The options that several commands share, as Typer reads them. None stands for what nobody gave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clef_rt.errors import ConfigError

if TYPE_CHECKING:
    from clef_rt.cli.outputs import OutputKind

INPUT: Final = "Input"
ANALYSIS: Final = "Analysis"
WIRE: Final = "Wire"
OUTPUT: Final = "Output"

Bundle = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        metavar="PATH|NAME",
        help="The model: a folder, a .clef file, or a name from `clef-rt models`; by default the embedded one.",
        rich_help_panel=ANALYSIS,
    ),
]
DetectorName = Annotated[
    str | None,
    typer.Option(
        "--detector",
        metavar="NAME",
        help="auto (by default), clef, yunet, scrfd, yunet:FILE, scrfd:FILE, or an .onnx file.",
        rich_help_panel=ANALYSIS,
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="What runs the encoder: auto (by default), tensorrt, ort-tensorrt, cuda, cpu or openvino; "
        "`clef-rt doctor` shows which are there.",
        rich_help_panel=ANALYSIS,
    ),
]
Variant = Annotated[
    str | None,
    typer.Option(
        "--variant",
        metavar="NAME",
        help="Which of the bundle's graphs: fp32, fp16 or int8; by default fp16 on a GPU if it's there, else fp32.",
        rich_help_panel=ANALYSIS,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, help="Threads of the encoder; by default the usable cores.", rich_help_panel=ANALYSIS
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="ADDRESS",
        help="Where to publish: tcp://HOST:PORT or ipc://PATH; tcp://127.0.0.1:5599 by default. "
        "tcp://*:5599 opens it to the network.",
        rich_help_panel=WIRE,
    ),
]
WireFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Of the payloads: msgpack (by default) or json.",
        rich_help_panel=WIRE,
    ),
]
Duration = Annotated[
    float | None,
    typer.Option("--duration", metavar="SECONDS", help="End after so many seconds.", rich_help_panel=OUTPUT),
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="A line a second instead of the view; so too where stdout is no terminal.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Each message as a line of JSON, as on the wire.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Show nothing but errors.", rich_help_panel=OUTPUT),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Settings in YAML; see `clef-rt config example`. Options given here go first.",
        rich_help_panel=INPUT,
    ),
]


def output_kind(*, plain: bool, json: bool, quiet: bool = False) -> OutputKind | None:
    """The output that the options ask for; None where they ask for none.

    Raises:
        ConfigError: they ask for more than one.
    """
    asked: list[OutputKind] = []
    asked += ["plain"] if plain else []
    asked += ["json"] if json else []
    asked += ["quiet"] if quiet else []
    if len(asked) > 1:
        raise ConfigError(f"--{asked[0]} and --{asked[1]} exclude each other.", "Give one of them.")
    return asked[0] if asked else None
