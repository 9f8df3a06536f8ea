"""New labels tried on photographs: how their scores are spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from clef_rt.analyzer import Analyzer
from clef_rt.bundle import Bundle
from clef_rt.errors import ConfigError
from clef_rt.picture import Picture
from clef_rt.sources._images import images_in, read_image

__all__ = ["pictures_at", "trial_table"]

FEW: Final = 20


def pictures_at(path: Path) -> list[Picture]:
    """The photographs of a folder, or the one at a path.

    Raises:
        SourceError: there is none, or one can't be read.
    """
    return [read_image(file) for file in (images_in(path) if path.is_dir() else [path])]


def trial_table(bundle: Bundle, pictures: Sequence[Picture], names: Sequence[str]) -> Table:
    """A row a label: mean, spread, and how many faces reach the threshold.

    Args:
        bundle: with the labels.
        pictures: of faces.
        names: zero-shot labels.

    Raises:
        ConfigError: there is no face in them.
    """
    analyzer = Analyzer(bundle)
    faces = [face for picture in pictures for face in analyzer.analyze(picture)]
    if not faces:
        raise ConfigError(f"No face is found in {len(pictures)} photograph(s), so the labels couldn't be tried.")
    few = "; so few say little about a threshold" if len(faces) < FEW else ""
    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        padding=(0, 1),
        title=f"On {len(faces)} face(s) of {len(pictures)} photograph(s){few}",
        title_justify="left",
    )
    table.add_column("new label")
    for name in ("mean", "5 %", "median", "95 %", "threshold", "reach it"):
        table.add_column(name, justify="right")
    for name in names:
        scores = np.array([face.zero_shot[name] for face in faces])
        threshold = float(analyzer.labels.zero_shot.thresholds[analyzer.labels.zero_shot.index[name]])
        figures = [scores.mean(), *np.quantile(scores, [0.05, 0.5, 0.95]), threshold]
        reach = f"{(scores >= threshold).mean():.0%}"
        table.add_row(name, *(f"{figure:.2f}" for figure in figures), reach)
    return table
