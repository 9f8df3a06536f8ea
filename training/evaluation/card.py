"""The model card that a bundle carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from training.evaluation.sheets import number, percent, span
from training.model import ClefModel

__all__ = ["model_card"]

_TEXTS: Final = Path(__file__).parents[1] / "texts"
_CARD: Final = "model_card.md.j2"


def model_card(
    model: ClefModel,
    metrics: Mapping[str, Any],
    thresholds: Mapping[str, float],
    experimental: Mapping[str, str],
    training_sets: Sequence[Mapping[str, Any]],
) -> str:
    """MODEL_CARD.md.

    Args:
        model: the model.
        metrics: what `measure` gives, by dataset.
        thresholds: by Action Unit.
        experimental: reasons by label.
        training_sets: `dataset`, `faces` and `teacher` of each.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEXTS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, of our own figures
    )
    environment.filters |= {"number": number, "percent": percent, "span": span}
    return environment.get_template(_CARD).render(
        config=model.config,
        weights=sum(weight.numel() for weight in model.export_module().parameters()),
        metrics=metrics,
        thresholds=thresholds,
        experimental=experimental,
        training_sets=training_sets,
        expressions=model.config.expression_names,
    )
