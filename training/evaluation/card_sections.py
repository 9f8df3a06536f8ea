"""The model card's sections on what `audit` measured, and its list of what nobody measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from training.evaluation.audit_sheets import GAP_LEGEND, LUMINANCE, TITLES, cell, fairness_sheets, temporal_sheets
from training.evaluation.probes import FIGURES
from training.evaluation.sheets import Sheet, number
from training.evaluation.sides import whole_of

__all__ = ["kept_up_to", "sections", "unknowns"]

_KEPT: Final = 0.9
_CHANCE: Final = {"proxy": 0.5, "auc": 0.5}
_STEADIEST: Final = 5


def sections(audits: Mapping[str, Any]) -> list[str]:
    """Markdown of each audit that was run."""
    found = []
    if audits.get("fairness"):
        found.append(_fairness(audits["fairness"]))
    if audits.get("robustness"):
        found.append(_robustness(audits["robustness"]))
    if audits.get("temporal"):
        found.append(_temporal(audits["temporal"]))
    return found


def unknowns(metrics: Mapping[str, Any], lineage: Mapping[str, Any], audits: Mapping[str, Any]) -> list[str]:
    """Sentences on what isn't known of the model.

    Args:
        metrics: figures by dataset.
        lineage: what it has seen.
        audits: what `audit` measured.
    """
    coded = any(own.get("action_units", {}).get("labelled_by") == "the dataset" for own in metrics.values())
    lines = [] if coded else ["Its Action Units were never measured against human FACS coders, on any photograph."]
    if {"ferplus", "real_faces"} & set(metrics):
        lines.append(
            "The photographs that it was tested on show people who pose, mostly frontal and in good light: mostly men "
            "(press pictures), or faces that a search for emotion words found. Neither has sequences, ages or origins."
        )
    if any("skin_tone" in own for own in audits.get("fairness", {}).values()):
        lines.append(
            "Skin tone was measured on rendered faces, whose tones are set; on photographs only by the brightness of "
            "the cheek, which is light as well as skin."
        )
        lines.append(
            "Gender and age weren't measured: rendered people have none, and the photographs aren't labelled. A guess "
            "by another model, or by the shape of a head, would be a claim that nobody could check."
        )
    else:
        lines.append("Whether it does alike for all skin tones, genders and ages wasn't measured.")
    if "temporal" not in audits:
        lines.append("How steady its scores are in video wasn't measured.")
    if any("emotion words" in what for each in lineage["seen"] for what in each["learnt"]):
        lines.append(
            "How much its Action Units owe to emotion words: these brought faces together before it learnt any Action "
            "Unit, so areas by emotion words may flatter it beside a peer that never saw them."
        )
    if not lineage["photographs"]:
        lines.append("Rendered faces differ from photographs in ways that no figure on rendered faces shows.")
    lines.append("Untested: children as such, masks, infrared, profile views, paralysed or injured faces.")
    return lines


def kept_up_to(
    levels: Sequence[float], values: Sequence[float | None], unchanged: float | None, at: int, chance: float = 0.0
) -> str:
    """Up to which levels nine tenths of a figure are left, going out from the unchanged pictures.

    Args:
        levels: in order.
        values: the figure at each.
        unchanged: the figure of unchanged pictures.
        at: where those stand among the levels: so many levels are before.
        chance: what the figure is where nothing is known; only what is above counts.
    """
    if unchanged is None:
        return "–"

    def keeps(value: float | None) -> bool:
        return value is not None and value - chance >= _KEPT * (unchanged - chance)

    def furthest(own: Sequence[tuple[float, float | None]]) -> float | None:
        last = None
        for level, value in own:
            if not keeps(value):
                break
            last = level
        return last

    pairs = list(zip(levels, values, strict=True))
    ends = [furthest(pairs[:at][::-1]), furthest(pairs[at:])]
    if at == 0:
        ends = ends[1:]
    return " to ".join("as is" if end is None else f"{end:g}" for end in ends)


def _fairness(found: Mapping[str, Any]) -> str:
    """Skin tone in full; of all attributes, the gaps."""
    parts = ["### Groups of people", ""]
    for dataset, attributes in found.items():
        for sheet in fairness_sheets({dataset: {key: own for key, own in attributes.items() if key == "skin_tone"}}):
            parts += [f"**{sheet.title}:**", "", sheet.body(), ""]
    rows = []
    for dataset, attributes in found.items():
        for attribute, by_figure in attributes.items():
            for figure, own in by_figure.items():
                if figure in FIGURES and attribute != "skin_tone":
                    gap = own["gap"]
                    where = f"{TITLES.get(attribute, attribute)}, `{dataset}`"
                    rows.append((where, FIGURES[figure], cell(gap), number(gap["chance"]), gap["worst"]))
    if rows:
        parts += [Sheet("", ("groups by", "figure", "gap", "by chance", "worst"), tuple(rows)).body(), ""]
    parts.append(GAP_LEGEND[0].upper() + GAP_LEGEND[1:])
    if any("cheek_luminance" in own for own in found.values()):
        parts.append(LUMINANCE)
    return "\n".join(parts)


def _robustness(found: Mapping[str, Any]) -> str:
    columns = [(d, f) for d, own in found["unchanged"].items() for f in own if f != "auc"]
    rows = []
    for way in found["curves"].values():
        at = sum(level < middle for level in way["levels"]) if (middle := _MIDDLE.get(way["title"])) is not None else 0
        cells = []
        for dataset, figure in columns:
            values = [each["value"] for each in way["figures"][dataset][figure]]
            best = found["unchanged"][dataset][figure]["value"]
            cells.append(kept_up_to(way["levels"], values, best, at, _CHANCE.get(figure, 0.0)))
        tested = f"{way['levels'][0]:g} to {way['levels'][-1]:g}"
        rows.append((f"{way['title']}, {way['unit']}", tested, *cells))
    whole = ("unchanged", "", *(number(found["unchanged"][d][f]["value"]) for d, f in columns))
    heads = ("", "tested", *(f"{FIGURES[f]}, `{d}`" for d, f in columns))
    sheet = Sheet("", heads, (whole, *rows), strong=(0,))
    poses = [
        _pose(dataset, column, bins) for dataset, own in found.get("poses", {}).items() for column, bins in own.items()
    ]
    return "\n".join(
        [
            "### Worse pictures",
            "",
            "Up to which level nine tenths of a figure are left (of an AUC, of what is above 0.5), as aligned crops\n"
            "get worse; `as is`: less is left at the mildest level already. All curves are in the run's `audit.md`.",
            "",
            sheet.body(),
            *(f"\n{line}" for line in poses),
        ]
    )


_MIDDLE: Final = {"Exposure": 0.0, "Contrast": 1.0}


def _pose(dataset: str, column: str, bins: Sequence[Mapping[str, Any]]) -> str:
    key = "f1" if "f1" in bins[0]["figures"] else next(iter(bins[0]["figures"]))
    values = ", ".join(f"{each['from']}–{each['to']}°: {number(each['figures'][key]['value'])}" for each in bins)
    return f"By {column}, `{dataset}`, {FIGURES[key]}: {values}."


def _temporal(found: Mapping[str, Any]) -> str:
    return "\n".join(["### In video", "", *_temporal_lines(found)])


def _temporal_lines(found: Mapping[str, Any]) -> Iterator[str]:
    own = found["flicker"]
    if "followed" in own:
        alone = f"; {own['alone']['deviation']:.3f} where each frame is searched anew" if "alone" in own else ""
        labels = {name: each for name, each in own["followed"]["labels"].items() if name == whole_of(name)}
        wavering = sorted(labels, key=lambda name: labels[name]["deviation"], reverse=True)[:_STEADIEST]
        most = ", ".join(f"{name} {labels[name]['deviation']:.3f}" for name in wavering)
        yield (
            f"**Flicker.** {own['photographs']} photographs with {own['faces']} faces, played as video with a camera's "
            f"noise, JPEG and shaking of 1 px: a score's standard deviation over time is "
            f"**{own['followed']['deviation']:.3f}** on average (0–1){alone}. The runtime smooths landmarks, and no "
            f"score. Most: {most}."
        )
    sheets = [sheet for sheet in temporal_sheets(found) if sheet.title.startswith("Delay")]
    for sheet in sheets:
        yield from ("", "**Delay.** " + sheet.notes[0], "", sheet.body())
