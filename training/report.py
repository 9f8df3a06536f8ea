"""Evaluate a model whole, and write what the bundle carries: metrics, thresholds, provenance, MODEL_CARD.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clef_rt.errors import ConfigError
from training.checkpoint import load_checkpoint
from training.data import Examples, load_examples
from training.evaluate import (
    Predictions,
    au_agreement,
    best_thresholds,
    emotion_proxy,
    expression_figures,
    predict,
)
from training.model import ClefModel
from training.prepare import Prepared

__all__ = ["Report", "evaluate_run"]

CARD: Final = "model_card.md.j2"
_GOOD_AGREEMENT: Final = 0.85
_GOOD_PROXY: Final = 0.70
_GOOD_RECALL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured.

    Attributes:
        metrics: figures on the test splits, by dataset.
        experimental: labels not shown to be good, and why.
    """

    metrics: dict[str, Any]
    experimental: dict[str, str]


def evaluate_run(checkpoint: Path, folders: Sequence[Path]) -> Report:
    """Measure a model on the test splits of prepared folders; thresholds come from their validation splits.

    Writes `metrics.json`, `thresholds.json`, `experimental.json`, `provenance.json` and `MODEL_CARD.md` beside the
    checkpoint, where `python -m export bundle` finds them.

    Args:
        checkpoint: the run's folder, or its `model.pt`.
        folders: prepared datasets.

    Raises:
        ConfigError: a folder isn't prepared, or its labels or crops aren't the model's.
        BundleError: the checkpoint isn't one.
    """
    model = load_checkpoint(checkpoint)
    beside = checkpoint if checkpoint.is_dir() else checkpoint.parent
    aus, expressions = model.config.au_names, model.config.expression_names
    val, test = (load_examples(folders, split, aus=aus, expressions=expressions) for split in ("val", "test"))
    if val.faces.shape[1:] != (model.config.image_size, model.config.image_size, model.config.channels):
        raise ConfigError(f"The model takes crops of {model.config.image_size} px; these have {val.faces.shape[1]}.")
    val_scores = predict(model, val.faces)
    thresholds = best_thresholds(val, val_scores.aus)
    metrics = {name: _dataset_figures(model, test.of(name)) for name in sorted(set(test.datasets))}
    experimental = _experimental(val, val_scores)
    sets = [_training_set(Prepared.load(folder)) for folder in folders]
    provenance = {
        "training_data": "; ".join(f"{each['dataset']}, {each['faces']} faces" for each in sets),
        "action_units": "; ".join(sorted({str(each["teacher"]) for each in sets if each["teacher"]}))
        or "the datasets'",
        "method": "CLEF, stages 1 and 2 (Zhang et al., ICCV 2023), own implementation",
    }
    files = {
        "metrics": {"test": metrics},
        "thresholds": thresholds,
        "provenance": provenance,
        "experimental": experimental,
    }
    for name, value in files.items():
        (beside / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
    (beside / "MODEL_CARD.md").write_text(_card(model, metrics, thresholds, experimental, sets))
    return Report(metrics, experimental)


def _dataset_figures(model: ClefModel, examples: Examples) -> dict[str, Any]:
    scores = predict(model, examples.faces)
    figures: dict[str, Any] = {"faces": len(examples)}
    if examples.voted.any():
        figures["expressions"] = expression_figures(scores.expressions, examples.votes, examples.expression_names)
    figures["emotion_proxy"] = {
        "ours": emotion_proxy(examples, scores.aus),
        "teacher": emotion_proxy(examples, examples.aus),
    }
    figures["teacher_agreement"] = au_agreement(examples, scores.aus)
    return figures


def _experimental(val: Examples, scores: Predictions) -> dict[str, str]:
    """Labels whose scores haven't been shown to be good on validation faces, each with the reason."""
    reasons = {}
    agreement = au_agreement(val, scores.aus)
    proxies = emotion_proxy(val, scores.aus)
    for name in val.au_names:
        auc = agreement.get(name, {"auc": 0.0})["auc"]
        proxy = max((found[name] for found in proxies.values() if name in found), default=None)
        if auc < _GOOD_AGREEMENT:
            reasons[name] = f"follows the teacher badly, AUC {auc:.2f}"
        elif proxy is None:
            reasons[name] = "no emotion's proxy to test it by"
        elif proxy < _GOOD_PROXY:
            reasons[name] = f"tells no emotion's faces from neutral ones, AUC {proxy:.2f} at best"
    if val.voted.any():
        recall = expression_figures(scores.expressions, val.votes, val.expression_names)["recall"]
        reasons |= {
            name: f"found in {share:.0%} of its faces" for name, share in recall.items() if share < _GOOD_RECALL
        }
    return reasons


def _training_set(prepared: Prepared) -> dict[str, Any]:
    faces = int((prepared.table["split"] == "train").sum())
    return {"dataset": prepared.facts.dataset, "faces": faces, "teacher": prepared.facts.teacher}


def _card(
    model: ClefModel,
    metrics: dict[str, Any],
    thresholds: dict[str, float],
    experimental: dict[str, str],
    sets: list[dict[str, Any]],
) -> str:
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
        experimental=experimental,
        training_sets=sets,
        expressions=model.config.expression_names,
    )
