"""The claim to check: does activity pre-training help where labels, or labelled subjects, are few?"""

from __future__ import annotations

from typing import Final

from training.tables.cells import Cell
from training.tables.plan import Curve, Panel, Plan, Row
from training.tables.request import Request
from training.tables.sources import Labelled

__all__ = ["FACES", "SUBJECTS", "plan"]

FACES: Final = (100, 300, 1000, 3000)
SUBJECTS: Final = (2, 5, 10, 20)
_ARMS: Final = ("no stage 1", "stage 1")


def plan(request: Request) -> Plan:
    """Both axes, with and without stage 1, on each labelled folder."""
    return Plan(
        title="Few labels",
        lines=(
            "Stage 1 sees all training faces with their activities, stage 2 only the labelled ones; the test subjects "
            "are in neither. Labelled faces, and labelled subjects with all of their faces, are drawn by the seed.",
            "Thresholds of F1 come from all validation faces, in both rows alike; AUC needs none.",
            "Stage 2 makes about as many steps whatever the number of labels. Each difference is to the same labels "
            "without stage 1, seed by seed.",
        ),
        cells=tuple(cell for labelled in request.labelled for cell in _cells(request, labelled)),
        panels=tuple(_panel(labelled) for labelled in request.labelled),
    )


def _axes(labelled: Labelled) -> dict[str, tuple[int, ...]]:
    """Numbers of faces and subjects that are fewer than there are; 0 for all of them."""
    return {
        "faces": tuple(count for count in FACES if count < labelled.train),
        "subjects": tuple(count for count in SUBJECTS if count < labelled.subjects),
        "all": (0,),
    }


def _cells(request: Request, labelled: Labelled) -> list[Cell]:
    found = []
    for axis, counts in _axes(labelled).items():
        for count in counts:
            taken = {
                "labelled": count if axis == "faces" else 0,
                "labelled_subjects": count if axis == "subjects" else 0,
            }
            faces = {
                "faces": count,
                "subjects": count * labelled.train // max(labelled.subjects, 1),
                "all": labelled.train,
            }[axis]
            for arm in _ARMS:
                for seed in range(request.seeds):
                    found.append(
                        request.cell(
                            _key(axis, count, arm),
                            labelled.title,
                            labelled,
                            request.stage1(request.activities_of(labelled), seed) if arm == "stage 1" else None,
                            request.stage2(labelled, seed, faces=faces, **taken),
                            faces=faces,
                        )
                    )
    return found


def _panel(labelled: Labelled) -> Panel:
    axes = _axes(labelled)
    rows = []
    for axis, counts in axes.items():
        for count in counts:
            few = f"{count:,}"
            labels = {
                "faces": (few, ""),
                "subjects": ("", few),
                "all": (f"all {labelled.train:,}", f"all {labelled.subjects:,}" if labelled.subjects else ""),
            }[axis]
            for arm in _ARMS:
                base = _key(axis, count, _ARMS[0]) if arm == "stage 1" else None
                rows.append(Row(_key(axis, count, arm), (*labels, "✓" if arm == "stage 1" else ""), base))
    whole = {"faces": labelled.train, "subjects": labelled.subjects}
    return Panel(
        column=labelled.title,
        title=labelled.title,
        figures=("f1", "f1_half", "auc") if labelled.only == "au" else ("accuracy", "mean_recall"),
        heads=("labelled faces", "labelled subjects", "stage 1"),
        rows=tuple(rows),
        guess=labelled.guess,
        notes=() if labelled.subjects else ("Its subjects aren't known: faces of one may be in both splits.",),
        curves=tuple(
            Curve(
                title=f"{labelled.title}: labelled {axis}",
                axis=f"labelled {axis}",
                points={
                    arm: (*((n, _key(axis, n, arm)) for n in axes[axis]), (whole[axis], _key("all", 0, arm)))
                    for arm in _ARMS
                },
            )
            for axis in ("faces", "subjects")
            if axes[axis]
        ),
    )


def _key(axis: str, count: int, arm: str) -> str:
    return f"{axis} {count or ''}".strip() + f", {arm}"
