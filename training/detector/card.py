"""The detector's card: what it saw, how well it does, where it ends."""

from __future__ import annotations

from collections.abc import Mapping

from training.detector.fit import Run
from training.detector.measure import FALSE_PER_IMAGE, Figures

__all__ = ["write_card"]

_CARD = """# The detector (`clef.onnx`)

Written by `python -m training.detector`. In: luminance, uint8, at any multiples of 32 pixels. Out: at each of many
places, the score, box and five landmarks of a face there. The runtime gives what it proposes to the landmark network
([LANDMARKS_CARD.md](LANDMARKS_CARD.md)), which places the landmarks and throws false alarms out; a face's score is the
geometric mean of both networks' odds. {weights:,} weights.

## What it was trained on

- {faces:,} grey pictures of faces: the training split (by subject) of the facial expression photographs named in the
  training guide as `real_faces` (mostly press photographs of the 2000s: mostly men, mostly frontal; the repository is
  Apache-2.0, the photographers' rights are unclear), and faces of FERPlus' training split (gathered from the web,
  without a licence of their owners). No picture is part of this repository.
- Boxes and landmarks: **pseudo-labels**. YuNet (Apache-2.0) says where in a photograph the face is, our landmark
  network, which was taught by MediaPipe's face landmarker (Apache-2.0), where its five points are. The box is made
  from these. Nothing of SCRFD is in it.
- The photographs are tight, so each picture trained on is made up: faces of 9 to 215 px, turned by up to 50°, put
  before {photographs} photographs without faces (samples of scikit-image and scikit-learn) and drawn textures, beside
  pieces of faces that make none, in all kinds of light.
- {pictures:,} such pictures, {minutes:.1f} minutes of one CPU core.

## How well it does

By the runtime's own code, at its default size, on nothing that was trained on. A face is found where the box overlaps
the true one by an IoU of 0.4. *Recall at k* is the part of the faces found at the score that gives k false faces a
picture. How it stands beside the other detectors: `python -m benchmarks detectors`.

| | {sets} |
| --- |{dashes}
{rows}

*Photographs* are samples of insightface, scikit-image and matplotlib, and frames of films under free licences; four
show no face. The boxes are YuNet's, each looked at, without what was no face. They show some twenty people, most of
them several times, so a face more or less found means little. *Composites* are photographs of people of `real_faces`'
test split before photographs without faces: they are made as what was trained on is, so they flatter it.

How both networks' scores are joined (of nine ways), which proposals are looked at twice, and the threshold were chosen
on these photographs and on such composites, not on others: the figures at 0.1 and by default are too good by that.

Composites by kind of face, recall at one false face a picture:

| faces | recall | number |
| --- | ---: | ---: |
{parts}

Sizes are √area of the box in 1280×720, which the runtime shrinks to 384×216. *Turned* is the nose's distance from the
middle of the eyes over the eyes' distance: about 0 from the front.

## Limits

- It has seen few profiles, no bodies but drawn ones, and no crowd. Veiled and masked faces are rare in its data.
- Small faces are missed: see the table. A larger `max_side` shows them larger, at a cost that grows with its square.
- It wasn't trained on heads tilted by more than 50°.
- Busy pictures (uniforms, foliage) give false faces, most of them small.
- Who is rare in the photographs (women, children, dark skin in bad light) may be served worse; this wasn't measured.
- The score isn't calibrated.
"""


def write_card(figures: Mapping[str, Figures], *, faces: int, photographs: int, run: Run) -> str:
    """The card as Markdown.

    Args:
        figures: by set of pictures.
        faces: pictures of faces trained on.
        photographs: without faces, trained on.
        run: the training.
    """
    sets = list(figures.values())
    rows = [("pictures", [str(one.pictures) for one in sets]), ("faces", [str(one.faces) for one in sets])]
    rows += [(f"recall at {rate:g}", [f"{one.recall[rate]:.1%}" for one in sets]) for rate in FALSE_PER_IMAGE]
    rows.append(("recall by default", [f"{one.recall_default:.1%}" for one in sets]))
    rows.append(("false faces a picture by default", [f"{one.false_default:.2f}" for one in sets]))
    rows.append(("landmarks' NME", ["" if one.nme is None else f"{one.nme:.1%}" for one in sets]))
    parts = figures["composites"].parts if "composites" in figures else {}
    return _CARD.format(
        weights=sum(weight.numel() for weight in run.model.parameters()),
        faces=faces,
        photographs=photographs,
        pictures=run.pictures,
        minutes=run.seconds / 60,
        sets=" | ".join(figures),
        dashes=" ---: |" * len(sets),
        rows="\n".join(f"| {title} | " + " | ".join(cells) + " |" for title, cells in rows),
        parts="\n".join(f"| {name} | {recall:.1%} | {count} |" for name, (recall, count) in parts.items()),
    )
