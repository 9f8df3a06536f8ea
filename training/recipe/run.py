"""Run a recipe's steps, each a command of its own process: what a user could paste."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from clef_rt.errors import ConfigError
from clef_rt.files import whole_file
from training.recipe.spec import Recipe, Step

__all__ = ["DONE", "run_recipe"]

DONE: Final = "recipe.json"
"""What is finished: by step, its command and the seconds that it took."""


def run_recipe(
    recipe: Recipe, size: str, given: Mapping[str, Path], out: Path, console: Console, *, until: str | None = None
) -> dict[str, float]:
    """Run all steps that aren't done.

    Args:
        recipe: the steps.
        size: which of its sizes.
        given: the inputs.
        out: the folder for everything.
        console: for what is being done.
        until: the last step to run; all by default.

    Returns:
        Seconds by step, those of earlier calls included.

    Raises:
        ConfigError: an input is missing, a step fails, or one was done by another command.
        KeyboardInterrupt: Ctrl-C; the same call goes on.
    """
    values = recipe.values(size, given, out)
    steps = recipe.chosen(size)
    if until is not None and until not in [step.name for step in steps]:
        raise ConfigError(f"There is no step {until!r}.", f"Choose {', '.join(step.name for step in steps)}.")
    out.mkdir(parents=True, exist_ok=True)
    done = _read(out)
    for number, step in enumerate(steps, 1):
        command = step.command(values)
        there = Path(step.makes.format_map(values))
        if step.name in done and there.exists():
            if done[step.name]["command"] != shlex.join(command):
                raise ConfigError(
                    f"{out} has {step.name} by another command: {done[step.name]['command']}",
                    f"Give another --out, or remove {there} and {step.name} from {out / DONE}.",
                )
            console.print(f"[dim]{number}/{len(steps)} {step.name}: done before[/]", highlight=False)
        else:
            seconds = _run(step, command, values, f"{number}/{len(steps)}", console)
            if not there.exists():
                raise ConfigError(f"{step.name} ended well, but made no {there}.", "The recipe may be wrong.")
            done[step.name] = {"command": shlex.join(command), "seconds": round(seconds, 1)}
            with whole_file(out / DONE) as path:
                path.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        if step.name == until:
            break
    return {name: float(each["seconds"]) for name, each in done.items()}


def _run(step: Step, command: list[str], values: Mapping[str, str], place: str, console: Console) -> float:
    resumes = step.resumes is not None and Path(step.resumes.format_map(values)).exists()
    words = [sys.executable, "-m", *command, *(["--resume"] if resumes else [])]
    console.print(f"[bold]{place} {step.name}[/]  python {shlex.join(words[1:])}", highlight=False, soft_wrap=True)
    started = time.monotonic()
    process = subprocess.Popen(words)
    try:
        code = process.wait()
    except KeyboardInterrupt:  # the child has it too, and puts its things away
        _put_away(process)
        console.print(f"Stopped in {step.name}; the same command goes on.", highlight=False)
        raise
    if code in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    if code:
        raise ConfigError(
            f"{step.name} ended with code {code}.", "See above; once it is mended, the same command goes on."
        )
    return time.monotonic() - started


def _put_away(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=60)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()


def _read(out: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads((out / DONE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigError(f"{out / DONE} is damaged: {error}.", "Remove it: the steps are then run again.") from None
    return found
