"""What the labels say is what the geometry does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.synthetic.action_units import ACTION_UNITS, AUS, EXCLUSIVE, SIDED, settle
from training.synthetic.geometry import FaceKit
from training.synthetic.intensity import intensity, strength
from training.synthetic.shapes import shape_weights
from training.synthetic.studio import lip_gap
from training.texts import load_labels

STILL = np.zeros((1, 2), np.float32)
# Multi-PIE landmarks; the subject's right is −x.
CORNERS, INNER_BROWS, OUTER_BROWS, CHIN = (48, 54), (21, 22), (17, 26), 8
UPPER_LIDS, LOWER_LIDS = (37, 38, 43, 44), (40, 41, 46, 47)


def posed(kit: FaceKit, intensities: dict[str, float | tuple[float, float]]) -> NDArray[np.float32]:
    """The kit's neutral head (v, 3) with Action Units, of both sides or of each its own."""
    values = {name: np.broadcast_to(np.array(value, np.float32), (1, 2)) for name, value in intensities.items()}
    return kit.pose(kit.neutral, shape_weights(values, kit.names), STILL)[0]


def moved(kit: FaceKit, **intensities: float | tuple[float, float]) -> NDArray[np.float32]:
    """How the 68 landmarks move, (68, 3)."""
    return np.asarray((posed(kit, intensities) - kit.neutral)[kit.landmarks])


def gap(kit: FaceKit, **intensities: float) -> float:
    """How much farther the lips are apart, of a face that can be."""
    return lip_gap(kit, posed(kit, dict(settle(intensities)))) - lip_gap(kit, kit.neutral)


@pytest.mark.parametrize(
    ("au", "landmarks", "axis", "sign"),
    [
        ("AU01", INNER_BROWS, 1, 1),
        ("AU02", OUTER_BROWS, 1, 1),
        ("AU04", INNER_BROWS, 1, -1),
        ("AU05", UPPER_LIDS, 1, 1),
        ("AU07", LOWER_LIDS, 1, 1),
        ("AU09", (31, 35), 1, 1),  # the nose's wings
        ("AU10", (50, 52), 1, 1),
        ("AU12", CORNERS, 1, 1),
        ("AU15", CORNERS, 1, -1),
        ("AU16", (57,), 1, -1),
        ("AU17", (57,), 1, 1),
        ("AU18", (51, 57), 2, 1),  # the lips come forward
        ("AU26", (CHIN,), 1, -1),
        ("AU27", (CHIN,), 1, -1),
        ("AU43", UPPER_LIDS, 1, -1),
        ("AU45", UPPER_LIDS, 1, -1),
    ],
)
def test_an_action_unit_moves_what_facs_says(
    kit: FaceKit, au: str, landmarks: tuple[int, ...], axis: int, sign: int
) -> None:
    steps = [moved(kit, **{au: level})[list(landmarks), axis].mean() * sign for level in range(6)]
    assert np.all(np.diff(steps) > 0)
    assert steps[5] > 0.1  # a millimetre


def test_brows_knit_and_lips_thin(kit: FaceKit) -> None:
    knit = moved(kit, AU04=5)[list(INNER_BROWS), 0]
    assert knit[0] > 0 > knit[1]  # towards each other
    red = {au: np.ptp((kit.neutral[kit.landmarks] + moved(kit, **{au: 5}))[[51, 57], 1]) for au in ("AU23", "AU28")}
    at_rest = np.ptp(kit.neutral[kit.landmarks][[51, 57], 1])
    assert red["AU28"] < red["AU23"] < 0.85 * at_rest


def test_lips_part_press_pucker_and_stretch(kit: FaceKit) -> None:
    for au in ("AU25", "AU26", "AU16", "AU22", "AU10", "AU27"):
        assert gap(kit, **{au: 5}) > gap(kit, **{au: 3}) > 0.05
    assert gap(kit, AU24=5) < 0.05
    assert gap(kit, AU27=1) > gap(kit, AU26=4)  # a stretched mouth begins where a dropped jaw ends
    rest = kit.neutral[kit.landmarks]
    width = {au: float(np.ptp((rest + moved(kit, **{au: 5}))[list(CORNERS), 0])) for au in AUS}
    assert width["AU18"] < width["AU23"] < width["AU45"] < width["AU20"]  # AU45 leaves the mouth alone


@pytest.mark.parametrize("level", [1, 2, 3.5, 5])
def test_lips_that_are_parted_say_so(kit: FaceKit, level: float) -> None:
    """AU25's intensity is the lips' gap, whatever parts them."""
    for au in ("AU09", "AU10", "AU16", "AU22", "AU26", "AU27"):
        labelled = settle({au: level}).get("AU25", 0.0)
        alone = gap(kit, AU25=labelled) if labelled else 0.0
        assert gap(kit, **{au: level}) == pytest.approx(alone, abs=0.06) or labelled == 5, au
    assert "AU25" not in settle({"AU10": level, "AU17": level})  # the chin closes what the lip opened
    one_sided = settle({"AU10": 5.0}, {"AU10": (1.0, 0.0)})["AU25"]
    assert one_sided < settle({"AU10": 5.0})["AU25"]


def test_the_lips_gap_of_each_action_unit_is_as_the_table_says(kit: FaceKit) -> None:
    whole = gap(kit, AU25=5)
    for au, unit in ACTION_UNITS.items():
        if au != "AU25":
            share = (lip_gap(kit, posed(kit, {au: 5})) - lip_gap(kit, kit.neutral)) / whole
            assert unit.parts == pytest.approx(share, abs=0.11), au


@pytest.mark.parametrize("au", SIDED)
def test_a_side_moves_alone(kit: FaceKit, au: str) -> None:
    for sides, sign in (((5.0, 0.0), 1), ((0.0, 5.0), -1)):
        change = np.linalg.norm(posed(kit, {au: sides}) - kit.neutral, axis=1)
        mine = sign * kit.neutral[:, 0] > 0.5  # the left is +x
        other = sign * kit.neutral[:, 0] < -0.5
        assert change[mine].max() > 0.15
        assert change[mine].sum() > 8 * change[other].sum()


def test_closed_lids_meet_and_do_not_pass(kit: FaceKit) -> None:
    rest = kit.neutral[kit.landmarks]

    def opening(**intensities: float) -> NDArray[np.float32]:
        eyes = rest + moved(kit, **intensities)
        return np.asarray(eyes[list(UPPER_LIDS), 1] - eyes[[41, 40, 47, 46], 1])

    assert np.all(np.abs(opening(AU45=5)) < 0.25 * opening(AU45=0))
    # Closed twice over, and squeezed: the lower lid climbs over the upper one by less than the kit's shapes add up to.
    together = opening(AU43=5, AU45=5, AU06=5, AU07=5)
    assert np.all(together > opening(AU45=5) - 0.4)


def test_eyes_turn_about_their_centres(kit: FaceKit) -> None:
    face = kit.pose(kit.neutral, np.zeros((1, len(kit.names)), np.float32), np.array([[0.3, 0.2]], np.float32))[0]
    for vertices in (slice(21451, 22221), slice(23021, 23791)):
        front = kit.neutral[vertices, 2].argmax()
        shift = (face - kit.neutral)[vertices][front]
        assert shift[0] > 0.3  # to the subject's left
        assert shift[1] > 0.2  # upwards
        centre = kit.eye_centre(kit.neutral, "L" if vertices.start == 21451 else "R")
        np.testing.assert_allclose(
            np.linalg.norm(face[vertices] - centre, axis=1),
            np.linalg.norm(kit.neutral[vertices] - centre, axis=1),
            atol=1e-4,
        )


@given(st.dictionaries(st.sampled_from(AUS), st.floats(0, 5)))
@settings(max_examples=200, deadline=None)
def test_a_settled_face_can_be(intensities: dict[str, float]) -> None:
    face = settle(intensities)
    assert not [pair for pair in EXCLUSIVE if set(pair) <= face.keys()]
    assert all(0 < value <= 5 for value in face.values())
    if "AU17" not in face and face.get("AU26", 0) >= 1:  # but for a raised chin, no jaw drops behind closed lips
        assert face["AU25"] >= face["AU26"]
    assert face.get("AU45", 0) >= face.get("AU43", 0)
    assert settle(face) == face
    kept = {name: face[name] for name in face.keys() & intensities.keys() if name not in ("AU25", "AU45")}
    assert all(value == intensities[name] for name, value in kept.items())


def test_strength_grows_from_nothing_to_all_and_back() -> None:
    values = strength(np.linspace(0, 5, 51))
    assert values[0] == 0
    assert values[-1] == 1
    assert np.all(np.diff(values) > 0)
    np.testing.assert_allclose(intensity(values), np.linspace(0, 5, 51), atol=1e-5)


def test_every_action_unit_has_words_and_a_source() -> None:
    texts = load_labels()
    for name, unit in ACTION_UNITS.items():
        assert unit.source
        assert unit.facs
        assert set(unit.excludes) | set(unit.brings) | set(unit.company) <= set(AUS), name
        assert texts.action_unit(name).text


def test_the_documentation_has_the_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "synthetic.md").read_text()
    for name, unit in ACTION_UNITS.items():
        shapes = " + ".join(f"{weight:g} {shape}" for shape, weight in unit.shapes.items()).replace("+ -", "− ")
        assert f"| {name} | {unit.facs} | {shapes} |" in text
