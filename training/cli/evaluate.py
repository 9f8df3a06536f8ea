"""`python -m training evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clef_rt.errors import ConfigError
from training.cli.console import app, console, say

__all__ = ["evaluate"]


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Stage 2's run, or its model.pt.")],
    data: Annotated[list[Path], typer.Argument(help="Prepared folders.")],
) -> None:
    """Measure on the test splits; write metrics, thresholds and the model card beside the checkpoint."""
    from training.report import evaluate_run

    if not checkpoint.exists():
        raise ConfigError(f"{checkpoint}: no such checkpoint.", "Train one with `python -m training stage2`.")
    report = evaluate_run(checkpoint, data)
    table = Table(title="test splits", title_justify="left")
    for column in (
        "dataset",
        "faces",
        "accuracy",
        "macro F1",
        "AU12 happiness / neutral",
        "agreement with the teacher",
    ):
        table.add_column(column, justify="left" if column == "dataset" else "right")
    for name, figures in report.metrics.items():
        expressions = figures.get("expressions", {})
        smile = figures["emotion_proxy"]["ours"].get("happiness", {}).get("AU12")
        agreement = [each["auc"] for each in figures["teacher_agreement"].values()]
        mean = sum(agreement) / len(agreement) if agreement else None
        shown = (expressions.get("accuracy"), expressions.get("macro_f1"), smile, mean)
        table.add_row(name, str(figures["faces"]), *("–" if value is None else f"{value:.3f}" for value in shown))
    console.print(table)
    say(f"experimental: {', '.join(report.experimental) or 'none'}")
