"""CLEF's published tables as data (`texts/paper.yaml`); its ablation grid and zero-shot table with ours beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from training.evaluation.sheets import Sheet, number

__all__ = ["NOT_COMPARABLE", "Paper", "ablation_sheet", "load_paper", "published_sheets", "zero_shot_sheet"]

NOT_COMPARABLE: Final = "Not comparable to the paper: other data."

Mark = Literal["poster", "quoted", "unverified"]
Part = Literal["PA", "PI", "I", "N", "D"]
_Percent = Annotated[float, Field(ge=0, le=100)]
_PARTS: Final[tuple[Part, ...]] = ("PA", "PI", "I", "N", "D")
_FILE: Final = Path(__file__).parents[1] / "texts" / "paper.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AuRow(_Strict):
    """A method's F1 in %: by Action Unit where it is known, and its mean."""

    method: str = "CLEF"
    venue: str = ""
    per_au: tuple[_Percent, ...] | None = None
    mean: _Percent
    mark: Mark
    note: str = ""


class AuTable(_Strict):
    """A dataset's Action Units."""

    title: str
    aus: tuple[str, ...]
    protocol: str
    clef: AuRow
    rivals: tuple[AuRow, ...]

    @property
    def by_au(self) -> dict[str, float]:
        """CLEF's F1 in % by Action Unit."""
        return dict(zip(self.aus, self.clef.per_au or (), strict=True))


class ExpressionRow(_Strict):
    """A method's accuracy in %."""

    method: str = "CLEF"
    venue: str = ""
    accuracy: _Percent
    mark: Mark


class ExpressionTable(_Strict):
    """A dataset's expressions."""

    title: str
    classes: int
    protocol: str
    clef: ExpressionRow
    rivals: tuple[ExpressionRow, ...]


class AblationRow(_Strict):
    """F1 on BP4D and accuracy on RAF-DB in %, by what was trained."""

    start: str
    parts: tuple[Part, ...]
    bp4d: _Percent
    raf_db: _Percent


class Ablation(_Strict):
    """The ablation grid."""

    mark: Mark
    rows: tuple[AblationRow, ...]


class ZeroShotRow(_Strict):
    """Accuracy in % on expressions that weren't trained."""

    trained_on: str
    tested_on: str
    farl: _Percent
    clef: _Percent


class ZeroShot(_Strict):
    """The zero-shot table."""

    mark: Mark
    rows: tuple[ZeroShotRow, ...]


class Paper(_Strict):
    """All published tables; keys are our datasets' names."""

    action_units: dict[str, AuTable]
    expressions: dict[str, ExpressionTable]
    ablation: Ablation
    zero_shot: ZeroShot


@cache
def load_paper() -> Paper:
    """The tables of `texts/paper.yaml`."""
    return Paper.model_validate(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def published_sheets() -> list[Sheet]:
    """What was published on each dataset: CLEF's figures, and those of a few others."""
    paper = load_paper()
    found = []
    for table in paper.action_units.values():
        means = [(r.method, r.venue, number(r.mean, 1), r.mark) for r in (*table.rivals, table.clef)]
        found.append(
            Sheet(
                f"{table.title}: mean F1 × 100",
                ("method", "venue", "mean F1", "source"),
                tuple(means),
                (f"Protocol: {table.protocol}.", *([f"CLEF: {table.clef.note}."] if table.clef.note else [])),
                strong=(len(means) - 1,),
            )
        )
    tables = list(paper.action_units.values())
    names = sorted({name for table in tables for name in table.aus})
    by_au = [
        (name, *(number(table.by_au[name], 1) if name in table.by_au else "" for table in tables)) for name in names
    ]
    found.append(Sheet("CLEF, F1 × 100 by Action Unit", ("AU", *(table.title for table in tables)), tuple(by_au)))
    for each in paper.expressions.values():
        accuracies = [(r.method, r.venue, number(r.accuracy, 2), r.mark) for r in (*each.rivals, each.clef)]
        found.append(
            Sheet(
                f"{each.title}: accuracy, %",
                ("method", "venue", "accuracy", "source"),
                tuple(accuracies),
                (f"Protocol: {each.protocol}.",),
                strong=(len(accuracies) - 1,),
            )
        )
    return found


def ablation_sheet(
    ours: Mapping[frozenset[str], str] | None = None, *, head: str = "ours", notes: Sequence[str] = ()
) -> Sheet:
    """The paper's ablation grid, with a figure of ours in each row that we have run.

    Args:
        ours: text by the parts that were trained, of PA, PI, I, N, D; it is put beside CLEF's row of the same parts,
            and beside plain CLIP's where there is neither PA nor PI. Other parts get rows of their own.
        head: of our column.
        notes: to go with it.
    """
    grid, left = load_paper().ablation, dict(ours or {})
    rows = []
    for row in grid.rows:
        own = left.pop(frozenset(row.parts), "") if row.start != "FaRL" else ""
        rows.append((row.start, *_ticks(row.parts), number(row.bp4d, 1), number(row.raf_db, 2), own))
    rows += [("", *_ticks(parts), "", "", text) for parts, text in left.items()]
    return Sheet(
        "Ablation",
        ("start", *_PARTS, "BP4D F1", "RAF-DB accuracy", head),
        tuple(rows),
        (f"The paper's figures: {grid.mark}.", *notes, *([NOT_COMPARABLE] if ours else [])),
    )


def zero_shot_sheet(
    ours: Mapping[tuple[str, str], str] | None = None, *, head: str = "ours", notes: Sequence[str] = ()
) -> Sheet:
    """The paper's zero-shot table: accuracy in % on expressions that weren't trained.

    Args:
        ours: text by (trained on, tested on), as in `texts/paper.yaml`; others get rows of their own.
        head: of our column.
        notes: to go with it.
    """
    table, left = load_paper().zero_shot, dict(ours or {})
    rows = [
        (r.trained_on, r.tested_on, number(r.farl, 2), number(r.clef, 2), left.pop((r.trained_on, r.tested_on), ""))
        for r in table.rows
    ]
    rows += [(trained, tested, "", "", text) for (trained, tested), text in left.items()]
    return Sheet(
        "Zero-shot: accuracy on expressions that weren't trained, %",
        ("trained on", "tested on", "FaRL", "CLEF", head),
        tuple(rows),
        (f"The paper's figures: {table.mark}.", *notes),
    )


def _ticks(parts: Sequence[str] | frozenset[str]) -> list[str]:
    return ["✓" if part in parts else "" for part in _PARTS]
