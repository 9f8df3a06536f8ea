"""Two reports against each other, in ratios. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchmarks.report import Case, Figure, Report, Row
from benchmarks.stats import Ratio, ratio
from clef_rt.errors import ConfigError

__all__ = ["Change", "Verdict", "caveats", "compare"]

Verdict = Literal["better", "worse", "alike", "unknown"]
_COUNTS = {"cpu_cores": "cores", "peak_rss_mb": "peak memory, MB"}
_DRIFT = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both reports.

    Attributes:
        case: its case's name.
        what: which figure.
        before: its value in the older report.
        after: in the newer one.
        ratio: after / before.
        verdict: `alike` where the difference is within the noise; `unknown` where a single repeat says nothing of it.
    """

    case: str
    what: str
    before: float
    after: float
    ratio: Ratio
    verdict: Verdict


def compare(before: Report, after: Report) -> list[Change]:
    """The change of each figure that is in both.

    Raises:
        ConfigError: they are of different kinds, or have nothing in common.
    """
    if before.kind != after.kind:
        raise ConfigError(f"One is of {before.kind}, the other of {after.kind}.", "Compare two of a kind.")
    machine = ratio(before.reference_ms.repeats, after.reference_ms.repeats)
    drift = machine.value if machine else 1.0
    newer = {case.name: case for case in after.cases}
    changes = []
    for case in before.cases:
        if case.name in newer:
            old, new = dict(_figures(case)), dict(_figures(newer[case.name]))
            for what in old.keys() & new.keys():
                found = ratio(old[what].repeats, new[what].repeats)
                if found:
                    verdict = _verdict(found, drift, rising=what.endswith("per second"))
                    changes.append(Change(case.name, what, old[what].value, new[what].value, found, verdict))
    if not changes:
        raise ConfigError("The two have no figure in common.", "Measure both with the same options.")
    order = {what: place for case in before.cases for place, (what, _) in enumerate(_figures(case))}
    cases = [case.name for case in before.cases]
    return sorted(changes, key=lambda change: (cases.index(change.case), order[change.what]))


def caveats(before: Report, after: Report) -> list[str]:
    """What else differs between the two, and so may explain what has changed."""
    lines = []
    if before.machine != after.machine:
        lines.append("The machines, or their software, differ.")
    if before.model != after.model:
        fields = type(before.model).model_fields
        changed = [name for name in fields if getattr(before.model, name) != getattr(after.model, name)]
        lines.append(f"The models differ: {', '.join(changed)}.")
    own = ("clef-rt", "commit")
    others = {name for name in before.versions.keys() | after.versions.keys() if name not in own}
    if changed := sorted(name for name in others if before.versions.get(name) != after.versions.get(name)):
        lines.append(f"Versions differ: {', '.join(changed)}.")
    machine = ratio(before.reference_ms.repeats, after.reference_ms.repeats)
    if machine and abs(machine.value - 1) > _DRIFT:
        lines.append(f"Work that has nothing to do with clef_rt took {machine.value:.2f} times as long.")
    for name, report in (("first", before), ("second", after)):
        if report.others_cores > 2 * _DRIFT:
            lines.append(f"Other programs kept {report.others_cores:.1f} cores busy during the {name}.")
        if report.interrupted:
            lines.append(f"The {name} was broken off.")
    return lines


def _figures(case: Case) -> Iterator[tuple[str, Figure]]:
    for row in case.rows:
        yield from _of_row(row)
    for name, label in _COUNTS.items():
        if name in case.counts:
            yield label, case.counts[name]


def _of_row(row: Row) -> Iterator[tuple[str, Figure]]:
    if row.fps:
        yield f"{row.stage}, per second", row.fps
    if row.ms and (not row.fps or "→" in row.stage):
        yield f"{row.stage}, p50 ms", row.ms.p50
        yield f"{row.stage}, p99 ms", row.ms.p99


def _verdict(found: Ratio, drift: float, *, rising: bool) -> Verdict:
    differs = found.differs(drift)
    if differs is None:
        return "unknown"
    if not differs:
        return "alike"
    return "better" if (found.value > 1) == rising else "worse"
