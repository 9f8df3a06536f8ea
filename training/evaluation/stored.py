"""What evaluated runs left beside their checkpoints, taken together: folds as one result, two runs compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clef_rt.errors import ConfigError
from training.evaluation import report
from training.evaluation.compare import compare
from training.evaluation.folds import figures
from training.evaluation.measure import published_aus
from training.evaluation.scored import Scored
from training.evaluation.sheets import Sheet, number, percent, span

__all__ = ["compare_runs", "join_folds"]

_Run = tuple[dict[str, Scored], dict[str, float]]


def join_folds(runs: Sequence[Path], out: Path, *, draws: int = 1000, seed: int = 0) -> tuple[list[Sheet], list[Path]]:
    """The Action Units of all folds together; writes `folds.json`, `report.md` and pictures.

    Args:
        runs: evaluated runs, one a fold; `model.pt` or its folder.
        out: the folder to write.
        draws: of subjects, for the intervals.
        seed: of the draws.

    Returns:
        The tables, and what was written.

    Raises:
        ConfigError: a run isn't evaluated, two have the same subjects, or they have no dataset with Action Units in
            common.
    """
    if len(runs) < 2:
        raise ConfigError("There is but one run.", "Name one run of each fold.")
    read = [_read(run) for run in runs]
    ours = out.name or str(out)
    found: dict[str, Any] = {}
    tables: list[Sheet] = []
    for dataset in sorted(set.intersection(*(set(parts) for parts, _ in read))):
        parts = [own[dataset] for own, _ in read]
        if not all(part.has_aus for part in parts):
            continue
        own = figures(parts, [levels for _, levels in read], averaged=published_aus(dataset), draws=draws, seed=seed)
        faces, subjects = sum(map(len, parts)), len(set().union(*(part.subjects.tolist() for part in parts)))
        found[dataset] = {"faces": faces, "subjects": subjects, "action_units": own}
        note = f"Means over {len(runs)} folds, {faces:,} faces in all; tuned thresholds are each fold's own."
        tables += [*report.sheets(dataset, found[dataset], ours, [note]), _spread(dataset, own, ours)]
    if not found:
        raise ConfigError("The runs have no dataset with Action Units in common.", "Evaluate each on its fold.")
    out.mkdir(parents=True, exist_ok=True)
    pictures = [path for dataset, own in found.items() for path in report.draw(out, dataset, own, ours)]
    names = ", ".join(str(run) for run in runs)
    (out / "folds.json").write_text(json.dumps({"runs": [*map(str, runs)], "test": found}, indent=1) + "\n")
    text = report.markdown(f"All folds: {ours}", [f"Runs: {names}."], tables, pictures)
    (out / "report.md").write_text(text, encoding="utf-8")
    return tables, [out / "folds.json", out / "report.md", *pictures]


def compare_runs(ours: Path, theirs: Path, *, draws: int = 1000, seed: int = 0) -> list[Sheet]:
    """Tables of two runs' differences, a dataset each.

    Args:
        ours: an evaluated run; `model.pt` or its folder.
        theirs: another.
        draws: of subjects; each scores both.
        seed: of the draws.

    Raises:
        ConfigError: a run isn't evaluated, or not on the same faces.
    """
    (mine, my_levels), (other, other_levels) = _read(ours), _read(theirs)
    tables = []
    for dataset in sorted(set(mine) & set(other)):
        found = compare((mine[dataset], my_levels), (other[dataset], other_levels), draws=draws, seed=seed)
        rows = [
            (
                key,
                number(own["ours"], 4),
                number(own["theirs"], 4),
                "–" if own["difference"] is None else f"{own['difference']:+.4f}",
                span(own["difference_interval"], 1, 4),
            )
            for key, own in found.items()
        ]
        tables.append(
            Sheet(
                f"{dataset}: {ours} against {theirs}",
                ("figure", "first", "second", "difference", "95 %"),
                tuple(rows),
                ("The interval is of the paired difference, subjects drawn anew: without 0 in it, one is better.",),
            )
        )
    if not tables:
        raise ConfigError("The two runs were evaluated on no dataset in common.", "Evaluate both alike.")
    return tables


def _spread(dataset: str, own: dict[str, Any], ours: str) -> Sheet:
    """F1 at 0.5 by fold."""
    heads = ("F1 × 100", *(f"fold {number_ + 1}" for number_ in range(own["folds"])), "mean", "spread", "pooled")
    rows = [
        (
            name,
            *(percent(value) for value in each["f1_folds"]),
            *(percent(each[key]) for key in ("f1", "f1_spread", "f1_pooled")),
        )
        for name, each in (*own["labels"].items(), ("mean", own["mean"]))
    ]
    note = "At threshold 0.5; folds in the order of the runs; spread: standard deviation over the folds."
    return Sheet(f"By fold, {dataset}: {ours}", heads, tuple(rows), (note,), strong=(len(rows) - 1,))


def _read(run: Path) -> _Run:
    folder = run if run.is_dir() else run.parent
    scores = [Scored.load(path) for path in sorted(folder.glob("scores-*.npz"))]
    if not scores:
        raise ConfigError(f"{run} isn't evaluated.", f"Run `python -m training evaluate {run} PREPARED…`.")
    try:
        levels = json.loads((folder / "thresholds.json").read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder / 'thresholds.json'} can't be read: {error}.", "Evaluate the run again.") from None
    return {part.dataset: part for part in scores}, levels
