"""`clef-rt subscribe`: watch or log what a publisher anywhere sends."""

from __future__ import annotations

from typing import Annotated

import typer

from clef_rt.cli import options as own

__all__ = ["EXAMPLES", "subscribe"]

EXAMPLES = (
    ("clef-rt subscribe", "what runs on this machine"),
    ("clef-rt subscribe tcp://10.0.0.5:5599 --camera door", "one camera of another machine"),
    ("clef-rt subscribe --json | jq 'select(.kind == \"obs\")'", "observations for other programs"),
)


def subscribe(
    endpoint: Annotated[
        str,
        typer.Argument(
            metavar="[ENDPOINT]",
            help="tcp://HOST:PORT or ipc://PATH; tcp://127.0.0.1:5599 by default. It need not be there yet.",
            show_default=False,
        ),
    ] = "tcp://127.0.0.1:5599",
    cameras: Annotated[
        list[str] | None,
        typer.Option(
            "--camera", metavar="NAME", help="Only this camera; may be given again.", rich_help_panel=own.WIRE
        ),
    ] = None,
    latest: Annotated[
        bool,
        typer.Option(
            "--latest/--all",
            help="Pass over all but each camera's newest observation, or give all in order (by default).",
            show_default=False,
            rich_help_panel=own.WIRE,
        ),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            help="End when nothing comes for so long: with exit code 2, unless all cameras have told their end.",
            rich_help_panel=own.WIRE,
        ),
    ] = None,
    plain: own.Plain = False,
    json: own.Json = False,
    duration: own.Duration = None,
) -> None:
    """Watch the scores of a publisher on this machine or another.

    It waits for the publisher, also for one that comes back, and ends on Ctrl-C with a summary and exit code 0.
    """
    kind = own.output_kind(plain=plain, json=json)
    from clef_rt.cli.run import run_subscribe

    run_subscribe(
        endpoint, cameras=cameras or None, latest=latest, timeout_s=timeout, duration_s=duration, kind=kind or "auto"
    )
