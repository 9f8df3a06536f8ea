"""Rendered faces: what the labels say is what the geometry does and the pictures show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clef_rt.errors import ClefError
from training.__main__ import main
from training.manifest import au_columns, read_manifest
from training.pictures import PictureReader
from training.synthetic import dataset
from training.synthetic.action_units import ACTION_UNITS, AUS, EXCLUSIVE, SIDED, settle
from training.synthetic.activities import ACTIVITIES
from training.synthetic.contact_sheet import contact_sheet
from training.synthetic.geometry import FaceKit
from training.synthetic.intensity import strength
from training.synthetic.performance import perform
from training.synthetic.scene import Camera, draw_light
from training.synthetic.shapes import shape_weights
from training.synthetic.studio import Setting, Studio, lip_gap
from training.synthetic.subjects import MONK, draw_subject
from training.texts import load_activities

SIZE = 64
STILL = np.zeros((1, 3), np.float32)
# Multi-PIE landmarks; the subject's right is −x.
CORNERS, INNER_BROWS, OUTER_BROWS, CHIN = (48, 54), (21, 22), (17, 26), 8
UPPER_LIDS, LOWER_LIDS = (37, 38, 43, 44), (40, 41, 46, 47)


@pytest.fixture(scope="module")
def facekit(shared_data: Path) -> Path:
    return shared_data / "ict_facekit" / "ict_facekit.npz"


@pytest.fixture(scope="module")
def kit(facekit: Path) -> FaceKit:
    return FaceKit.load(facekit)


@pytest.fixture(scope="module")
def studio(facekit: Path) -> Iterator[Studio]:
    try:
        opened = Studio.open(facekit, SIZE)
        with opened as one:
            yield one
    except ClefError as error:
        pytest.skip(str(error))


def moved(kit: FaceKit, **intensities: float) -> NDArray[np.float32]:
    """How the 68 landmarks move, (68, 3)."""
    face = kit.pose(kit.neutral, weights_of(kit, intensities), STILL[:, :2])[0]
    return np.asarray((face - kit.neutral)[kit.landmarks])


def weights_of(kit: FaceKit, intensities: dict[str, float]) -> NDArray[np.float32]:
    return shape_weights({name: np.array([value], np.float32) for name, value in intensities.items()}, kit.names)


@pytest.mark.parametrize(
    ("au", "landmarks", "axis", "sign"),
    [
        ("AU01", INNER_BROWS, 1, 1),
        ("AU02", OUTER_BROWS, 1, 1),
        ("AU04", INNER_BROWS, 1, -1),
        ("AU05", UPPER_LIDS, 1, 1),
        ("AU07", LOWER_LIDS, 1, 1),
        ("AU12", CORNERS, 1, 1),
        ("AU15", CORNERS, 1, -1),
        ("AU26", (CHIN,), 1, -1),
        ("AU45", UPPER_LIDS, 1, -1),
    ],
)
def test_an_action_unit_moves_what_facs_says(
    kit: FaceKit, au: str, landmarks: tuple[int, ...], axis: int, sign: int
) -> None:
    steps = [moved(kit, **{au: level})[list(landmarks), axis].mean() * sign for level in range(6)]
    assert np.all(np.diff(steps) > 0)
    assert steps[5] > 0.1  # a millimetre


def gap(kit: FaceKit, **intensities: float) -> float:
    face = kit.pose(kit.neutral, weights_of(kit, settle(intensities)), STILL[:, :2])[0]
    return lip_gap(kit, face) - lip_gap(kit, kit.neutral)


def test_lips_part_press_pucker_and_stretch(kit: FaceKit) -> None:
    for au in ("AU25", "AU26", "AU16", "AU22", "AU10", "AU27"):
        assert gap(kit, **{au: 5}) > gap(kit, **{au: 3}) > 0.05
    assert gap(kit, AU24=5) < 0.05
    corners = list(CORNERS)
    width = {au: float(np.ptp((kit.neutral[kit.landmarks] + moved(kit, **{au: 5}))[corners, 0])) for au in AUS}
    assert width["AU18"] < width["AU45"] < width["AU20"]  # AU45 leaves the mouth alone


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
            alone = kit.pose(kit.neutral, weights_of(kit, {au: 5.0}), STILL[:, :2])[0]
            share = (lip_gap(kit, alone) - lip_gap(kit, kit.neutral)) / whole
            assert unit.parts == pytest.approx(share, abs=0.11), au


def test_a_side_can_move_alone(kit: FaceKit) -> None:
    for sides, side in (((5, 0), 54), ((0, 5), 48)):
        weights = shape_weights({"AU12": np.array([sides], np.float32)}, kit.names)
        face = kit.pose(kit.neutral, weights, STILL[:, :2])[0]
        up = (face - kit.neutral)[kit.landmarks[[48, 54]], 1]
        assert kit.neutral[kit.landmarks[side], 0] * (1 if side == 54 else -1) > 0  # the left is +x
        assert up[0 if side == 48 else 1] > 5 * abs(up[1 if side == 48 else 0])


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
    assert settle(face) == face
    kept = {name: face[name] for name in face.keys() & intensities.keys() if name not in ("AU25", "AU45")}
    assert all(value == intensities[name] for name, value in kept.items())


def test_strength_grows_from_nothing_to_all() -> None:
    values = strength(np.linspace(0, 5, 51, dtype=np.float32))
    assert values[0] == 0
    assert values[-1] == 1
    assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_performances_are_in_range_and_differ_by_person(activity: str) -> None:
    shown = []
    for number in range(40):
        rng = np.random.default_rng(number)
        acted = perform(activity, draw_subject(rng), 6, rng)
        values = np.stack(list(acted.intensities.values()))
        assert values.shape[1:] == (6, 2)
        assert 0 <= values.min() <= values.max() <= 5
        assert np.abs(acted.turns).max() <= np.deg2rad(35) + 1e-6
        shown.append(frozenset(name for name, value in acted.intensities.items() if value.max() >= 2))
    assert len(set(shown)) > 15
    # The most probable Action Unit is seen in more recordings than one that the activity doesn't bring about.
    expected = max(ACTIVITIES[activity], key=lambda name: ACTIVITIES[activity][name][0])
    strays = [name for name in AUS if name not in ACTIVITIES[activity] and name not in ("AU25", "AU45")]
    counts = {name: sum(name in seen for seen in shown) for name in AUS}
    assert counts[expected] > 2 * np.mean([counts[name] for name in strays])


def test_every_activity_has_its_sentence() -> None:
    assert load_activities("rendered").keys() == ACTIVITIES.keys()


def test_people_are_of_the_whole_monk_scale() -> None:
    tones = [draw_subject(np.random.default_rng(number)).look.tone for number in range(200)]
    assert np.histogram(tones, bins=len(MONK) - 1, range=(1, len(MONK)))[0].min() > 5


def test_splits_share_no_subject_and_none_is_empty() -> None:
    assert {name: dataset.split_of(60, 0).count(name) for name in ("train", "val", "test")} == {
        "train": 42,
        "val": 6,
        "test": 12,
    }
    for few in range(3, 12):
        assert set(dataset.split_of(few, 0)) == {"train", "val", "test"}
    assert len(dataset.split_of(1, 0)) == 1


def test_every_action_unit_changes_the_picture_more_and_more(studio: Studio) -> None:
    rng = np.random.default_rng(3)
    studio.seat(draw_subject(rng))
    setting = Setting(Camera(), draw_light(rng, 0.6), np.full((SIZE, SIZE, 3), 0.5, np.float32))
    levels = np.array([0, 2, 5], np.float32)
    for name in AUS:
        still = np.zeros((3, 3), np.float32)
        frames = [f.astype(float) for f in studio.film({name: levels}, still[:, :2], still, setting, rng)]
        slight, full = (np.abs(frame - frames[0]).mean() for frame in frames[1:])
        assert full > slight > 0.02, name
        assert full > 0.15, name


def test_a_face_is_upright_lit_and_before_its_background(studio: Studio) -> None:
    rng = np.random.default_rng(5)
    studio.seat(replace(draw_subject(rng), long_hair=None, glasses=None))
    green = np.zeros((SIZE, SIZE, 3), np.float32)
    green[..., 1] = 1
    faces = {
        "AU45": np.array([[0, 0], [5, 0], [0, 0]], np.float32),
        "AU26": np.array([[0, 0], [0, 0], [5, 5]], np.float32),
    }
    still = np.zeros((3, 3), np.float32)
    rest, wink, jaw = studio.film(faces, still[:, :2], still, Setting(Camera(), draw_light(rng, 0.6), green), rng)
    assert tuple(rest[SIZE // 2, 0]) == (0, 255, 0)
    assert rest[SIZE // 2, SIZE // 2, 1] < 250
    winked, dropped = (np.abs(rest.astype(int) - frame).sum(axis=2) for frame in (wink, jaw))
    assert winked[: SIZE // 2].sum() > 10 * winked[SIZE // 2 :].sum()  # eyes are above
    assert dropped[SIZE // 2 :].sum() > 3 * dropped[: SIZE // 2].sum()  # the jaw is below
    assert winked[:, SIZE // 2 :].sum() > 10 * winked[:, : SIZE // 2].sum()  # one's left is the picture's right


def test_the_contact_sheet_shows_absence_and_five_intensities(studio: Studio) -> None:
    sheet = contact_sheet(studio, seed=0, aus=["AU12", "AU26", "AU45"])
    assert sheet.shape == (4 * SIZE, 2 * 6 * SIZE, 3)
    absent, jaw_dropped = sheet[20:SIZE, 6 * SIZE : 7 * SIZE], sheet[20:SIZE, 11 * SIZE :]
    assert np.abs(absent.astype(int) - jaw_dropped).mean() > 2


def test_a_dataset_is_reproducible_and_its_labels_are_the_performance(
    studio: Studio, facekit: Path, tmp_path: Path
) -> None:
    plan = dataset.Plan(subjects=3, sequences=2, frames=3, seed=7)
    assert list(dataset.write(dataset.film_all(studio, plan), plan, SIZE, tmp_path / "a")) == [6, 12, 18]
    command = [
        *("synthetic", "--facekit", str(facekit), "--out", str(tmp_path / "b"), "--size", str(SIZE)),
        *("--subjects", "3", "--sequences-per-subject", "2", "--frames", "3", "--seed", "7"),
    ]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    for name in (dataset.IMAGES, dataset.MANIFEST):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

    table = read_manifest(tmp_path / "b" / dataset.MANIFEST)
    assert len(table) == plan.pictures
    assert set(table["activity"]) <= ACTIVITIES.keys()
    sides = {f"{name}_{side}" for name in SIDED for side in "LR"}
    assert set(au_columns(table)) == set(AUS) | sides
    for name in sides | set(AUS):
        assert (table[name] == (table[f"{name}_intensity"] >= 2)).all()
    rng = np.random.default_rng((7, 3, 1, 1))  # subject 1, sequence 1
    acted = perform(
        table["activity"].iloc[9], draw_subject(np.random.default_rng((7, 2, 1))), plan.frames, rng
    ).intensities
    for name in AUS:
        shown = acted.get(name, np.zeros((3, 2)))
        for column, values in {name: shown.max(axis=1), f"{name}_L": shown[:, 0], f"{name}_R": shown[:, 1]}.items():
            if column in (*AUS, *sides):
                np.testing.assert_allclose(table[f"{column}_intensity"].iloc[9:12], values, atol=0.006)
    picture = PictureReader(tmp_path / "b").read(table["path"].iloc[-1])
    assert picture.shape[:2] == (SIZE, SIZE)
    assert picture.std() > 10


def test_another_seed_gives_other_people_and_colour_has_three_channels(studio: Studio, tmp_path: Path) -> None:
    tables = []
    for seed in (0, 1):
        plan = dataset.Plan(subjects=1, sequences=1, frames=2, seed=seed, colour=True)
        list(dataset.write(dataset.film_all(studio, plan), plan, SIZE, tmp_path / str(seed)))
        tables.append(pd.read_csv(tmp_path / str(seed) / dataset.MANIFEST))
    one, other = (np.load(tmp_path / str(seed) / dataset.IMAGES)["images"] for seed in (0, 1))
    assert one.shape == other.shape == (2, SIZE, SIZE, 3)
    assert np.abs(one.astype(int) - other).mean() > 5
    assert tables[0]["skin_tone"].iloc[0] != tables[1]["skin_tone"].iloc[0]


def test_ctrl_c_leaves_the_folder_as_it_was(
    studio: Studio, facekit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = dataset.film_all

    def interrupted(*arguments: object) -> Iterator[object]:
        yield next(real(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "film_all", interrupted)
    (tmp_path / dataset.MANIFEST).write_text("old")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                *("synthetic", "--facekit", str(facekit), "--out", str(tmp_path), "--size", str(SIZE)),
                *("--subjects", "2", "--sequences-per-subject", "1", "--frames", "1"),
            ]
        )
    assert ended.value.code == 130
    assert "stopped" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == [dataset.MANIFEST]
    assert (tmp_path / dataset.MANIFEST).read_text() == "old"


@pytest.mark.parametrize("content", [None, b"", b"no archive", "other"])
def test_a_wrong_kit_is_one_line(
    content: bytes | str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kit.npz"
    if content == "other":
        np.savez(path, images=np.zeros(3))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["synthetic", "--facekit", str(path), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "kit.npz" in said
    assert "Traceback" not in said


def test_nothing_to_write_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["synthetic", "--facekit", str(tmp_path / "kit.npz")])
    assert ended.value.code == 2
    assert "--out" in capsys.readouterr().err
