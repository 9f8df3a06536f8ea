"""What a model has seen: its own training data, and that of the runs that it began with."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from training.config import CONFIG, RunConfig, Stage2Settings, read_config
from training.folds import by_fold
from training.loop import LOG
from training.manifest import EXPRESSIONS, au_columns, expression_columns, intensity_columns
from training.prepare import Prepared

__all__ = ["Lineage", "Seen", "is_rendered", "lineage"]

_RENDERED: Final = "rendered"
_BOUNDS: Final = "bounds on how often an emotion's faces show which Action Units"


@dataclass(frozen=True, slots=True)
class Seen:
    """A dataset in the training of a model.

    Attributes:
        dataset: its name.
        faces: of its training split; None where the folder isn't there any more.
        subjects: people among them; None where they aren't known.
        rendered: whether its faces are rendered, not photographed.
        teacher: what labelled its Action Units, where those were learnt from; else empty.
        learnt: what of it was learnt from, in words, in the order of the runs.
        stages: in which stages.
    """

    dataset: str
    faces: int | None
    subjects: int | None
    rendered: bool
    teacher: str
    learnt: tuple[str, ...]
    stages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The runs of a model.

    Attributes:
        runs: first to last: `run`, `stage`, `data` (names of datasets), `epochs` (that were done).
        seen: the datasets of all of them.
        taught: whether emotions' words taught Action Units (`stage2.rates`), so that words are no independent test.
        unknown: a start whose settings aren't there, so that what it has seen can't be told; empty where all are.
    """

    runs: tuple[dict[str, Any], ...]
    seen: tuple[Seen, ...]
    taught: bool = False
    unknown: str = ""

    @property
    def photographs(self) -> bool:
        """Whether it saw any photograph, as far as is known."""
        return bool(self.unknown) or any(not each.rendered for each in self.seen)

    @property
    def teachers(self) -> list[str]:
        """What labelled faces that it learnt from."""
        return sorted({each.teacher for each in self.seen if each.teacher})

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "photographs": self.photographs, "teachers": self.teachers}


def lineage(run: Path, given: Mapping[Path, Prepared] | None = None) -> Lineage:
    """Follow a run's settings, and those of the runs it began with (`start`), to the first.

    Args:
        run: a run's folder.
        given: prepared folders that are open already; without settings they are taken for what was trained on.

    Raises:
        ConfigError: a run's settings can't be read.
    """
    given = given or {}
    chain: list[tuple[Path, RunConfig]] = []
    unknown, folder = "", run
    while True:
        if not (folder / CONFIG).exists():
            unknown = folder.name if chain else ""
            break
        config = RunConfig.of(read_config(folder / CONFIG))
        chain.insert(0, (folder, config))
        if config.start is None:
            break
        folder = config.start if config.start.is_dir() else config.start.parent
        if any(folder.resolve() == known.resolve() for known, _ in chain):
            break
    seen: dict[str, Seen] = {}
    runs = []
    for where, config in chain:
        own = _by_dataset([_seen(path, config, given) for path in config.data])
        for name, each in own.items():
            seen[name] = _joined(seen[name], each, max) if name in seen else each
        runs.append({"run": where.name, "stage": config.stage, "data": [*own], "epochs": _epochs(where, config)})
    if not chain:
        seen = _by_dataset([_of(path.name, prepared, None) for path, prepared in given.items()])
    taught = any(_BOUNDS in each.learnt for each in seen.values() if not each.rendered)
    return Lineage(tuple(runs), tuple(seen.values()), taught, unknown)


def is_rendered(dataset: str) -> bool:
    """Whether a dataset's faces are rendered: by its name, `rendered` or `rendered-…`."""
    return dataset == _RENDERED or dataset.startswith((f"{_RENDERED}-", f"{_RENDERED}_"))


def _epochs(run: Path, config: RunConfig) -> int:
    """How many were done: a run may have been ended early, and gone on from."""
    try:
        done = len((run / LOG).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return config.loop.epochs
    return done or config.loop.epochs


def _seen(path: Path, config: RunConfig, given: Mapping[Path, Prepared]) -> Seen:
    if path in given:
        return _of(path.name, given[path], config)
    if not path.exists():
        return Seen(path.name, None, None, is_rendered(path.name), "", (), (config.stage,))
    return _of(path.name, Prepared.load(path), config)


def _of(name: str, prepared: Prepared, config: RunConfig | None) -> Seen:
    facts, table = prepared.facts, prepared.table
    if config is not None and config.fold is not None and "fold" in table.columns:
        table = by_fold(table, config.fold)
    train = table[table["split"] == "train"]
    learnt = _learnt(facts.dataset, train, config, facts.teacher)
    return Seen(
        dataset=facts.dataset or name,
        faces=len(train),
        subjects=int(train["subject"].nunique()) or None,
        rendered=is_rendered(facts.dataset),
        teacher=facts.teacher if any("teacher" in each for each in learnt) else "",
        learnt=learnt,
        stages=(config.stage,) if config is not None else (),
    )


def _learnt(dataset: str, train: pd.DataFrame, config: RunConfig | None, teacher: str) -> tuple[str, ...]:
    """What of a dataset's labels a run learns from."""
    if config is not None and config.stage == 1:
        if config.stage1.image_activity or config.stage1.pairs == "activity":
            words = bool(train["activity"].isin(EXPRESSIONS).mean() > 0.5)
            return ("emotion words, as activities",) if words else ("activities",)
        return ("pictures alone",)
    options = config.stage2 if config is not None else Stage2Settings()
    found = []
    voted = _any(train, expression_columns(train))
    if options.only != "au":
        if voted:
            found.append("expressions by their prototypes" if is_rendered(dataset) else "raters' votes for expressions")
        elif options.words and train["activity"].isin(EXPRESSIONS).any():
            voted = True
            found.append("emotion words as votes for expressions")
    if options.only != "expression":
        if _any(train, [name for name in au_columns(train) if not (teacher and name in options.distrust)]):
            rated = _any(train, intensity_columns(train))
            left_out = f" (but {', '.join(options.distrust)})" if teacher and options.distrust else ""
            whose = f"the teacher's Action Units{left_out}" if teacher else "Action Units"
            found.append(whose + " and their intensities" * rated)
        if options.rates and voted and options.only == "all":
            found.append(_BOUNDS)
    return tuple(found)


def _any(table: pd.DataFrame, columns: list[str]) -> bool:
    return bool(columns) and bool(table[columns].notna().any(axis=None))


def _by_dataset(parts: Sequence[Seen]) -> dict[str, Seen]:
    """A run's datasets; one that is in several folders counts once, with all of its faces."""
    found: dict[str, Seen] = {}
    for each in parts:
        found[each.dataset] = _joined(found[each.dataset], each, operator.add) if each.dataset in found else each
    return found


def _joined(first: Seen, second: Seen, count: Callable[[int, int], int]) -> Seen:
    """Two parts of a dataset, or one dataset in two runs."""
    faces, subjects = (
        None if (a := getattr(first, key)) is None or (b := getattr(second, key)) is None else count(a, b)
        for key in ("faces", "subjects")
    )
    return Seen(
        dataset=first.dataset,
        faces=faces,
        subjects=subjects,
        rendered=first.rendered and second.rendered,
        teacher=first.teacher or second.teacher,
        learnt=tuple(dict.fromkeys((*first.learnt, *second.learnt))),
        stages=tuple(sorted({*first.stages, *second.stages})),
    )
