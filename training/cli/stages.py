"""`python -m training stage1` and `stage2`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

__all__ = ["stage1", "stage2"]

Data = Annotated[list[Path] | None, typer.Argument(help="Prepared folders.", show_default=False)]
Run = Annotated[Path, typer.Option(help="The run's folder.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings, as a run's config.yaml has them.")]
Change = Annotated[list[str] | None, typer.Option("--set", help="Any setting: loop.ema=0.99, stage1.pairs=identity.")]
Fold = Annotated[int | None, typer.Option(help="Of datasets in folds: the one that is tested on.")]
Encoder = Annotated[str | None, typer.Option(help="The image encoder: convnet-s, convnet-m, convnet-l, clip-vit-b16.")]
Tower = Annotated[str | None, typer.Option(help="The text tower: auto, minilm, clip-vit-b16.")]
Init = Annotated[str | None, typer.Option(help="pretrained or random: what CLIP begins with.")]
Epochs = Annotated[int | None, typer.Option(help="How often the data is gone through.")]
Batch = Annotated[int | None, typer.Option(help="Faces a step, of all processes together.")]
LearningRate = Annotated[float | None, typer.Option(help="The highest of the schedule.")]
Seed = Annotated[int | None, typer.Option(help="Of everything random.")]
Accelerator = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")]
Devices = Annotated[int | None, typer.Option(help="Processes on this machine; each has its own device.")]
Precision = Annotated[str | None, typer.Option(help="As Lightning Fabric has them: bf16-mixed, 32 …")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]

_SETTINGS = {
    "fold": "fold",
    "encoder": "model.encoder",
    "text_tower": "model.text_tower",
    "init": "model.init",
    "epochs": "loop.epochs",
    "batch": "loop.batch",
    "learning_rate": "loop.learning_rate",
    "seed": "loop.seed",
    "accelerator": "loop.accelerator",
    "devices": "loop.devices",
    "precision": "loop.precision",
}
"""Where an option stands in the settings."""
_DEFAULTS: dict[int, dict[str, Any]] = {1: {"epochs": 4, "batch": 256}, 2: {}}


@app.command()
def stage1(
    out: Run,
    data: Data = None,
    config: ConfigFile = None,
    change: Change = None,
    fold: Fold = None,
    encoder: Encoder = None,
    text_tower: Tower = None,
    init: Init = None,
    epochs: Epochs = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    accelerator: Accelerator = None,
    devices: Devices = None,
    precision: Precision = None,
    resume: Resume = False,
) -> None:
    """Learn from what the subjects were doing: L_II' + L_IA."""
    given = locals()
    _train(1, given)


@app.command()
def stage2(
    out: Run,
    data: Data = None,
    start: Annotated[Path | None, typer.Option(help="Stage 1's run or checkpoint.")] = None,
    config: ConfigFile = None,
    change: Change = None,
    fold: Fold = None,
    encoder: Encoder = None,
    text_tower: Tower = None,
    init: Init = None,
    epochs: Epochs = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    accelerator: Accelerator = None,
    devices: Devices = None,
    precision: Precision = None,
    resume: Resume = False,
) -> None:
    """Learn labels by their names: L_IN + L_DN."""
    given = locals()
    if start is not None and (encoder or text_tower or init):
        raise ConfigError("--start brings its encoder and text tower.", "Leave --encoder, --text-tower, --init out.")
    _train(2, given)


def _train(stage: int, given: Mapping[str, Any]) -> None:
    """Train by the options of a command, as they were given."""
    from training.config import CONFIG, RunConfig, parse_changes, read_config, with_changes
    from training.loop import LAST

    out, file, resume = given["out"], given["config"], given["resume"]
    if resume and not (out / LAST).exists():
        raise ConfigError(f"{out} holds no run to resume.", "Leave --resume out.")
    if resume and file is None:
        file = out / CONFIG
    table: dict[str, Any] = read_config(file) if file is not None else {"loop": dict(_DEFAULTS[stage])}
    table = with_changes(table, _settings(given))
    table = with_changes(table, parse_changes(given["change"] or ()))
    if not table.get("data"):
        raise ConfigError("No data is given.", "Name prepared folders; make them with `python -m training prepare`.")
    run = RunConfig.of(table | {"stage": stage})
    if stage == 1:
        from training.stage1 import train_stage1

        train_stage1(run, out, resume=resume, console=console)
    else:
        from training.stage2 import train_stage2

        train_stage2(run, out, resume=resume, console=console)
    if int(os.environ.get("RANK", "0")) == 0:  # of several processes, one speaks
        say(f"done: {out / 'model.pt'}")


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, by the settings' dotted names; paths as YAML has them."""
    found = {place: given[option] for option, place in _SETTINGS.items() if given[option] is not None}
    if given["data"]:
        found["data"] = [str(folder) for folder in given["data"]]
    if given.get("start") is not None:
        found["start"] = str(given["start"])
    return found
