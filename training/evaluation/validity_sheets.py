"""Tables of what stands in for coders: emotion words, the teacher, sides; and which labels are marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from training.evaluation.proxies import HEADLINE
from training.evaluation.sheets import Sheet, number, span
from training.evaluation.sides import sided, whole_of

__all__ = ["agreement_sheet", "experimental_sheet", "headline_pairs", "marks", "proxy_sheet", "sides_sheet"]

_LEGEND: Final = (
    "Area under the ROC curve of the Action Unit's score, faces of that word against faces called neutral; all on the "
    "same pictures, those in which every one of them saw a face."
)


def proxy_sheet(dataset: str, figures: Mapping[str, Any], ours: str) -> Sheet:
    """Emotion words as a proxy, ours beside peers': the twelve pairs, their mean, then all others.

    Args:
        dataset: its name.
        figures: what `proxies.proxies` gives.
        ours: what our model is called.
    """
    first, rest = headline_pairs(figures)
    names = list(dict.fromkeys(name for _, _, own in (*first, *rest) for name in own["peers"]))
    heads = ["pair", "faces", "neutral", "ours", *(head for name in names for head in (name, "ours − theirs"))]
    rows = [_row(*each, names) for each in first]
    mean = figures.get("headline")
    strong = (len(rows),) if mean else ()
    if mean:
        rows.append((f"mean of these {mean['pairs']}", "", "", *_cells(mean, names)))
    rows += [_row(*each, names) for each in rest]
    notes = [_LEGEND]
    if mean and mean["pairs"] < mean["of"]:
        notes.append(
            f"The other {mean['of'] - mean['pairs']} of the twelve pairs have too few faces here, or no score."
        )
    ties = [(peer["tied"], name) for _, _, own in (*first, *rest) for name, peer in own["peers"].items()]
    if ties and max(ties)[0] >= 0.001:
        notes.append(
            f"At most {100 * max(ties)[0]:.1f} % of a pair's comparisons are ties ({max(ties)[1]}); they count half."
        )
    return Sheet(
        f"Action Units by emotion words, {dataset}: {ours}", tuple(heads), tuple(rows), tuple(notes), strong=strong
    )


def headline_pairs(
    figures: Mapping[str, Any],
) -> tuple[list[tuple[str, str, Mapping[str, Any]]], list[tuple[str, str, Mapping[str, Any]]]]:
    """The measured pairs (emotion, Action Unit, figures): those of the twelve, in their order, and all others."""
    pairs = figures["pairs"]
    first = [(e, au, pairs[e][au]) for e, au in HEADLINE if au in pairs.get(e, {})]
    rest = [(e, au, own) for e, aus in pairs.items() for au, own in aus.items() if (e, au) not in HEADLINE]
    return first, rest


def agreement_sheet(dataset: str, figures: Mapping[str, Mapping[str, float]], teacher: str, ours: str) -> Sheet:
    """How whole Action Units follow the teacher; figures as `proxies.au_agreement` gives them."""
    return Sheet(
        f"Agreement with the teacher, {dataset}: {ours}",
        ("Action Unit", "AUC", "within a word", "r", "share"),
        tuple(
            (name, number(own["auc"]), number(own.get("within")), number(own["r"], 2), f"{100 * own['present']:.0f} %")
            for name, own in figures.items()
            if name == whole_of(name)
        ),
        (
            "AUC against its label, of all faces and among faces of the same word (0.5 for a score that knows the word "
            f"alone); Pearson's r with its probability; share of faces that show it. By {teacher}.",
        ),
    )


def sides_sheet(dataset: str, labels: Mapping[str, Mapping[str, Any]], sides: Mapping[str, Any], ours: str) -> Sheet:
    """Left and right: how each follows its labels, and whether they tell the sides apart.

    Args:
        dataset: its name.
        labels: `auc` by Action Unit, of either side.
        sides: what `sides.side_agreement` gives.
        ours: what our model is called.
    """

    def rows() -> Iterator[tuple[str, ...]]:
        for whole in sided(list(labels)):
            left, right = (labels[whole + side].get("auc") for side in ("_L", "_R"))
            own = sides.get(whole, {})
            count = f"{own['left']} / {own['right']}" if own else ""
            yield (whole, number(left), number(right), number(own.get("auc")), count)

    return Sheet(
        f"Left and right, {dataset}: {ours}",
        ("Action Unit", "left AUC", "right AUC", "tells sides, AUC", "faces of one side, left / right"),
        tuple(rows()),
        (
            "Left and right are the subject's. AUC against the labels of that side; and of left minus right, of faces "
            "that show the left side alone against those that show the right alone.",
        ),
    )


def experimental_sheet(reasons: Mapping[str, str]) -> Sheet:
    """The labels that are marked, and why; those with the same reason in one row."""
    rows = marks(reasons)
    return Sheet("Marked experimental", ("labels", "why"), tuple(rows) or (("none", ""),))


def marks(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Labels and why they are marked; those with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    return [(", ".join(names), why) for why, names in by_reason.items()]


def _row(emotion: str, au: str, own: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return (f"{emotion} {au}", f"{own['faces']:,}", f"{own['neutral']:,}", *_cells(own, names))


def _cells(own: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    cells = [_within(number(own["auc"]), own["auc_interval"])]
    for name in names:
        if (peer := own["peers"].get(name)) is None:
            cells += ["–", "–"]
            continue
        gap, interval = peer["difference"], peer["difference_interval"]
        signed = "–" if gap is None else f"{gap:+.3f}"
        cells.append(_within(number(peer["auc"]), peer["auc_interval"]))
        cells.append(signed if interval is None else f"{signed} ({interval[0]:+.2f} to {interval[1]:+.2f})")
    return cells


def _within(value: str, interval: Sequence[float] | None) -> str:
    return value if interval is None else f"{value} ({span(interval, 1, 2)})"
