"""Audits as tables, for the report and the card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from training.evaluation.probes import FIGURES
from training.evaluation.sheets import Sheet, number, span

__all__ = [
    "GAP_LEGEND",
    "LUMINANCE",
    "TITLES",
    "cell",
    "fairness_sheets",
    "robustness_sheets",
    "temporal_sheets",
    "worst_labels",
]

TITLES: Final = {
    "skin_tone": "skin tone",
    "cheek_luminance": "brightness of the cheek",
    "hair": "long hair",
    "hidden": "partly covered",
}
GAP_LEGEND: Final = (
    "gap: the best group's figure less the worst's; by chance: 95 % of the gaps between groups of the same sizes, "
    "drawn at random out of the same people, are below. A gap under it isn't shown to be one."
)
_STILLS: Final = (
    "{photographs} photographs, {faces} faces, {frames} frames each, with a camera's noise, JPEG and shaking of 1 px. "
    "Standard deviation of the score over time (0–1); how often it passes its threshold. followed: as live, landmarks "
    "smoothed; alone: each frame searched anew."
)
_BLENDS: Final = (
    "Photographs of the same person, blended over 8 frames at 30 a second. The first figure holds what the blend "
    "itself does to the score; the second is the runtime's own delay, against the same blends scored as photographs."
)
LUMINANCE: Final = (
    "The brightness of the cheek is a weak stand-in for skin tone: it is light, exposure and skin at once. A person's "
    "faces in two thirds count as two people."
)


def fairness_sheets(found: Mapping[str, Any]) -> list[Sheet]:
    """A table a dataset and attribute; figures as `fairness.json` has them."""
    sheets = []
    for dataset, attributes in found.items():
        for attribute, by_figure in attributes.items():
            figures = {key: own for key, own in by_figure.items() if key in FIGURES}
            if not figures:
                continue
            groups = next(iter(figures.values()))["groups"]
            rows = [
                (
                    name,
                    f"{own['faces']:,}",
                    f"{own['subjects']:,}",
                    *(cell(each["groups"].get(name)) for each in figures.values()),
                )
                for name, own in groups.items()
            ]
            rows.append(("gap", "", "", *(cell(each["gap"]) for each in figures.values())))
            rows.append(("gap by chance", "", "", *(number(each["gap"]["chance"]) for each in figures.values())))
            notes = [GAP_LEGEND, *([LUMINANCE] if attribute == "cheek_luminance" else [])]
            if worst := worst_labels(by_figure.get("labels", {})):
                notes.append(f"Largest gaps of single Action Units' AUC: {worst}.")
            sheets.append(
                Sheet(
                    f"By {TITLES.get(attribute, attribute)}, {dataset}",
                    ("group", "faces", "people", *(FIGURES[key] for key in figures)),
                    tuple(rows),
                    tuple(notes),
                    strong=(len(rows) - 2,),
                )
            )
    return sheets


def worst_labels(labels: Mapping[str, Mapping[str, float | None]], most: int = 3) -> str:
    """The Action Units with the largest gaps, in words."""
    gaps = []
    for name, groups in labels.items():
        known = {group: value for group, value in groups.items() if value is not None}
        if len(known) > 1:
            worst = min(known, key=lambda group: known[group])
            gaps.append((max(known.values()) - known[worst], name, worst))
    return ", ".join(f"{name} {gap:.2f} (worst: {worst})" for gap, name, worst in sorted(gaps, reverse=True)[:most])


def robustness_sheets(found: Mapping[str, Any]) -> list[Sheet]:
    """A table of all curves, a row a level; and one for each pose. Figures as `robustness.json` has them."""
    columns = [(dataset, figure) for dataset, own in found["unchanged"].items() for figure in own]
    rows = [("unchanged", *(cell(found["unchanged"][dataset][figure]) for dataset, figure in columns))]
    for way in found["curves"].values():
        for place, level in enumerate(way["levels"]):
            cells = (cell(way["figures"][dataset][figure][place]) for dataset, figure in columns)
            rows.append((f"{way['title']}, {way['unit']}: {level:g}", *cells))
    heads = (f"{FIGURES[figure]}, {dataset} ({found['faces'][dataset]:,})" for dataset, figure in columns)
    sheets = [Sheet("Robustness", ("crops", *heads), tuple(rows), strong=(0,))]
    for dataset, poses in found.get("poses", {}).items():
        for column, bins in poses.items():
            keys = list(bins[0]["figures"])
            sheets.append(
                Sheet(
                    f"By {column}, {dataset}",
                    ("degrees, either way", "faces", *(FIGURES[key] for key in keys)),
                    tuple(
                        (f"{b['from']}–{b['to']}", f"{b['faces']:,}", *(cell(b["figures"].get(key)) for key in keys))
                        for b in bins
                    ),
                )
            )
    return sheets


def temporal_sheets(found: Mapping[str, Any]) -> list[Sheet]:
    """Flicker by label, and delays. Figures as `temporal.json` has them."""
    own = found["flicker"]
    ways = [way for way in ("followed", "alone") if way in own]
    sheets = []
    if ways:
        names = list(own[ways[0]]["labels"])
        rows = [(name, *_wavering(own, ways, name)) for name in names]
        rows.append(
            (
                "mean",
                *(cell for way in ways for cell in (number(own[way]["deviation"]), "", number(own[way]["flips"], 2))),
            )
        )
        sheets.append(
            Sheet(
                f"Flicker of unmoving faces, {found['bundle']}",
                ("label", *(f"{head}, {way}" for way in ways for head in ("deviation", "worst", "flips a second"))),
                tuple(rows),
                (_STILLS.format(**own),),
                strong=(len(rows) - 1,),
            )
        )
    if found.get("onset"):
        sheets.append(
            Sheet(
                f"Delay of a change, {found['bundle']}",
                (
                    "from neutral to",
                    "people",
                    "frames after the pictures' half way",
                    "frames after photographs' half way",
                    "ms",
                ),
                tuple(_delays(found["onset"])),
                (_BLENDS,),
            )
        )
    return sheets


def _wavering(own: Mapping[str, Any], ways: Sequence[str], name: str) -> Iterator[str]:
    for way in ways:
        label = own[way]["labels"][name]
        yield from (number(label["deviation"]), number(label["worst"]), number(label["flips"], 2))


def _delays(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, own in found.items():
        yield (
            name,
            str(own["people"]),
            cell({"value": own["after_blend"], "interval": own["after_blend_interval"]}, 2),
            cell({"value": own["delay"], "interval": own["delay_interval"]}, 2),
            number(own["delay_ms"], 0),
        )


def cell(own: Mapping[str, Any] | None, digits: int = 3) -> str:
    """A figure (`value`) with its `interval`, where it has one."""
    if own is None:
        return "–"
    value = number(own["value"], digits)
    return value if own.get("interval") is None else f"{value} ({span(own['interval'], 1, 2)})"
