"""A table's cells, and the runs that they need, each named by all that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from training.config import RunConfig
from training.prepare import CROPS, FACTS, MANIFEST

__all__ = ["JOB", "RESULT", "Cell", "Exam", "Job", "digest", "jobs_of", "run_folder"]

JOB: Final = "job.json"
RESULT: Final = "cell.json"
"""Written last: a run with it is finished."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exam(_Frozen):
    """What a trained cell is asked.

    Attributes:
        folder: a prepared folder, whose test split is scored.
        kind: the `labels` that were learnt; the expressions left `unseen`, by their names; or all expressions by
            sentences `composed` of Action Units' texts.
        fold: of datasets in folds: the one that is tested on.
    """

    folder: Path
    kind: Literal["labels", "unseen", "composed"] = "labels"
    fold: int | None = None


class Cell(_Frozen):
    """One training from one seed, and its exam.

    Attributes:
        row: of the table.
        column: of the table.
        part: of several trainings that make up a figure: which.
        seed: of everything random in both stages.
        stage1: None for none.
        stage2: without its `start`, which is stage 1's run.
        exam: what is asked.
        passes: faces through the encoder, of both stages: what it costs.
    """

    row: str
    column: str
    part: str = ""
    seed: int
    stage1: RunConfig | None
    stage2: RunConfig
    exam: Exam
    passes: tuple[int, int]


class Job(_Frozen):
    """One run: a stage 1, or a stage 2 with its exam.

    Attributes:
        name: for people.
        digest: of all that it depends on.
        config: the run's; `start` is filled in when it begins.
        needs: the digest of the stage 1 to start from.
        exam: None for stage 1.
        passes: faces through the encoder.
    """

    name: str
    digest: str
    config: RunConfig
    needs: str | None = None
    exam: Exam | None = None
    passes: int


def jobs_of(cells: Sequence[Cell]) -> dict[str, Job]:
    """The runs of a table by digest, each once, stages 1 before what starts from them, one seed after the other.

    Raises:
        OSError: a prepared folder can't be read.
    """
    found: dict[str, Job] = {}
    for cell in sorted(cells, key=lambda each: each.seed):
        first = _stage1(cell)
        if first is not None:
            found.setdefault(first.digest, first)
        second = Job(
            name=" · ".join(word for word in (cell.row, cell.column, cell.part, f"seed {cell.seed}") if word),
            digest=digest(cell),
            config=cell.stage2,
            needs=None if first is None else first.digest,
            exam=cell.exam,
            passes=cell.passes[1],
        )
        found.setdefault(second.digest, second)
    return found


def digest(cell: Cell) -> str:
    """A cell's name: of its settings, its stage 1's, its exam, and the bytes of the manifests; not of any path."""
    first = _stage1(cell)
    exam = cell.exam.model_dump(mode="json") | {"folder": _contents(cell.exam.folder)}
    return _hash([_settings(cell.stage2), first.digest if first else None, exam])


def run_folder(out: Path, name: str) -> Path:
    """Where the run of that digest lies."""
    return out / "runs" / name


def _stage1(cell: Cell) -> Job | None:
    if cell.stage1 is None:
        return None
    options = cell.stage1.stage1
    parts = [word for word, on in (("PA", options.image_activity), ("PI", options.image_image)) if on]
    pairs = f" by {options.pairs}" if options.image_image and options.pairs != "activity" else ""
    data = ", ".join(folder.name for folder in cell.stage1.data)
    return Job(
        name=f"stage 1 {'+'.join(parts)}{pairs} · {data} · seed {cell.seed}",
        digest=_hash(_settings(cell.stage1)),
        config=cell.stage1,
        passes=cell.passes[0],
    )


def _settings(config: RunConfig) -> dict[str, Any]:
    """Without where it runs and where its data lie, as `RunConfig.same_run`; with what the data say."""
    where = {"loop": {"accelerator", "devices", "nodes", "save_every"}, "start": True, "data": True}
    dumped = config.model_dump(mode="json", exclude=where)  # type: ignore[arg-type]
    return dumped | {"data": [_contents(folder) for folder in config.data]}


@lru_cache(maxsize=64)
def _contents(folder: Path) -> str:
    """Of a prepared folder: its facts and manifest byte for byte, and how large its crops are."""
    own = hashlib.sha256((folder / FACTS).read_bytes())
    own.update((folder / MANIFEST).read_bytes())
    own.update(str((folder / CROPS).stat().st_size).encode())
    return own.hexdigest()[:16]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
