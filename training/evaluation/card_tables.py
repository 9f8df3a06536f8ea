"""The model card's tables: few lines, each label once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.measure import RENDERER
from training.evaluation.proxies import HEADLINE
from training.evaluation.sheets import Sheet, number, percent, span
from training.evaluation.sides import sided, whole_of

__all__ = ["headline_sheet", "peers_note", "side_sheet", "spots_sheet"]

_Metrics = Mapping[str, Any]


def headline_sheet(metrics: _Metrics) -> Sheet:
    """The twelve pairs and their mean, on each dataset of photographs; a peer beside ours."""
    sets = {name: own["emotion_proxy"] for name, own in metrics.items() if own.get("emotion_proxy")}
    peer = _peer(sets)
    heads = ["pair"]
    for name in sets:
        heads += [f"`{name}`: ours", *([peer, "ours − theirs"] if peer else [])]
    rows = []
    for emotion, au in HEADLINE:
        found = [own["pairs"].get(emotion, {}).get(au) for own in sets.values()]
        if any(found):
            rows.append((f"{emotion} {au}", *(cell for each in found for cell in _pair_cells(each, peer))))
    means = [own.get("headline") for own in sets.values()]
    if rows and any(means):
        rows.append(("mean", *(cell for each in means for cell in _pair_cells(each, peer))))
    return Sheet("Emotion words", tuple(heads), tuple(rows), strong=(len(rows) - 1,) if any(means) else ())


def peers_note(metrics: _Metrics) -> str:
    """Who the peer is, and how many faces it is measured on."""
    sets = {name: own["emotion_proxy"] for name, own in metrics.items() if own.get("emotion_proxy")}
    if not (peer := _peer(sets)):
        return ""
    return (
        f"The peer is {peer}'s blendshapes, brought to Action Units.\nThe weights of others (OpenFace, Py-Feat, "
        "LibreFace, OpenGraphAU) are downloads with terms of their own; none was\nat hand, so none is compared."
    )


def spots_sheet(metrics: _Metrics, thresholds: Mapping[str, float], experimental: Mapping[str, str]) -> Sheet:
    """Whole Action Units, a row each: on rendered faces, by emotion words, by the teacher, threshold, mark."""
    rendered = {name: own for name, own in metrics.items() if _labelled_by(own) == RENDERER}
    proxies = {name: own["emotion_proxy"]["pairs"] for name, own in metrics.items() if own.get("emotion_proxy")}
    follows = {name: own["teacher_agreement"] for name, own in metrics.items() if own.get("teacher_agreement")}
    names = sorted(
        {au for own in rendered.values() for au in own["action_units"]["labels"]}
        | {au for own in proxies.values() for aus in own.values() for au in aus}
        | {au for own in follows.values() for au in own}
    )
    heads = ("Action Unit", *(f"`{name}` F1" for name in rendered), *(f"`{name}`: words, AUC" for name in proxies))
    heads += (*(f"`{name}`: teacher, all / within a word" for name in follows), "threshold", "mark")
    rows = [
        (
            au,
            *(_f1(own["action_units"]["labels"].get(au)) for own in rendered.values()),
            *(_words(own, au) for own in proxies.values()),
            *(_follows(own.get(au, {})) for own in follows.values()),
            number(thresholds.get(au, 0.5), 2),
            "experimental" if au in experimental else "",
        )
        for au in names
        if au == whole_of(au)
    ]
    return Sheet("Action Units", heads, tuple(rows))


def side_sheet(metrics: _Metrics, experimental: Mapping[str, str]) -> Sheet:
    """One-sided Action Units, a row a pair, over all datasets that label them."""
    sets = {name: own for name, own in metrics.items() if sided(list(own.get("action_units", {}).get("labels", {})))}
    wholes = sorted({whole for own in sets.values() for whole in sided(list(own["action_units"]["labels"]))})
    heads = ["Action Unit"]
    for name in sets:
        heads += [f"`{name}`: left / right", "tells sides"]
    rows = []
    for whole in wholes:
        cells = []
        for own in sets.values():
            labels = own["action_units"]["labels"]
            both = [number(labels.get(whole + side, {}).get("auc"), 2) for side in ("_L", "_R")]
            cells += [" / ".join(both), number(own.get("sides", {}).get(whole, {}).get("auc"), 2)]
        marked = [side for side in ("L", "R") if f"{whole}_{side}" in experimental]
        rows.append(
            (whole, *cells, "experimental" if len(marked) == 2 else f"{marked[0]} experimental" if marked else "")
        )
    return Sheet("One side", (*heads, "mark"), tuple(rows))


def _peer(sets: Mapping[str, Any]) -> str:
    names = [
        name
        for own in sets.values()
        for aus in own["pairs"].values()
        for each in aus.values()
        for name in each["peers"]
    ]
    return max(set(names), key=names.count) if names else ""


def _pair_cells(own: Mapping[str, Any] | None, peer: str) -> list[str]:
    if own is None:
        return ["–"] * (3 if peer else 1)
    theirs = own["peers"].get(peer, {})
    cells = [_within(number(own["auc"]), own["auc_interval"])]
    if peer:
        gap = theirs.get("difference")
        signed = "–" if gap is None else f"{gap:+.3f}"
        interval = theirs.get("difference_interval")
        cells += [
            number(theirs.get("auc")),
            signed if interval is None else f"{signed} ({interval[0]:+.2f} to {interval[1]:+.2f})",
        ]
    return cells


def _words(pairs: Mapping[str, Any], au: str) -> str:
    """`surprise 0.75, sadness 0.48`, best first."""
    found = sorted(((own[au]["auc"], emotion) for emotion, own in pairs.items() if au in own), reverse=True)
    return ", ".join(f"{emotion} {value:.2f}" for value, emotion in found) or "–"


def _f1(own: Mapping[str, Any] | None) -> str:
    return "–" if own is None else _within(percent(own["f1_tuned"], 0), own["f1_tuned_interval"], 100, 0)


def _follows(own: Mapping[str, float]) -> str:
    return " / ".join(number(own.get(key), 2) for key in ("auc", "within")) if own else "–"


def _labelled_by(own: Mapping[str, Any]) -> str:
    return str(own.get("action_units", {}).get("labelled_by", ""))


def _within(value: str, interval: Sequence[float] | None, scale: float = 1, digits: int = 2) -> str:
    return value if interval is None else f"{value} ({span(interval, scale, digits)})"
