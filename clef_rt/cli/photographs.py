"""Photographs one after another through the analyzer, and their faces as a table, JSON or CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from rich.progress import track
from rich.table import Table

from clef_rt.analyzer import Analyzer
from clef_rt.cli.sides import shown_aus
from clef_rt.cli.terminal import stderr_console, stdout_console
from clef_rt.cli.view import bar, printable
from clef_rt.errors import ClefError
from clef_rt.frame import Face
from clef_rt.labels import LabelBank
from clef_rt.picture import Picture
from clef_rt.sources._images import images_in, read_image

__all__ = ["CsvReport", "JsonReport", "Report", "TableReport", "score_all"]

_MANY: Final = 5  # photographs that deserve a progress bar


class Report(Protocol):
    """Shows photographs and their faces."""

    def add(self, path: Path, picture: Picture, faces: Sequence[Face]) -> None:
        """Take the next photograph."""
        ...

    def close(self) -> None:
        """Show what isn't yet shown."""
        ...


def score_all(paths: Sequence[Path], analyzer: Analyzer, report: Report, *, tell: Callable[[str], None]) -> int:
    """Score the faces of photographs and of folders of them.

    Args:
        paths: photographs and folders.
        analyzer: scores.
        report: shows.
        tell: is told of whatever can't be read.

    Returns:
        How many could not be read.
    """
    files: list[Path] = []
    failures = 0
    for path in paths:
        try:
            files += images_in(path) if path.is_dir() else [path]
        except ClefError as error:
            failures += 1
            tell(str(error))
    console = stderr_console()
    hidden = len(files) < _MANY or not console.is_terminal
    for path in track(files, "Photographs", console=console, transient=True, disable=hidden):
        try:
            picture = read_image(path)
        except ClefError as error:
            failures += 1
            tell(str(error))
            continue
        report.add(path, picture, analyzer.analyze(picture))
    report.close()
    return failures


class JsonReport:
    """A line a photograph."""

    def add(self, path: Path, picture: Picture, faces: Sequence[Face]) -> None:
        """See `Report`."""
        found = [
            {
                "box": _rounded(face.box.tolist(), 2),
                "landmarks": [_rounded(point, 2) for point in face.landmarks.tolist()],
                "det_score": round(face.det_score, 4),
                "quality": round(face.quality, 4),
                "aus": {name: round(value, 4) for name, value in face.aus.items()},
                "expressions": {name: round(value, 4) for name, value in face.expressions.items()},
                "zero_shot": {name: round(value, 4) for name, value in face.zero_shot.items()},
            }
            for face in faces
        ]
        print(
            json.dumps({"path": str(path), "width": picture.width, "height": picture.height, "faces": found}),
            flush=True,
        )

    def close(self) -> None:
        """See `Report`."""


class CsvReport:
    """A line a face; a photograph without one has none."""

    def __init__(self, labels: LabelBank) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        names = [*labels.au.names, *labels.expression.names, *labels.zero_shot.names]
        self._writer.writerow(["path", "face", "x", "y", "width", "height", "det_score", "quality", *names])

    def add(self, path: Path, picture: Picture, faces: Sequence[Face]) -> None:
        """See `Report`."""
        for number, face in enumerate(faces):
            scores = [face.det_score, face.quality, *face.aus.values(), *face.expressions.values()]
            scores += face.zero_shot.values()
            box = _rounded(face.box.tolist(), 2)
            self._writer.writerow([str(path), number, *box, *(f"{score:.4f}" for score in scores)])

    def close(self) -> None:
        """See `Report`."""


class TableReport:
    """A row a face, in the end; its widths depend on all of them."""

    def __init__(self, labels: LabelBank) -> None:
        self._console = stdout_console()
        self._labels = labels
        self._doubtful = False
        self._table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
        added = ("zero-shot",) if labels.zero_shot.names else ()
        for name in ("photograph", "face at", "quality", "Action Units", "expression", *added):
            self._table.add_column(name, justify="right" if name == "quality" else "left", overflow="fold")

    def add(self, path: Path, picture: Picture, faces: Sequence[Face]) -> None:
        """See `Report`."""
        name = printable(str(path))
        if not faces:
            self._table.add_row(name, "no face")
        for face in faces:
            x, y, width, height = (round(value) for value in face.box.tolist())
            cells = [f"{x},{y} {width}x{height}", f"{face.quality:.2f}", self._units(face), self._expression(face)]
            cells += [self._added(face)] if face.zero_shot else []
            self._table.add_row(name, *cells)

    def close(self) -> None:
        """See `Report`."""
        self._console.print(self._table)
        if self._doubtful:
            self._console.print("? experimental: not shown to be good, see `clef-rt models info --card`", style="dim")
        if self._labels.zero_shot.names:
            self._console.print("* zero-shot: defined by text alone, never learnt, not measured", style="dim")

    def _units(self, face: Face) -> str:
        """Those that count as present, strongest first."""
        present = [
            (name, value)
            for name, value in shown_aus(face.aus, len(face.aus))
            if value >= self._labels.au.thresholds[self._labels.au.index[name]]
        ]
        doubtful = {name for name, _ in present} & self._labels.au.experimental
        self._doubtful = self._doubtful or bool(doubtful)
        return ", ".join(f"{name}{'?' * (name in doubtful)} {value:.2f}" for name, value in present) or "none"

    def _added(self, face: Face) -> str:
        """The labels added by text that count as present, strongest first."""
        group = self._labels.zero_shot
        scores = face.zero_shot.top(len(face.zero_shot))
        present = [(name, value) for name, value in scores if value >= group.thresholds[group.index[name]]]
        return ", ".join(f"{name}* {value:.2f}" for name, value in present) or "none"

    def _expression(self, face: Face) -> str:
        ascii_only = not self._console.encoding.startswith("utf")
        return ", ".join(
            f"{name} {bar(value, 6, ascii_only=ascii_only).rstrip()} {value:.2f}"
            for name, value in face.expressions.top(1)
        )


def _rounded(values: list[float], digits: int) -> list[float]:
    return [round(value, digits) for value in values]
