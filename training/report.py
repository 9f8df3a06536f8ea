"""Evaluate a model whole, and write what the bundle carries: metrics, thresholds, provenance, MODEL_CARD.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.data import Examples, load_examples
from training.evaluate import (
    EMFACS,
    au_agreement,
    best_thresholds,
    emotion_proxy,
    expression_figures,
    predict,
)
from training.manifest import EXPRESSIONS
from training.model import ClefModel, load_checkpoint
from training.prepare import Prepared

__all__ = ["evaluate_run"]

CARD: Final = "model_card.md.j2"
_GOOD_AGREEMENT: Final = 0.85
_GOOD_PROXY: Final = 0.70


def evaluate_run(checkpoint: Path, folders: Sequence[Path]) -> dict[str, Any]:
    """Measure a model on the test splits of prepared folders; thresholds come from their validation splits.

    Writes `metrics.json`, `thresholds.json`, `provenance.json` and `MODEL_CARD.md` beside the checkpoint, where
    `python -m export bundle` finds them.

    Args:
        checkpoint: the run's folder, or its `model.pt`.
        folders: prepared datasets.

    Returns:
        The metrics.

    Raises:
        ConfigError: a folder isn't prepared.
        BundleError: the checkpoint isn't one.
    """
    model = load_checkpoint(checkpoint)
    beside = checkpoint if checkpoint.is_dir() else checkpoint.parent
    val, test = load_examples(folders, "val"), load_examples(folders, "test")
    thresholds = best_thresholds(val, predict(model, val.faces).aus)
    metrics: dict[str, Any] = {"split": "test", "datasets": {}}
    for name in sorted(set(test.datasets)):
        metrics["datasets"][name] = _dataset_figures(model, test.of(name))
    metrics["experimental"] = _experimental(model, val)
    sets = [_training_set(Prepared.load(folder)) for folder in folders]
    provenance = {
        "training_data": "; ".join(f"{each['dataset']}, {each['faces']} faces" for each in sets),
        "action_units": "; ".join(sorted({str(each["teacher"]) for each in sets if each["teacher"]}))
        or "the datasets'",
        "method": "CLEF, stages 1 and 2 (Zhang et al., ICCV 2023), own implementation",
    }
    for name, value in (("metrics", metrics), ("thresholds", thresholds), ("provenance", provenance)):
        (beside / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
    (beside / "MODEL_CARD.md").write_text(_card(model, metrics, thresholds, sets))
    return metrics


def _dataset_figures(model: ClefModel, examples: Examples) -> dict[str, Any]:
    scores = predict(model, examples.faces)
    figures: dict[str, Any] = {"faces": len(examples)}
    if np.isfinite(examples.votes).all(axis=1).any():
        figures["expressions"] = expression_figures(scores.expressions, examples.votes)
    figures["emotion_proxy"] = {
        "ours": emotion_proxy(examples, scores.aus),
        "teacher": emotion_proxy(examples, examples.aus),
    }
    figures["teacher_agreement"] = au_agreement(examples, scores.aus)
    return figures


def _experimental(model: ClefModel, val: Examples) -> list[str]:
    """Action Units whose scores haven't been shown to be good, on validation faces.

    Those that follow the teacher badly (AUC < 0.85), and those of which no emotion's proxy reaches an AUC of 0.70.
    """
    scores = predict(model, val.faces)
    agreement = au_agreement(val, scores.aus)
    proxies = emotion_proxy(val, scores.aus)
    best = {
        name: max((found[name] for found in proxies.values() if name in found), default=0.0) for name in val.au_names
    }
    return [
        name
        for name in val.au_names
        if agreement.get(name, {"auc": 0.0})["auc"] < _GOOD_AGREEMENT or best[name] < _GOOD_PROXY
    ]


def _training_set(prepared: Prepared) -> dict[str, Any]:
    faces = int((prepared.table["split"] == "train").sum())
    return {"dataset": prepared.facts.dataset, "faces": faces, "teacher": prepared.facts.teacher}


def _card(model: ClefModel, metrics: dict[str, Any], thresholds: dict[str, float], sets: list[dict[str, Any]]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "texts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, of our own figures
    )
    return environment.get_template(CARD).render(
        config=model.config,
        weights=sum(weight.numel() for weight in model.export_module().parameters()),
        metrics=metrics,
        thresholds=thresholds,
        training_sets=sets,
        expressions=EXPRESSIONS,
        emfacs=EMFACS,
    )
