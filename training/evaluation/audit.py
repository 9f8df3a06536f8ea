"""Audit a run: how robust it is, how alike it does for groups of people, how steady in video. Its card tells of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import clef_rt
from clef_rt.errors import ConfigError
from training.data import Examples
from training.evaluation import fairness, robustness, temporal
from training.evaluation.action_units import auc_statistic
from training.evaluation.audit_plots import curves_png, groups_png
from training.evaluation.audit_sheets import fairness_sheets, robustness_sheets, temporal_sheets
from training.evaluation.beside_run import Subject, open_run, read_json, write_json
from training.evaluation.bootstrap import resample
from training.evaluation.card import AUDITS, write_card
from training.evaluation.lineage import is_rendered
from training.evaluation.probes import probes_of
from training.evaluation.report import markdown
from training.evaluation.scoring import Predictions, predict
from training.evaluation.sheets import Sheet
from training.evaluation.sides import whole_of
from training.evaluation.stills import photographs
from training.prepare import Prepared

__all__ = ["Audit", "audit_run"]

_DRAWS: Final = 200
_PEOPLE: Final = 30  # whose faces are faded from one expression into another, at most
_REPORT: Final = "audit.md"


@dataclass(frozen=True, slots=True)
class Audit:
    """What was measured.

    Attributes:
        found: figures by audit.
        sheets: the same as tables.
        files: what was written.
    """

    found: dict[str, Any]
    sheets: list[Sheet]
    files: list[Path]


def audit_run(
    checkpoint: Path,
    folders: Sequence[Path],
    *,
    bundle: Path | None = None,
    stills: Sequence[Path] = (),
    only: Collection[str] = AUDITS,
    faces: int = 400,
    frames: int = 60,
    fold: int | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Audit:
    """Audit an evaluated run on the test splits of prepared folders.

    Writes `fairness.json`, `robustness.json`, `temporal.json`, `audit.md` and its pictures beside the checkpoint, and
    the card anew.

    Args:
        checkpoint: the run's folder, or its `model.pt`.
        folders: prepared datasets.
        bundle: the run's bundle, for `temporal`, which goes through the runtime; without it, that is left out.
        stills: folders of photographs, for `temporal`; besides those that packages install.
        only: some of `AUDITS`.
        faces: of each dataset, for `robustness`, which scores each some fifty times.
        frames: of each photograph, for `temporal`.
        fold: of datasets in folds: the one to test on.
        draws: of subjects, for the intervals.
        seed: of all that is random.
        device: as torch calls it.
        say: told what is being done.

    Raises:
        ConfigError: the run isn't evaluated, a folder isn't prepared, or there is no such audit.
        BundleError: the checkpoint or the bundle isn't one.
        MissingExtra: matplotlib isn't installed.
    """
    if unknown := sorted(set(only) - set(AUDITS)):
        raise ConfigError(f"There is no audit {', '.join(unknown)}.", f"Choose {', '.join(AUDITS)}.")
    subject = open_run(checkpoint, folders, fold=fold, device=device)
    thresholds = read_json(subject.folder / "thresholds.json")
    if thresholds is None:
        raise ConfigError(
            f"{subject.folder} isn't evaluated.", f"Run `python -m training evaluate {checkpoint} PREPARED…` first."
        )
    test = subject.examples("test")
    sets = {str(name): test.of(str(name)) for name in sorted(set(test.datasets))}
    run = _Run(subject, thresholds, sets, draws, seed, say)
    found: dict[str, Any] = {}
    if "fairness" in only:
        found["fairness"] = run.fairness()
    if "robustness" in only:
        found["robustness"] = run.robustness(faces)
    if "temporal" in only and bundle is not None:
        found["temporal"] = run.temporal(bundle, stills, frames)
    elif "temporal" in only:
        say("temporal: left out, for it goes through the runtime: give --bundle")
    return _written(subject, found)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    subject: Subject
    thresholds: Mapping[str, float]
    sets: Mapping[str, Examples]
    draws: int
    seed: int
    say: Callable[[str], None]

    def fairness(self) -> dict[str, Any]:
        """By group, of each dataset: `by` attribute and figure, and for rendered faces `labels` by Action Unit."""
        found: dict[str, Any] = {}
        for dataset, examples in self.sets.items():
            self.say(f"fairness: {dataset}, {len(examples):,} faces")
            scores = predict(self.subject.model, examples.faces)
            if is_rendered(dataset):
                known = fairness.attributes(_columns(examples, self.subject.sets.values()))
                groups = {name: (own, examples.subjects, None) for name, own in known.items()}
            else:
                luminance = fairness.cheek_luminance(np.ascontiguousarray(examples.faces[: len(examples)]))
                thirds, order = fairness.luminance_groups(luminance)
                # A person may be in several thirds: each part counts as a person of its own.
                parts = np.array(
                    [f"{s}|{g}" if s else None for s, g in zip(examples.subjects, thirds, strict=True)], object
                )
                groups = {"cheek_luminance": (thirds, parts, order)}
            by = {name: self._by(examples, scores, *own) for name, own in groups.items()}
            if by := {name: own for name, own in by.items() if own}:
                found[dataset] = by
        return found

    def _by(
        self,
        examples: Examples,
        scores: Predictions,
        groups: NDArray[np.object_],
        subjects: NDArray[np.object_],
        order: Sequence[str] | None,
    ) -> dict[str, Any]:
        resamples = resample(subjects, self.draws, self.seed)
        order = order or _order(groups)
        found: dict[str, Any] = {}
        for probe in probes_of(examples, self.thresholds):
            own = fairness.by_group(probe.statistic(scores, resamples), groups, resamples, order)
            if own is not None:
                found[probe.figure] = own
        if found and is_rendered(str(examples.datasets[0])):
            found["labels"] = _labels_by_group(examples, scores, groups, order)
        return found

    def robustness(self, faces: int) -> dict[str, Any]:
        """Curves, and figures by pose where the manifest tells it."""
        chosen = {name: own.subset(robustness.chosen(own, faces, self.seed)) for name, own in self.sets.items()}
        total = sum(map(len, chosen.values()))
        self.say(f"robustness: {total:,} faces, each changed in {sum(len(w.levels) for w in _ways())} ways")
        found = robustness.curves(
            lambda own: predict(self.subject.model, own), chosen, self.thresholds, draws=self.draws, seed=self.seed
        )
        poses = {}
        for dataset, examples in self.sets.items():
            table = _columns(examples, self.subject.sets.values())
            turned = {name: table[name].to_numpy(np.float64) for name in robustness.POSES if name in table.columns}
            if turned and is_rendered(dataset):
                scores = predict(self.subject.model, examples.faces)
                own = robustness.pose_curves(
                    scores, examples, turned, self.thresholds, draws=self.draws, seed=self.seed
                )
                if own:
                    poses[dataset] = own
        return {**found, "poses": poses}

    def temporal(self, bundle: Path, folders: Sequence[Path], frames: int) -> dict[str, Any]:
        """Flicker of photographs, and onsets of people whose neutral face is there, too."""
        analyzer = clef_rt.load(bundle)
        stills = photographs(folders)
        self.say(f"temporal: {len(stills)} photographs as video, through the runtime")
        found: dict[str, Any] = {
            "bundle": f"{analyzer.bundle.spec.name} {analyzer.bundle.spec.version}",
            "flicker": temporal.flicker(analyzer, stills, frames=frames, seed=self.seed),
            "onset": {},
        }
        for word, au in temporal.ONSETS:
            pairs = [pair for own in self.sets.values() for pair in _before_and_after(own, word)][:_PEOPLE]
            if au in analyzer.labels.au.names and pairs:
                self.say(f"temporal: {len(pairs)} people from neutral to {word}")
                if (own := temporal.onset(analyzer, pairs, au)) is not None:
                    found["onset"][f"{word} {au}"] = own
        return found


def _written(subject: Subject, found: Mapping[str, Any]) -> Audit:
    folder = subject.folder
    files = [write_json(folder / f"{name}.json", own) for name, own in found.items()]
    known = {name: own for name in AUDITS if (own := read_json(folder / f"{name}.json")) is not None}
    sheets: list[Sheet] = []
    pictures: list[Path] = []
    if "fairness" in known:
        sheets += fairness_sheets(known["fairness"])
        pictures += groups_png(folder, known["fairness"], subject.name)
    if "robustness" in known:
        sheets += robustness_sheets(known["robustness"])
        pictures += curves_png(folder, known["robustness"], subject.name)
    if "temporal" in known:
        sheets += temporal_sheets(known["temporal"])
    lines = [f"Run `{subject.name}`, on test faces. Intervals are 95 %, subjects drawn anew."]
    report = folder / _REPORT
    report.write_text(markdown(f"Audit of {subject.name}", lines, sheets, pictures), encoding="utf-8")
    return Audit(dict(found), sheets, [*files, report, *pictures, write_card(folder)])


def _ways() -> Collection[Any]:
    return robustness.PERTURBATIONS.values()


def _order(groups: NDArray[np.object_]) -> list[str]:
    """The groups in the order of their attribute's bounds."""
    ranked = [name for bounds in fairness.ATTRIBUTES.values() for _, name in bounds]
    return [name for name in dict.fromkeys(ranked) if name in set(groups)]


def _columns(examples: Examples, sets: Collection[Prepared]) -> pd.DataFrame:
    """The manifests' rows of the examples, in their order: what is known of them besides labels."""
    tables = [prepared.table.assign(dataset=prepared.facts.dataset) for prepared in sets]
    names = set(map(str, examples.datasets))
    own = pd.concat([table for table in tables if table["dataset"].iloc[0] in names], ignore_index=True)
    return own.set_index("path").loc[examples.paths.tolist()].reset_index()


def _labels_by_group(
    examples: Examples, scores: Predictions, groups: NDArray[np.object_], order: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """AUC by whole Action Unit and group."""
    found: dict[str, dict[str, float | None]] = {}
    columns = [place for place, name in enumerate(examples.au_names) if name == whole_of(name)]
    for group in order:
        rows = groups == group
        codes = np.zeros(int(rows.sum()), np.intp)
        values = auc_statistic(scores.aus[rows][:, columns], examples.aus[rows][:, columns], codes)(np.ones((1, 1)))[0]
        for column, value in zip(columns, values, strict=True):
            own = found.setdefault(examples.au_names[column], {})
            own[group] = float(value) if np.isfinite(value) else None
    return found


def _before_and_after(examples: Examples, word: str) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Photographed people of whom a neutral face is there, and one of that word."""
    if is_rendered(str(examples.datasets[0])):
        return
    words = examples.activities.astype(str)
    first = {
        kind: {str(s): row for row, s in reversed(list(enumerate(examples.subjects))) if s and words[row] == kind}
        for kind in ("neutral", word)
    }
    for person in sorted(first["neutral"].keys() & first[word].keys()):
        before, after = (np.asarray(examples.faces[first[kind][person] : first[kind][person] + 1])[0] for kind in first)
        yield person, before, after
