"""The model card's sections on what `audit` measured, and its list of what nobody measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["sections", "unknowns"]


def sections(audits: Mapping[str, Any]) -> list[str]:
    """Markdown of each audit that was run."""
    return []


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
    if "fairness" in audits:
        lines.append(
            "Skin tone was measured on rendered faces, whose tones are set; on photographs only by the brightness of "
            "the cheek, which is light as well as skin."
        )
        lines.append("Gender and age weren't measured: rendered faces have none, and the photographs aren't labelled.")
    else:
        lines.append("Whether it does alike for all skin tones, genders and ages wasn't measured.")
    if "temporal" not in audits:
        lines.append("How steady its scores are in video wasn't measured.")
    lines.append("Untested: children as such, masks, infrared, profile views, paralysed or injured faces.")
    return lines
