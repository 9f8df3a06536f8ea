"""The pictures show what the labels say, and what is worn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthetic.action_units import AUS, SIDED
from training.synthetic.backgrounds import draw_background
from training.synthetic.contact_sheet import contact_sheet, random_sheet
from training.synthetic.folds import FOLDS, FoldMaps, Skin
from training.synthetic.geometry import rotation
from training.synthetic.occlusion import Hidden, Occlusion, draw_occlusion
from training.synthetic.scene import Camera, Light, develop, draw_camera, draw_light, project
from training.synthetic.studio import Setting, Studio
from training.synthetic.subjects import Subject, draw_subject
from training.synthetic.worn import Glasses, LongHair

SIZE = 64
GREEN = np.zeros((SIZE, SIZE, 3), np.float32)
GREEN[..., 1] = 1


def plain(seed: int) -> Subject:
    """Somebody of light skin with bare face and short hair."""
    for number in range(100):
        person = draw_subject(np.random.default_rng((seed, number)))
        if 2 < person.look.tone < 5:
            break
    look = replace(
        person.look, beard=(0.0, 0.0), moustache=(0.0, 0.0), stubble=0.0, fringe=0.0, bald=1.0, volume=0.2, cloth=False
    )
    return replace(person, look=look, glasses=None, long_hair=None)


def film(
    studio: Studio, person: Subject | None, faces: dict[str, list[object]], setting: Setting | None = None
) -> NDArray[np.float32]:
    """Luminance (n, SIZE, SIZE) of frames before a green wall in the same light."""
    if person is not None:
        studio.seat(person)
    setting = setting or Setting(Camera(), draw_light(np.random.default_rng(0), 0.6), GREEN)
    values = {name: np.array(value, np.float32) for name, value in faces.items()}
    still = np.zeros((len(next(iter(values.values()))), 3), np.float32)
    frames = np.stack(list(studio.film(values, still[:, :2], still, setting, np.random.default_rng(0))))
    return np.asarray(frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))


def landmarks(studio: Studio, person: Subject) -> NDArray[np.float32]:
    """Where the 68 landmarks of a head that looks straight ahead are in the picture, px."""
    head = studio.kit.head(person.identity)[studio.kit.landmarks]
    centre = head[[36, 45, 48, 54]].mean(axis=0) + np.array([0, 0.9, 0], np.float32)
    return project((head - centre) @ rotation(0, 0), Camera()) * SIZE


def near(points: NDArray[np.float32], radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    return np.asarray(np.min([(columns - x) ** 2 + (rows - y) ** 2 for x, y in points], axis=0) < radius**2)


def test_every_action_unit_changes_the_picture_more_and_more(studio: Studio) -> None:
    person: Subject | None = plain(3)
    for name in AUS:
        frames = film(studio, person, {name: [0, 2, 5]})
        person = None
        slight, full = (np.abs(frame - frames[0]).mean() for frame in frames[1:])
        assert full > slight > 0.02, name
        assert full > 0.15, name


@pytest.mark.parametrize("au", SIDED)
def test_the_subjects_left_is_the_pictures_right(studio: Studio, au: str) -> None:
    rest, left, right = film(studio, plain(4), {au: [[0, 0], [5, 0], [0, 5]]})
    for frame, share in ((left, slice(SIZE // 2, None)), (right, slice(0, SIZE // 2))):
        change = np.abs(frame - rest)
        assert change[:, share].sum() > 3 * (change.sum() - change[:, share].sum())


def test_a_face_is_upright_lit_and_before_its_background(studio: Studio) -> None:
    studio.seat(plain(5))
    faces = {
        "AU45": np.array([[0, 0], [5, 0], [0, 0]], np.float32),
        "AU26": np.array([[0, 0], [0, 0], [5, 5]], np.float32),
    }
    still = np.zeros((3, 3), np.float32)
    rng = np.random.default_rng(5)
    rest, wink, jaw = studio.film(faces, still[:, :2], still, Setting(Camera(), draw_light(rng, 0.6), GREEN), rng)
    assert tuple(rest[SIZE // 2, 0]) == (0, 255, 0)
    assert rest[SIZE // 2, SIZE // 2, 1] < 250
    winked, dropped = (np.abs(rest.astype(int) - frame).sum(axis=2) for frame in (wink, jaw))
    assert winked[: SIZE // 2].sum() > 10 * winked[SIZE // 2 :].sum()  # eyes are above
    assert dropped[SIZE // 2 :].sum() > 3 * dropped[: SIZE // 2].sum()  # the jaw is below
    assert winked[:, SIZE // 2 :].sum() > 10 * winked[:, : SIZE // 2].sum()  # one's left is the picture's right


@pytest.mark.parametrize(
    ("au", "corners", "radius"),
    [
        ("AU04", (21, 22), 6.0),  # between the brows
        ("AU12", (48, 54), 12.0),
        ("AU15", (48, 54), 9.0),
        ("AU06", (36, 45), 12.0),
    ],
)
def test_folds_darken_the_skin_where_they_should(
    studio: Studio, au: str, corners: tuple[int, int], radius: float
) -> None:
    person = plain(6)
    smooth = replace(person, skin=Skin(0.0, 0.0, dict.fromkeys(FOLDS, 1.0)))
    creased = replace(person, skin=Skin(0.0, 1.0, dict.fromkeys(FOLDS, 1.0)))
    flat_light = Light(  # so that it is the folds' hollows that are seen, not their slopes
        np.array([[0.8] * 3, *[[0.0] * 3] * 8], np.float32),
        np.eye(3, dtype=np.float32),
        np.zeros((3, 3), np.float32),
        0.0,
    )
    setting = Setting(Camera(), flat_light, GREEN)
    without, folded = (film(studio, one, {au: [0, 5]}, setting) for one in (smooth, creased))
    assert np.abs(without[0] - folded[0]).max() < 1  # at rest there are none
    darker = without[1] - folded[1]
    here = near(landmarks(studio, person)[list(corners)], radius)
    assert darker[here].max() > 6
    assert darker[here].clip(0).sum() > 2 * darker[~here].clip(0).sum()


def test_lined_skin_is_lined_at_rest_and_sides_fold_apart() -> None:
    maps = FoldMaps(96)
    own = dict.fromkeys(FOLDS, 1.0)
    flat, lined = (maps.heights(Skin(age, 1.0, own).depths({})) for age in (0.0, 1.0))
    assert not flat.any()
    assert lined.min() < -0.3
    left = maps.heights(Skin(0.0, 1.0, own).depths({"AU12": (5.0, 0.0)}))
    half = maps.side // 2
    assert left[:, half:].min() < -0.5  # the left is at u > 0.5
    assert np.abs(left[:, :half]).max() < 0.1


def test_hair_beards_and_glasses_are_where_they_belong(studio: Studio) -> None:
    person = plain(7)
    bare = film(studio, person, {"AU01": [0]})[0]
    look = replace(person.look, beard=(1.2, 0.4), moustache=(1.2, 0.15), beard_colour=(0.05, 0.05, 0.05))
    bearded = bare - film(studio, replace(person, look=look), {"AU01": [0]})[0]
    spots = landmarks(studio, person)
    chin, eyes = near(spots[[8]], 4), near(spots[36:48], 4)
    assert bearded[chin].mean() > 20
    assert np.abs(bearded[eyes]).mean() < 2

    wire = Glasses(2.4, 1.7, 3.0, 0.2, (0.02, 0.02, 0.02), (0.5, 0.5, 0.5), 0.0, 0.0, 0.0)
    spectacles = bare - film(studio, replace(person, glasses=wire), {"AU01": [0]})[0]
    around, mouth = near(spots[36:48], 12), near(spots[48:60], 3)
    assert (spectacles[around] > 30).sum() > 40
    assert np.abs(spectacles[mouth]).mean() < 2
    dark = replace(wire, tint=(0.03, 0.03, 0.03), opacity=0.95)
    shaded = film(studio, replace(person, glasses=dark), {"AU01": [0]})[0]
    assert shaded[near(spots[[37, 44]], 2)].mean() < 60

    hair = LongHair(-14.0, 1.2, 0.1, 0.0)
    studio.seat(replace(person, long_hair=hair, look=replace(person.look, hair=(0.1, 0.08, 0.08))))
    setting = Setting(Camera(), draw_light(np.random.default_rng(0), 0.6), GREEN)
    none = {"AU01": np.zeros(1, np.float32)}
    still = np.zeros((1, 3), np.float32)
    picture = next(iter(studio.film(none, still[:, :2], still, setting, np.random.default_rng(0))))
    beside_neck = picture[int(spots[8, 1]) - 2, [int(spots[0, 0]), int(spots[16, 0])]]
    assert beside_neck.max() < 120  # no more green
    face = film(studio, replace(person, long_hair=hair), {"AU01": [0]})[0]
    assert np.abs(face - bare)[near(spots[17:60], 2)].mean() < 2


@pytest.mark.parametrize("what", Hidden)
def test_what_is_before_the_face_hides_a_part_of_it(studio: Studio, what: Hidden) -> None:
    thing = Occlusion(what, (0.1, 0.2, 0.9), 57, (0.0, 0.0), 1.0, 0.1, 3, 1.0)
    light = draw_light(np.random.default_rng(0), 0.6)
    bare, hidden = (
        film(studio, plain(8), {"AU01": [0]}, Setting(Camera(), light, GREEN, before)) for before in (None, thing)
    )
    share = (np.abs(bare - hidden) > 8).mean()
    assert 0.02 < share < 0.6


def test_a_tenth_of_the_recordings_hides_something() -> None:
    drawn = [draw_occlusion(np.random.default_rng(n), (0.6, 0.5, 0.4), (0.1, 0.1, 0.1)) for n in range(600)]
    assert 0.06 < np.mean([one is not None for one in drawn]) < 0.16
    assert {one.what for one in drawn if one is not None} == set(Hidden)


def test_landmarks_are_where_the_shader_draws_them(studio: Studio) -> None:
    person = plain(9)
    rest, closed = film(studio, person, {"AU45": [[0, 0], [5, 0]]})
    rows, columns = np.nonzero(np.abs(rest - closed) > 20)
    eye = landmarks(studio, person)[42:48].mean(axis=0)
    assert abs(columns.mean() - eye[0]) < 2
    assert abs(rows.mean() - eye[1]) < 2


def test_cameras_and_backgrounds_differ() -> None:
    picture = np.full((2 * SIZE, 2 * SIZE, 4), 255, np.uint8)
    picture[: SIZE // 2, ::3, :3] = 40
    wall = draw_background(np.random.default_rng(0), SIZE)
    good, poor, dark = (
        develop(picture, wall, camera, np.random.default_rng(0))
        for camera in (Camera(), Camera(resolution=40, quality=30), Camera(exposure=0.5))
    )
    assert good.shape == poor.shape == (SIZE, SIZE, 3)
    edges = [float(np.abs(cv2.Laplacian(one.astype(np.float32), cv2.CV_32F)).mean()) for one in (good, poor)]
    assert edges[1] < 0.8 * edges[0]
    assert dark.mean() < 0.85 * good.mean()
    walls = [draw_background(np.random.default_rng(n), SIZE) for n in range(40)]
    assert np.std([one.mean() for one in walls]) > 0.1
    assert np.ptp([float(one.std()) for one in walls]) > 0.1
    kinds = [draw_camera(np.random.default_rng(n)) for n in range(200)]
    assert 0.3 < np.mean([camera.resolution > 0 for camera in kinds]) < 0.5
    assert 0.4 < np.mean([camera.quality > 0 for camera in kinds]) < 0.6


def test_sheets_show_intensities_sides_and_frames(studio: Studio) -> None:
    sheet = contact_sheet(studio, seed=0, aus=["AU12", "AU26", "AU45"])
    assert sheet.shape == (4 * SIZE, 2 * 6 * SIZE, 3)
    absent, jaw_dropped = sheet[20:SIZE, 6 * SIZE : 7 * SIZE], sheet[20:SIZE, 11 * SIZE :]
    assert np.abs(absent.astype(int) - jaw_dropped).mean() > 2
    left, right = sheet[2 * SIZE + 20 : 3 * SIZE, 5 * SIZE : 6 * SIZE], sheet[2 * SIZE + 20 : 3 * SIZE, 11 * SIZE :]
    assert np.abs(left.astype(int) - right).mean() > 0.5
    frames = random_sheet(studio, seed=0, count=3, columns=2)
    assert frames.shape == (2 * (SIZE + 36), 2 * SIZE, 3)
    assert frames[-SIZE:, SIZE:].max() == 0
