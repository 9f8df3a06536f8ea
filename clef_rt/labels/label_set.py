"""Another set of labels for the same encoder: labels added by text, and removed, and the others left as they are.

Trained labels are never touched: their rows of the table, and so their scores, stay the same to the bit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from clef_rt.bundle import Bundle, load_bundle
from clef_rt.bundle.label_spec import Against, IndependentGroup, Label
from clef_rt.bundle.spec import CARD, LABELS, BundleSpec
from clef_rt.bundle.write import pack, write_bundle
from clef_rt.errors import BundleError, ConfigError
from clef_rt.labels import LabelBank, mean_direction
from clef_rt.labels.label_card import with_labels
from clef_rt.labels.label_file import NewLabel
from clef_rt.text import TextEncoder, text_of

__all__ = ["ALIKE", "Draft", "Likeness", "add_labels", "likenesses", "remove_labels", "write_labels"]

ALIKE: Final = 0.85
"""The cosine of two labels' texts from which their scores mostly go together; docs/labels.md has the figures."""
FAR: Final = 0.55
"""The cosine below which nothing that the model learnt is near; likewise."""

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle that isn't written yet: what `write_bundle` takes."""

    spec: BundleSpec
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How near in meaning a label is to others.

    Attributes:
        name: the label's.
        nearest: the others', with the cosine between both labels' texts, nearest first.
        learnt: the nearest of those that were trained.
    """

    name: str
    nearest: tuple[tuple[str, float], ...]
    learnt: tuple[str, float]

    @property
    def warning(self) -> str:
        """What a user should know; "" where there is nothing."""
        for other, cosine in self.nearest[:1]:
            if cosine >= ALIKE:
                return f"{self.name} will score nearly as {other} does: the cosine of their texts is {cosine:.2f}."
        other, cosine = self.learnt
        if cosine < FAR:
            return f"{self.name} is far from all that was learnt (nearest is {other}, {cosine:.2f}): don't rely on it."
        return ""


def add_labels(bundle: Bundle, labels: Mapping[str, NewLabel], encoder: TextEncoder, *, replace: bool = False) -> Draft:
    """A bundle with more labels.

    Args:
        bundle: the one to start from.
        labels: those to add, by name.
        encoder: the bundle's text side.
        replace: a zero-shot label of the same name gives way; else that is an error.

    Raises:
        BundleError: the bundle can't embed texts.
        ConfigError: a name is taken, or a label's prompts cancel out.
    """
    spec, template = bundle.spec, text_of(bundle).template
    group = spec.groups.zero_shot or IndependentGroup(logit_scale=spec.groups.au.logit_scale, labels=())
    own = {label.name for label in group.labels}
    trained = {label.name for label in spec.groups.labels} - own
    if taken := sorted(labels.keys() & trained):
        raise ConfigError(f"{', '.join(taken)}: a trained label has this name already.", "Choose another.")
    if (taken := sorted(labels.keys() & own)) and not replace:
        raise ConfigError(f"{', '.join(taken)}: there is such a label already.", "Choose another name, or --replace.")
    rest, table = _without(bundle, labels.keys() & own)
    kept = {label.name: label for label in rest.groups.labels}
    row = len(table)
    tables, added = [table], {}
    for name, label in labels.items():
        prompts, against = label.sentences(template), label.against_sentences(template)
        tables.append(encoder.embed([*prompts, *against]))
        rows = tuple(range(row, row + len(prompts) + len(against)))
        row += len(rows)
        added[name] = Label(
            name=name,
            text=label.meaning,
            prompts=prompts,
            rows=rows[: len(prompts)],
            against=Against(prompts=against, rows=rows[len(prompts) :]) if against else None,
            bias=_bias(bundle, label),
            threshold=label.threshold,
        )
    # A label that is replaced keeps its place, so that the order of the others' scores stays.
    places = [label.name for label in group.labels]
    places += [name for name in added if name not in own]
    zero_shot = group.model_copy(update={"labels": tuple(added.get(name) or kept[name] for name in places)})
    return _draft(bundle, rest, zero_shot, np.concatenate(tables))


def remove_labels(bundle: Bundle, names: Collection[str]) -> Draft:
    """A bundle without some of its zero-shot labels.

    Raises:
        ConfigError: one isn't there, or was trained: what the encoder learnt can't be taken from it.
    """
    group = bundle.spec.groups.zero_shot
    own = {label.name for label in group.labels} if group else set()
    trained = {label.name for label in bundle.spec.groups.labels} - own
    if wrong := sorted(set(names) & trained):
        raise ConfigError(f"{', '.join(wrong)} can't be removed: only labels that were added by text can.")
    if wrong := sorted(set(names) - own):
        raise ConfigError(
            f"There is no label {', '.join(wrong)}.", f"Added by text: {', '.join(sorted(own)) or 'none'}."
        )
    rest, table = _without(bundle, names)
    return _draft(bundle, rest, rest.groups.zero_shot, table)


def write_labels(draft: Draft, target: Path) -> Bundle:
    """Write a bundle: a folder, or one file where the name ends in `.clef`.

    Raises:
        BundleError: it can't be written, or the place is taken by something else. The place is as it was.
    """
    if target.suffix != ".clef":
        return write_bundle(target, draft.spec, draft.files)
    try:
        with tempfile.TemporaryDirectory(prefix="clef-rt-") as folder:
            write_bundle(Path(folder) / "bundle", draft.spec, draft.files)
            return load_bundle(pack(Path(folder) / "bundle", target))
    except OSError as error:
        raise BundleError(f"{target}: can't be written: {error.strerror or error}.") from None


def likenesses(bundle: Bundle, names: Collection[str], count: int = 3) -> list[Likeness]:
    """For each of some labels, the others that are nearest to it in meaning.

    Args:
        bundle: has them all.
        names: of the labels to tell about.
        count: of others, at most.
    """
    labels, groups = bundle.spec.groups.labels, bundle.spec.groups
    trained = {label.name for label in groups.au.labels + groups.expression.labels}
    directions = np.array([mean_direction(label.name, bundle.embeddings[list(label.rows)]) for label in labels])
    found = []
    for own, direction in zip(labels, directions, strict=True):
        if own.name in names:
            others = [(label.name, float(cosine)) for label, cosine in zip(labels, directions @ direction, strict=True)]
            others = sorted((other for other in others if other[0] != own.name), key=lambda other: -other[1])
            learnt = next((other for other in others if other[0] in trained), ("none", -1.0))
            found.append(Likeness(own.name, tuple(others[:count]), learnt))
    return found


def _without(bundle: Bundle, names: Collection[str]) -> tuple[BundleSpec, Table]:
    """What the bundle says without some zero-shot labels, and the table without the rows that only these had."""
    spec = bundle.spec
    needed = {row for label in spec.groups.labels if label.name not in names for row in label.all_rows}
    needed |= {spec.text.probe_row} if spec.text else set()
    gone = {row for label in spec.groups.labels if label.name in names for row in label.all_rows} - needed
    rows = [row for row in range(len(bundle.embeddings)) if row not in gone]
    number = {row: position for position, row in enumerate(rows)}

    def moved(label: Label) -> Label:
        changed: dict[str, object] = {"rows": tuple(number[row] for row in label.rows)}
        if label.against:
            others = tuple(number[row] for row in label.against.rows)
            changed["against"] = label.against.model_copy(update={"rows": others})
        return label.model_copy(update=changed)

    groups = {}
    for group in ("au", "expression", "zero_shot"):
        if own := getattr(spec.groups, group):
            left = tuple(moved(label) for label in own.labels if label.name not in names)
            groups[group] = own.model_copy(update={"labels": left}) if left or group != "zero_shot" else None
    update: dict[str, object] = {"groups": spec.groups.model_copy(update=groups)}
    if spec.text:
        update["text"] = spec.text.model_copy(update={"probe_row": number[spec.text.probe_row]})
    return spec.model_copy(update=update), np.ascontiguousarray(bundle.embeddings[rows])


def _bias(bundle: Bundle, label: NewLabel) -> float:
    """As told; else that of an Action Unit of no particular frequency. Against something, even odds are at no bias."""
    biases = [own.bias for own in bundle.spec.groups.au.labels]
    if label.bias is not None or label.against or not biases:
        return label.bias or 0.0
    return sum(biases) / len(biases)


def _draft(bundle: Bundle, spec: BundleSpec, zero_shot: IndependentGroup | None, table: Table) -> Draft:
    groups = spec.groups.model_copy(update={"zero_shot": zero_shot})
    LabelBank(groups, table)  # refuses labels that have no direction, and names them
    card = bundle.read(CARD).decode(errors="surrogateescape")  # bytes that aren't UTF-8 come back as they were
    files = {name: bundle.read(name) for name in bundle.spec.files}
    files[CARD] = with_labels(card, zero_shot.labels if zero_shot else ()).encode(errors="surrogateescape")
    files[LABELS] = save({"embeddings": table})
    return Draft(spec.model_copy(update={"groups": groups, "files": {}}), files)
