"""What a trained cell is asked: test faces and their scores."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from training.config import RunConfig
from training.data import Examples, load_examples
from training.evaluation.action_units import best_thresholds
from training.evaluation.scored import Scored
from training.evaluation.scoring import embed_all, predict
from training.model import ClefModel
from training.prompts import compose_expression, name_prompt
from training.supervision import chosen_labels
from training.tables.cells import Exam
from training.texts import FOLDER, LabelTexts, load_labels

__all__ = ["Answers", "composable", "random_sentences", "sit"]

_DRAWS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What came out.

    Attributes:
        scored: the test faces that count, with scores and labels.
        thresholds: by Action Unit, from validation faces.
        extras: further figures by name.
    """

    scored: Scored
    thresholds: dict[str, float]
    extras: dict[str, float]


def sit(model: ClefModel, config: RunConfig, exam: Exam) -> Answers:
    """Score the test split of the exam's folder.

    Args:
        model: trained, with its text tower if that was tuned.
        config: stage 2's.
        exam: what is asked.

    Raises:
        ConfigError: the folder hasn't what is asked.
    """
    if exam.kind == "labels":
        return _labels(model, config, exam)
    test = load_examples([exam.folder], "test", fold=exam.fold)
    test = test.subset(np.flatnonzero(test.voted))
    texts = load_labels(config.labels or FOLDER / "labels.yaml").chosen((), test.expression_names)
    if exam.kind == "unseen":
        return _unseen(model, config.stage2.leave_out, test, texts)
    return _composed(model, test, load_labels(config.labels or FOLDER / "labels.yaml"), config.loop.seed)


def composable(expressions: Sequence[str], aus: Sequence[str], texts: LabelTexts) -> dict[str, str]:
    """The sentences of those expressions of which a model knows any Action Unit."""
    known = {}
    for name in expressions:
        with contextlib.suppress(ConfigError):
            known[name] = compose_expression(name, aus, texts)
    return known


def random_sentences(
    expressions: Sequence[str], aus: Sequence[str], texts: LabelTexts, rng: np.random.Generator
) -> list[str]:
    """Sentences as `compose_expression`'s, of as many Action Units as an expression has, but drawn at random."""
    known = [name for name in aus if name in texts.au]
    drawn = {
        name: [str(each) for each in rng.choice(known, min(len(texts.emfacs[name]), len(known)), replace=False)]
        for name in expressions
    }
    mixed = texts.model_copy(update={"emfacs": drawn})
    return [compose_expression(name, aus, mixed) for name in expressions]


def _labels(model: ClefModel, config: RunConfig, exam: Exam) -> Answers:
    val, test = (
        chosen_labels(load_examples([exam.folder], split, fold=exam.fold), config.stage2) for split in ("val", "test")
    )
    if (test.au_names, test.expression_names) != (model.config.au_names, model.config.expression_names):
        raise ConfigError(f"{exam.folder}: its labels aren't the model's.")
    tuning = predict(model, val.faces).aus if model.config.au_names else val.aus
    scores = predict(model, test.faces)
    return Answers(
        _scored(test, scores.expressions, scores.aus, test.expression_names),
        best_thresholds(tuning, val.aus, model.config.au_names),
        {},
    )


def _unseen(model: ClefModel, left_out: Sequence[str], test: Examples, texts: LabelTexts) -> Answers:
    """Faces of expressions that weren't learnt, against the names of all."""
    own = np.isin(np.array(test.expression_names)[test.votes.argmax(axis=1)], left_out)
    test = test.subset(np.flatnonzero(own))
    if not len(test):
        raise ConfigError(f"No test face shows {', '.join(left_out)}.")
    names = [name_prompt(texts.expression[name], texts) for name in test.expression_names]
    scores = _similarities(embed_all(model, test.faces), model.embed_sentences(names))
    return Answers(_scored(test, scores, None, test.expression_names), {}, {})


def _composed(model: ClefModel, test: Examples, texts: LabelTexts, seed: int) -> Answers:
    """Faces against sentences of expressions that are put together from Action Units' texts."""
    known = composable(test.expression_names, model.config.au_names, texts)
    shown = set(np.array(test.expression_names)[test.votes.argmax(axis=1)])
    known = {name: sentence for name, sentence in known.items() if name in shown}
    if len(known) < 2:
        raise ConfigError("The model's Action Units make up fewer than two of the expressions.")
    kept = [test.expression_names.index(name) for name in known]
    test = test.subset(np.flatnonzero(np.isin(test.votes.argmax(axis=1), kept)))
    votes = test.votes[:, kept]
    test = replace(test, votes=votes, expression_names=tuple(known))
    faces, truth = embed_all(model, test.faces), votes.argmax(axis=1)
    scores = _similarities(faces, model.embed_sentences(list(known.values())))
    rng = np.random.default_rng(seed)
    drawn = [random_sentences(list(known), model.config.au_names, texts, rng) for _ in range(_DRAWS)]
    controls = [_similarities(faces, model.embed_sentences(sentences)) for sentences in drawn]
    control = float(np.mean([(each.argmax(axis=1) == truth).mean() for each in controls]))
    return Answers(_scored(test, scores, None, test.expression_names), {}, {"random_text": control})


def _similarities(faces: torch.Tensor, sentences: torch.Tensor) -> NDArray[np.float32]:
    """(n, m) cosines, –1 to 1."""
    with torch.no_grad():
        found: NDArray[np.float32] = (faces @ sentences.T).float().cpu().numpy()
    return found


def _scored(test: Examples, expressions: Any, aus: Any, names: Sequence[str]) -> Scored:
    """Without intensities, which no table asks; without Action Units where `aus` is None."""
    width = 0 if aus is None else aus.shape[1]
    none = np.full((len(test), width), np.nan, np.float32)
    words = {
        key: np.array(["" if each is None else str(each) for each in getattr(test, key)], np.str_)
        for key in ("subjects", "activities", "paths")
    }
    return Scored(
        dataset=str(test.datasets[0]),
        au_names=test.au_names if aus is not None else (),
        expression_names=tuple(names),
        aus=none if aus is None else aus,
        expressions=expressions,
        intensities=none,
        true_aus=none if aus is None else test.aus,
        votes=test.votes,
        true_intensities=none,
        **words,
    )
