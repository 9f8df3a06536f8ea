"""`clef-rt doctor`: what is here, what is missing, what is wrong and how to mend it."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clef_rt.cli import options as own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clef_rt.cli.checks import Check

__all__ = ["EXIT_BROKEN", "doctor"]

EXIT_BROKEN: Final = 1

_MARKS: Final = {"ok": ("✓", "green"), "note": ("·", "dim"), "warning": ("!", "yellow"), "broken": ("✗", "red")}


def doctor(
    bundle: own.Bundle = None,
    detector: own.DetectorName = None,
    engine: own.Engine = None,
    variant: own.Variant = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.", rich_help_panel=own.OUTPUT)] = False,
) -> None:
    """Look at this installation and try its parts: what is here, what is missing, what is wrong, and how to mend it.

    The exit code is 1 if something is broken.
    """
    from clef_rt.cli.checks import check_all
    from clef_rt.cli.selftest import self_test

    tested = self_test(bundle, detector or "auto", engine or "auto", variant or "auto")
    checks = [*check_all(), *tested.checks]
    broken = any(check.state == "broken" for check in checks)
    if json:
        report = {
            "ok": not broken,
            "checks": [
                {"name": check.name, "state": check.state, "found": check.found, "mend": check.mend} for check in checks
            ],
            "times_ms": {name: round(value, 3) for name, value in tested.times_ms.items()},
        }
        typer.echo(jsonlib.dumps(report, indent=2))
    else:
        _print(checks, tested.times_ms)
    if broken:
        raise typer.Exit(EXIT_BROKEN)


def _print(checks: Sequence[Check], times_ms: dict[str, float]) -> None:
    from rich.text import Text

    from clef_rt.cli.tables import plain_table
    from clef_rt.cli.terminal import stdout_console

    console = stdout_console()
    table = plain_table()
    unicode = console.encoding.startswith("utf")
    for check in checks:
        mark, style = _MARKS[check.state]
        found = Text(check.found)
        if check.mend:
            found.append(f"\n→ {check.mend}" if unicode else f"\n-> {check.mend}", style)
        table.add_row(Text(mark if unicode else check.state, style), Text(check.name, "bold"), found)
    console.print(table)
    times = plain_table()
    times.add_column()
    times.add_column(justify="right")
    for name, value in times_ms.items():
        times.add_row(name, f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms")
    console.print("\nTimes, medians of this machine as it is now:")
    console.print(times)
