"""The landmark network's card: what it saw, how well it does, where it ends."""

from __future__ import annotations

from collections.abc import Mapping

_ROWS = (
    ("faces", "photographs", "{:.0f}"),
    ("nme_1", "NME, one pass", "{:.2%}"),
    ("nme_1_p95", "95 % of faces below", "{:.2%}"),
    ("failures_1", "faces with NME > 10 %", "{:.1%}"),
    ("nme_2", "NME, two passes", "{:.2%}"),
    ("nme_2_p95", "95 % of faces below", "{:.2%}"),
    ("failures_2", "faces with NME > 10 %", "{:.1%}"),
    ("nme_1_tilted", "NME, heads tilted by 45°, one pass", "{:.2%}"),
    ("nme_2_tilted", "NME, heads tilted by 45°, two passes", "{:.2%}"),
    ("auc_patches", "AUC, faces against patches of photographs without faces", "{:.4f}"),
    ("auc_off_box", "AUC, faces against boxes 0.6–1.2 sizes off the same faces", "{:.4f}"),
    ("recall_at_half", "faces with presence > 0.5", "{:.2%}"),
    ("false_patches_at_half", "patches with presence > 0.5", "{:.2%}"),
    ("false_off_box_at_half", "off boxes with presence > 0.5", "{:.2%}"),
)

_CARD = """# The landmark network (`landmarks.onnx`)

Written by `python -m training.landmarks`. In: 64×64 grey crops, uint8. Out: five landmarks and the probability of a
face. It refines a detector's boxes, throws its false alarms out, and follows faces between detections.

## What it was trained on

- {faces} grey pictures of faces: the training split (by subject) of the facial expression photographs named in the
  training guide as `real_faces` (mostly press photographs of the 2000s: mostly men, mostly frontal; the repository is
  Apache-2.0, the photographers' rights are unclear), and faces of FERPlus' training split (gathered from the web,
  without a licence of their owners). No picture is part of this repository.
- Landmarks: **pseudo-labels** by MediaPipe's face landmarker (Apache-2.0). Nobody clicked a point. An eye is the mean
  of its corners and lids, so it doesn't follow the gaze.
- {patches} patches of photographs and textures without faces (scikit-image's samples); boxes beside faces;
  covered faces.
- {minutes:g} minutes on one CPU core.

## How well it does

Photographs of subjects that weren't trained on, from boxes moved by ±15 % and scaled 0.8–1.3 (the tilted ones from
exact boxes), by the runtime's own code. NME is the mean distance of the five points to MediaPipe's, over the distance
of the eyes. The photographs without faces weren't trained on either (coffee, rocket, brick).

| | {splits} |
| --- |{dashes}
{rows}

## Limits

- The figures measure agreement with MediaPipe, on faces in which MediaPipe found one; not with human clicks.
- Heads tilted by more than 25° need the second pass, which turns them upright. Upside-down faces aren't found.
- There are few profiles among the photographs: from about 45° of yaw on, expect the points of the hidden side to
  drift. This wasn't measured for want of labels.
- Who is rare in the photographs (women, children, dark skin in bad light) may be served worse; this wasn't measured.
- The negatives for presence are easy ones: three photographs and boxes off the face. Hands, masks, statues and
  drawings weren't tried. The probability isn't calibrated.
- Five shapes of the network were compared by these figures, so they flatter it a little.
"""


def write_card(figures: Mapping[str, Mapping[str, float]], *, faces: int, patches: int, minutes: float) -> str:
    """The card as Markdown.

    Args:
        figures: by split, as `evaluate` gives them.
        faces: pictures trained on.
        patches: patches without faces trained on.
        minutes: time of training.
    """
    rows = (
        f"| {title} | " + " | ".join(form.format(split[key]) for split in figures.values()) + " |"
        for key, title, form in _ROWS
    )
    return _CARD.format(
        faces=f"{faces:,}",
        patches=f"{patches:,}",
        minutes=minutes,
        splits=" | ".join(figures),
        dashes=" --- |" * len(figures),
        rows="\n".join(rows),
    )
