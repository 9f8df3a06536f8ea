"""How well labels that are defined by text alone tell faces apart: by a teacher's Action Units, by emotion words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import RootModel

from clef_rt.bundle import Bundle
from clef_rt.encode import load_encoder
from clef_rt.errors import ConfigError
from clef_rt.labels import mean_direction
from clef_rt.labels.label_file import NewLabel
from clef_rt.text import TextEncoder, text_of
from clef_rt.yaml_file import check_file
from training.data import Examples, load_examples
from training.evaluation.roc import area

__all__ = ["TRIALS", "Row", "Trial", "markdown", "measure", "read_trials"]

TRIALS: Final = Path(__file__).with_name("zero_shot.yaml")
_BATCH: Final = 32

Floats = NDArray[np.float64]


class Trial(NewLabel):
    """A label to try, and which faces show it.

    Attributes:
        au: those on which the teacher's score of this Action Unit is 0.5 or more.
        word: those of this emotion word, among them and the ones called neutral.
    """

    au: str | None = None
    word: str | None = None


class _Trials(RootModel[dict[str, Trial]]):
    """Trials by name."""


@dataclass(frozen=True, slots=True)
class Row:
    """One label by one truth. Areas under the ROC curve; None where all or none of the faces show it.

    Attributes:
        name: the label's.
        truth: `AU12`, or an emotion's word.
        present: faces that show it.
        faces: of how many.
        alone: the area by the cosine with the label's prompts.
        against: the area by that less the cosine with what it is scored against.
        trained: the area by the trained label of that name.
        nearest: the trained label that is nearest in meaning.
        cosine: of both labels' texts.
    """

    name: str
    truth: str
    present: int
    faces: int
    alone: float | None
    against: float | None
    trained: float | None
    nearest: str
    cosine: float


def read_trials(path: Path = TRIALS) -> dict[str, Trial]:
    """Read the labels to try.

    Raises:
        ConfigError: something in the file is wrong; names the line.
    """
    found, problems = check_file(path, _Trials, things="labels", example=f"See {TRIALS.name}.", words={})
    if found is None:
        raise ConfigError("; ".join(problems))
    return found.root


def measure(bundle: Bundle, texts: TextEncoder, folder: Path, trials: Mapping[str, Trial]) -> list[Row]:
    """Try labels on the test faces of a prepared folder.

    Args:
        bundle: the model.
        texts: its text side.
        folder: as `python -m training prepare` writes it.
        trials: by name.

    Raises:
        ConfigError: the folder isn't prepared, or has no test face.
    """
    groups, template = bundle.spec.groups, text_of(bundle).template
    examples = load_examples([folder], "test", side=bundle.spec.input.size)
    faces = _embedded(bundle, examples)
    trained = {
        label.name: mean_direction(label.name, bundle.embeddings[list(label.rows)])
        for label in groups.au.labels + groups.expression.labels
    }
    rows = []
    for name, trial in trials.items():
        own = mean_direction(name, texts.embed(trial.sentences(template)))
        other = mean_direction(name, texts.embed(trial.against_sentences(template))) if trial.against else None
        cosine, nearest = max((float(own @ direction), label) for label, direction in trained.items())
        for truth in filter(None, (trial.au, trial.word)):
            shown, known = _truth(examples, trial, truth)
            if not known.any():
                continue
            own_faces, shown = faces[known], shown[known]
            row = Row(
                name=name,
                truth=truth,
                present=int(shown.sum()),
                faces=len(shown),
                alone=_area(own_faces, shown, own),
                against=_area(own_faces, shown, None if other is None else own - other),
                trained=_area(own_faces, shown, trained.get(truth)),
                nearest=nearest,
                cosine=cosine,
            )
            rows.append(row)
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = [
        "| label | truth | faces | alone | against | trained | nearest trained label |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        areas = " | ".join("–" if area is None else f"{area:.2f}" for area in (row.alone, row.against, row.trained))
        lines.append(
            f"| {row.name} | {row.truth} | {row.present} of {row.faces} | {areas} | {row.nearest} {row.cosine:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _embedded(bundle: Bundle, examples: Examples) -> Floats:
    engine = load_encoder(bundle, "cpu")
    starts = range(0, len(examples), _BATCH)
    parts = [engine.encode(np.asarray(examples.faces[np.arange(i, min(i + _BATCH, len(examples)))])) for i in starts]
    return np.concatenate(parts).astype(np.float64)


def _area(faces: Floats, shown: NDArray[np.bool_], direction: Floats | None) -> float | None:
    return None if direction is None else area((faces @ direction).astype(np.float32), shown)


def _truth(examples: Examples, trial: Trial, truth: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(n,) each: the faces that show it, and those that it's known of."""
    if truth == trial.au:
        if truth not in examples.au_names:
            return np.zeros(len(examples), bool), np.zeros(len(examples), bool)
        scores = examples.aus[:, examples.au_names.index(truth)]
        return scores >= 0.5, np.isfinite(scores)
    words = examples.activities
    return words == truth, (words == truth) | (words == "neutral")
