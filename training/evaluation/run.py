"""Evaluate a run whole, and write what the bundle carries: metrics, thresholds, provenance, MODEL_CARD.md."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.data import Examples
from training.evaluation import report
from training.evaluation.action_units import best_thresholds
from training.evaluation.beside_run import numbers, open_run, provenance, write_json
from training.evaluation.card import write_card
from training.evaluation.experimental import Evidence, Kind, experimental
from training.evaluation.lineage import is_rendered, lineage
from training.evaluation.measure import measure
from training.evaluation.scored import Scored
from training.evaluation.scoring import score
from training.evaluation.sheets import Sheet
from training.evaluation.validity_sheets import experimental_sheet
from training.prepare import Prepared

__all__ = ["Report", "evaluate_run"]

_PREFERRED: Final[tuple[Kind, ...]] = ("coded", "real", "rendered")
"""Whose labels set an Action Unit's threshold: the first that have it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured.

    Attributes:
        metrics: figures on the test splits, by dataset.
        experimental: labels not shown to be good, and why.
        sheets: the figures as tables.
        files: what was written.
    """

    metrics: dict[str, Any]
    experimental: dict[str, str]
    sheets: list[Sheet]
    files: list[Path]


def evaluate_run(
    checkpoint: Path,
    folders: Sequence[Path],
    *,
    fold: int | None = None,
    draws: int = 1000,
    seed: int = 0,
    device: str = "auto",
) -> Report:
    """Measure a model on the test splits of prepared folders; thresholds come from their validation splits.

    Writes `metrics.json`, `thresholds.json`, `experimental.json`, `provenance.json` and `MODEL_CARD.md` beside the
    checkpoint, where `python -m export bundle` finds them. `evaluation.json` has what a bundle can't hold,
    too: what is undefined, reliability by bin. `report.md` has tables and pictures; `folds` and `compare` go on from
    `scores-….npz`. The card tells what `audit_run` found as well, where that was run.

    Args:
        checkpoint: the run's folder, or its `model.pt`.
        folders: prepared datasets.
        fold: of datasets in folds: the one to test on; by default the one that the run was trained for.
        draws: of subjects, for the intervals.
        seed: of the draws.
        device: as torch calls it; `auto` is CUDA where there is some.

    Raises:
        ConfigError: a folder isn't prepared, there is no such device, its labels or crops aren't the model's, or the
            run has seen the fold.
        BundleError: the checkpoint isn't one.
        MissingExtra: matplotlib isn't installed.
    """
    subject = open_run(checkpoint, folders, fold=fold, device=device)
    val, test = subject.examples("val"), subject.examples("test")
    tuning = _by_dataset(score(subject.model, val, "val", progress="scoring validation faces"), val)
    tested = _by_dataset(score(subject.model, test, "test", progress="scoring test faces"), test)
    evidence = [
        Evidence(_kind(name, subject.teachers[name], val, test), tuning.get(name), tested.get(name))
        for name in sorted({*tuning, *tested})
    ]
    past = lineage(subject.folder, subject.sets)
    thresholds, source = _thresholds(evidence, past.photographs)
    metrics = {
        name: measure(part, thresholds, teacher=subject.teachers[name], draws=draws, seed=seed)
        for name, part in tested.items()
    }
    doubtful = experimental(evidence, taught=past.taught, independent=not past.teachers and not past.unknown)
    ours, beside = subject.name, subject.folder
    notes = {name: _notes(name, subject.sets.values(), subject.fold) for name in metrics}
    tables = [table for name, own in metrics.items() for table in report.sheets(name, own, ours, notes[name])]
    files = [part.save(beside) for part in tested.values()]
    values = {
        "metrics": {"test": numbers(metrics)},
        "evaluation": {
            "model": subject.about(),
            "fold": subject.fold,
            "bootstrap": {"draws": draws, "seed": seed},
            "thresholds_from": source,
            "test": metrics,
        },
        "thresholds": thresholds,
        "lineage": past.as_dict(),
        "provenance": provenance(past),
        "experimental": doubtful,
    }
    files += [write_json(beside / f"{name}.json", value) for name, value in values.items()]
    files.append(write_card(beside))
    pictures = [path for name, own in metrics.items() for path in report.draw(beside, name, own, ours, subject.fold)]
    lines = [
        f"Run `{ours}`, encoder {subject.model.config.encoder}. Thresholds come from {len(val):,} validation faces, "
        f"all figures from {len(test):,} test faces.",
        f"Intervals are 95 %, from {draws:,} draws of whole subjects (seed {seed}).",
    ]
    if past.taught:
        lines.append(
            "The run learnt, on training faces, how often an emotion's faces show Action Units (`stage2.rates`): areas "
            "by emotion words are no independent test of it, and not like for like beside a peer. `within a word` is."
        )
    text = report.markdown(f"Evaluation of {ours}", lines, [*tables, experimental_sheet(doubtful)], pictures)
    (beside / "report.md").write_text(text, encoding="utf-8")
    return Report(metrics, doubtful, tables, [*files, beside / "report.md", *pictures])


def _by_dataset(scored: Scored, examples: Examples) -> dict[str, Scored]:
    return {
        str(name): scored.of(str(name), np.flatnonzero(examples.datasets == name))
        for name in sorted(set(examples.datasets))
    }


def _kind(dataset: str, teacher: str, *splits: Examples) -> Kind:
    """Whose Action Units a dataset has."""
    if is_rendered(dataset):
        return "rendered"
    labelled = any(np.isfinite(own.aus[own.datasets == dataset]).any() for own in splits)
    return "coded" if labelled and not teacher else "real"


def _thresholds(evidence: Sequence[Evidence], photographs: bool) -> tuple[dict[str, float], list[str]]:
    """The best on validation faces: those that coders labelled, else a teacher's, else rendered ones.

    Of a model that saw no photograph they come from rendered faces alone, where there are any: it stays one.

    Returns:
        Thresholds by Action Unit, and the datasets that they come from.
    """
    kinds: Sequence[Kind] = _PREFERRED
    if not photographs and any(each.kind == "rendered" and each.validation is not None for each in evidence):
        kinds = ("rendered",)
    found: dict[str, float] = {}
    source = []
    for kind in reversed(kinds):
        own = [each.validation for each in evidence if each.kind == kind and each.validation is not None]
        if own:
            scores, truth = (np.concatenate([getattr(part, key) for part in own]) for key in ("aus", "true_aus"))
            if better := best_thresholds(scores, truth, own[0].au_names):
                found |= better
                source += [part.dataset for part in own]
    return dict(sorted(found.items())), sorted(source)


def _notes(dataset: str, sets: Collection[Prepared], fold: int | None) -> list[str]:
    own = [prepared for prepared in sets if prepared.facts.dataset == dataset]
    notes = []
    if fold is not None and any("fold" in prepared.table.columns for prepared in own):
        notes.append(f"Fold {fold} alone: published figures are means over folds (`python -m training folds`).")
    if rejected := sum(prepared.facts.rejected for prepared in own):
        notes.append(f"{rejected:,} of the dataset's pictures were left out when it was prepared (rejected.csv).")
    return notes
