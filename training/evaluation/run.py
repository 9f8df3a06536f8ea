"""Evaluate a run whole, and write what the bundle carries: metrics, thresholds, provenance, MODEL_CARD.md."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clef_rt.errors import ConfigError
from training.checkpoint import load_checkpoint
from training.config import CONFIG, RunConfig, read_config
from training.data import Examples, load_examples
from training.evaluation import report
from training.evaluation.action_units import best_thresholds
from training.evaluation.card import model_card
from training.evaluation.experimental import experimental
from training.evaluation.measure import measure
from training.evaluation.scored import Scored
from training.evaluation.scoring import predict
from training.evaluation.sheets import Sheet
from training.folds import by_fold
from training.model import ClefModel
from training.prepare import Prepared

__all__ = ["Report", "evaluate_run"]


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
    `scores-….npz`.

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
    beside = checkpoint if checkpoint.is_dir() else checkpoint.parent
    fold = _fold(beside, fold)
    model = _move(load_checkpoint(checkpoint), device)
    sets = {folder: Prepared.load(folder) for folder in folders}
    labels = {"aus": model.config.au_names, "expressions": model.config.expression_names}
    val, test = (load_examples(folders, split, fold=fold, **labels) for split in ("val", "test"))
    wanted = (model.config.image_size, model.config.image_size, model.config.channels)
    if test.faces.shape[1:] != wanted:
        raise ConfigError(
            f"The model takes crops of {wanted}; these are {test.faces.shape[1:]}.", "Prepare the data as for training."
        )
    teachers = {prepared.facts.dataset: prepared.facts.teacher for prepared in sets.values()}
    tuning, tested = (_score(model, examples, split) for examples, split in ((val, "validation"), (test, "test")))
    thresholds = best_thresholds(tuning.aus, tuning.true_aus, tuning.au_names)
    parts = [tested.of(name, np.flatnonzero(test.datasets == name)) for name in sorted(set(test.datasets))]
    metrics = {
        part.dataset: measure(part, thresholds, teacher=teachers[part.dataset], draws=draws, seed=seed)
        for part in parts
    }
    coded = np.array([not teachers[name] for name in val.datasets]) & np.isfinite(val.aus).any(axis=1)
    doubtful = experimental(*(tuning.of(tuning.dataset, rows) if rows.any() else None for rows in (coded, ~coded)))
    seen = _training_sets(beside, sets, fold)
    ours = beside.name or str(beside)
    notes = {name: _notes(name, sets.values(), fold) for name in metrics}
    tables = [table for name, own in metrics.items() for table in report.sheets(name, own, ours, notes[name])]
    files = [part.save(beside) for part in parts]
    values = {
        "metrics": {"test": _numbers(metrics)},
        "evaluation": {"fold": fold, "bootstrap": {"draws": draws, "seed": seed}, "test": metrics},
        "thresholds": thresholds,
        "provenance": _provenance(seen),
        "experimental": doubtful,
    }
    files += [_write(beside / f"{name}.json", json.dumps(value, indent=1) + "\n") for name, value in values.items()]
    files.append(_write(beside / "MODEL_CARD.md", model_card(model, metrics, thresholds, doubtful, seen)))
    pictures = [path for name, own in metrics.items() for path in report.draw(beside, name, own, ours, fold)]
    lines = [
        f"Run `{ours}`, encoder {model.config.encoder}. Thresholds come from {len(val):,} validation faces, "
        f"all figures from {len(test):,} test faces.",
        f"Intervals are 95 %, from {draws:,} draws of whole subjects (seed {seed}).",
    ]
    files += [
        _write(beside / "report.md", report.markdown(f"Evaluation of {ours}", lines, tables, pictures)),
        *pictures,
    ]
    return Report(metrics, doubtful, tables, files)


def _fold(run: Path, fold: int | None) -> int | None:
    if not (run / CONFIG).exists():
        return fold
    trained = RunConfig.of(read_config(run / CONFIG)).fold
    if fold is not None and trained is not None and fold != trained:
        raise ConfigError(
            f"{run} was trained for fold {trained}: it has seen subjects of fold {fold}.", f"Leave --fold {fold} out."
        )
    return trained if fold is None else fold


def _move(model: ClefModel, device: str) -> ClefModel:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return model.to(device)
    except (AssertionError, RuntimeError) as error:  # torch raises the one or the other
        raise ConfigError(f"There is no device {device}: {str(error).splitlines()[0]}", "Try --device cpu.") from None


def _score(model: ClefModel, examples: Examples, split: str) -> Scored:
    scores = predict(model, examples.faces, progress=f"scoring {split} faces")
    return Scored(
        dataset=split,
        au_names=examples.au_names,
        expression_names=examples.expression_names,
        aus=scores.aus,
        expressions=scores.expressions,
        intensities=scores.intensities,
        true_aus=examples.aus,
        votes=examples.votes,
        true_intensities=examples.intensities,
        subjects=_words(examples.subjects),
        activities=_words(examples.activities),
        paths=_words(examples.paths),
    )


def _notes(dataset: str, sets: Collection[Prepared], fold: int | None) -> list[str]:
    own = [prepared for prepared in sets if prepared.facts.dataset == dataset]
    notes = []
    if fold is not None and any("fold" in prepared.table.columns for prepared in own):
        notes.append(f"Fold {fold} alone: published figures are means over folds (`python -m training folds`).")
    if rejected := sum(prepared.facts.rejected for prepared in own):
        notes.append(f"{rejected:,} of the dataset's pictures were left out when it was prepared (rejected.csv).")
    return notes


def _training_sets(run: Path, sets: Mapping[Path, Prepared], fold: int | None) -> list[dict[str, Any]]:
    """What the run was trained on, as its settings say; of the given folders, where they say nothing."""
    folders = RunConfig.of(read_config(run / CONFIG)).data if (run / CONFIG).exists() else tuple(sets)
    seen: list[dict[str, Any]] = []
    for folder in folders:
        if folder not in sets and not folder.exists():
            seen.append({"dataset": folder.name, "faces": None, "teacher": ""})
            continue
        own = sets[folder] if folder in sets else Prepared.load(folder)
        folded = fold is not None and "fold" in own.table.columns
        table = by_fold(own.table, fold) if folded and fold is not None else own.table
        faces = int((table["split"] == "train").sum())
        seen.append({"dataset": own.facts.dataset, "faces": faces, "teacher": own.facts.teacher})
    return seen


def _provenance(seen: Sequence[dict[str, Any]]) -> dict[str, str]:
    return {
        "training_data": "; ".join(f"{each['dataset']}, {each['faces'] or 'unknown'} faces" for each in seen),
        "action_units": "; ".join(sorted({str(each["teacher"]) for each in seen if each["teacher"]}))
        or "the datasets'",
        "method": "CLEF, stages 1 and 2 (Zhang et al., ICCV 2023), own implementation",
    }


def _numbers(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as a bundle holds them: numbers by name. Intervals become `low` and `high`; what is none is left out."""
    found: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            found[key] = _numbers(value)
        elif isinstance(value, int | float):
            found[key] = value
        elif key.endswith("_interval") and value is not None:
            found[key] = {"low": value[0], "high": value[1]}
    return found


def _words(values: Any) -> Any:
    return np.array(["" if value is None else str(value) for value in values], np.str_)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
