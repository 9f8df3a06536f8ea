"""The model card that a bundle carries: rendered from what was measured, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import TypeAdapter

from clef_rt.errors import ConfigError
from training.evaluation.beside_run import read_json
from training.evaluation.card_sections import sections, unknowns
from training.evaluation.card_tables import headline_sheet, peers_note, side_sheet, spots_sheet
from training.evaluation.lineage import is_rendered
from training.evaluation.sheets import number, percent, span
from training.evaluation.sides import whole_of
from training.evaluation.validity_sheets import marks
from training.yaml_file import load_yaml

__all__ = ["AUDITS", "CARD", "model_card", "write_card"]

CARD: Final = "MODEL_CARD.md"
AUDITS: Final = ("fairness", "robustness", "temporal")
"""What `audit` writes beside a checkpoint, a JSON file each; the card has a section for each that is there."""

_TEXTS: Final = Path(__file__).parents[1] / "texts"
_TEMPLATE: Final = "model_card.md.j2"
_RIGHTS: Final = "rights.yaml"


def write_card(run: Path) -> Path:
    """Render `MODEL_CARD.md` from the figures beside a checkpoint; returns its path.

    Raises:
        ConfigError: the run isn't evaluated.
    """
    found = {
        name: read_json(run / f"{name}.json")
        for name in ("evaluation", "lineage", "thresholds", "experimental", *AUDITS)
    }
    if found["evaluation"] is None or "model" not in found["evaluation"]:
        raise ConfigError(f"{run} isn't evaluated.", f"Run `python -m training evaluate {run} PREPARED…`.")
    path = run / CARD
    path.write_text(model_card(**found), encoding="utf-8")
    return path


def model_card(
    *,
    evaluation: Mapping[str, Any],
    lineage: Mapping[str, Any],
    thresholds: Mapping[str, float],
    experimental: Mapping[str, str],
    **audits: Mapping[str, Any] | None,
) -> str:
    """MODEL_CARD.md.

    Args:
        evaluation: what `evaluate_run` writes: `model`, `thresholds_from`, `test` (figures by dataset).
        lineage: what the model has seen (`Lineage.as_dict`).
        thresholds: by Action Unit.
        experimental: reasons by label.
        audits: what `audit_run` writes, by name (`AUDITS`); None where it wasn't run.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEXTS),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, of our own figures
    )
    environment.filters |= {"number": number, "percent": percent, "span": span}
    model, metrics = evaluation["model"], evaluation["test"]
    source = evaluation["thresholds_from"]
    measured = {name: own for name, own in audits.items() if own is not None}
    return environment.get_template(_TEMPLATE).render(
        model=model,
        whole=[name for name in model["action_units"] if name == whole_of(name)],
        one_sided=[name for name in model["action_units"] if name != whole_of(name)],
        lineage=lineage,
        rights=load_yaml(_TEXTS / _RIGHTS, TypeAdapter(dict[str, dict[str, str]])),
        metrics=metrics,
        source=source,
        rendered=[name for name in metrics if is_rendered(name)],
        chosen_on_photographs=any(not is_rendered(name) for name in source),
        thresholds=thresholds,
        experimental=experimental,
        headline=headline_sheet(metrics),
        peers=peers_note(metrics),
        spots=spots_sheet(metrics, thresholds, experimental),
        sides=side_sheet(metrics, experimental),
        marks=marks(experimental),
        sections=sections(measured),
        unknowns=unknowns(metrics, lineage, measured),
        commands=_commands(lineage, measured),
    )


def _commands(lineage: Mapping[str, Any], audits: Mapping[str, Any]) -> list[str]:
    """How the model is made and measured anew."""
    lines = []
    for each in lineage["seen"]:
        name = each["dataset"]
        if is_rendered(name):
            lines.append(f"python -m training synthetic --facekit ict_facekit.npz --out DATA/{name}")
        teacher = " --teacher face_landmarker.task" if each["teacher"] else ""
        lines.append(f"python -m training prepare {name} --data DATA --out prepared/{name}{teacher}")
    runs = [run["run"] for run in lineage["runs"]]
    for run in lineage["runs"]:
        lines.append(
            f"python -m training stage{run['stage']} --config {run['run']}/config.yaml --out runs/{run['run']}"
        )
    last = f"runs/{runs[-1] if runs else 'RUN'}"
    lines.append(f"python -m training evaluate {last} prepared/*")
    bundle = f"python -m export bundle {last} --out BUNDLE"
    if audits:
        lines += [bundle, f"python -m training audit {last} prepared/* --bundle BUNDLE"]
    return [*lines, bundle]
