"""From pictures to crops and weak labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import skimage

from clef_rt.errors import ConfigError
from training.__main__ import main
from training.prepare import FACTS, Prepared
from training.teacher import TEACHER_AUS, soft_labels
from training.texts import load_labels

EYES_Y, EYES_APART = 0.40, 0.30  # of the crop's side, as the template has them


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tight picture of a face, one without any, and their manifest."""
    folder = tmp_path_factory.mktemp("pictures")
    astronaut = cv2.imread(str(Path(skimage.__file__).parent / "data/astronaut.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / "face.png"), astronaut[50:200, 155:300])
    cv2.imwrite(
        str(folder / "small.png"), cv2.resize(astronaut[50:200, 155:300], (48, 48), interpolation=cv2.INTER_AREA)
    )
    cv2.imwrite(str(folder / "none.png"), np.random.default_rng(0).integers(0, 255, (100, 100), np.uint8))
    shutil.copy(folder / "none.png", folder / "test.png")
    names = ["face.png", "small.png", "none.png", "test.png"]
    pd.DataFrame(
        {
            "path": names,
            "subject": ["a", "a", "b", "c"],
            "sequence": "",
            "frame": 0,
            "activity": "happiness",
            "split": ["train", "train", "train", "test"],
            "happiness": 1.0,
        }
    ).to_csv(folder / "manifest.csv", index=False)
    return folder


def test_faces_are_aligned_as_the_runtime_aligns_them(pictures: Path, tmp_path: Path) -> None:
    main_ok(
        ["prepare", str(pictures / "manifest.csv"), "--data", str(pictures), "--out", str(tmp_path), "--size", "96"]
    )
    prepared = Prepared.load(tmp_path)
    # The picture without a face is left out of training, and stays in the test.
    assert list(prepared.table["path"]) == ["face.png", "small.png", "test.png"]
    assert prepared.facts.faces_unseen == 2
    big, small = (prepared.crops[row, ..., 0].astype(float) for row in (0, 1))
    # The pupils are darker than what is around them, and lie where the template wants the eyes.
    y = round(EYES_Y * 96)
    for x in (round((0.5 - EYES_APART / 2) * 96), round((0.5 + EYES_APART / 2) * 96)):
        assert big[y - 3 : y + 3, x - 4 : x + 4].min() < big[y + 12 : y + 18, x - 4 : x + 4].min() - 20
    assert np.corrcoef(big.ravel(), small.ravel())[0, 1] > 0.9  # 48 px give nearly the same crop


def test_a_folder_that_is_damaged_is_refused(pictures: Path, tmp_path: Path) -> None:
    main_ok(["prepare", str(pictures / "manifest.csv"), "--data", str(pictures), "--out", str(tmp_path)])
    table = pd.read_parquet(tmp_path / "manifest.parquet")
    table.iloc[:1].to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(ConfigError, match="1 rows"):
        Prepared.load(tmp_path)
    (tmp_path / FACTS).write_text("{}")
    with pytest.raises(ConfigError, match="isn't prepared"):
        Prepared.load(tmp_path)


def test_a_picture_that_is_gone_is_named(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["prepare", str(pictures / "manifest.csv"), "--data", str(tmp_path), "--out", str(tmp_path / "x")])
    assert end.value.code == 2
    assert f"row 0 (face.png): {tmp_path / 'face.png'} isn't there" in capsys.readouterr().err


def test_soft_labels_are_set_by_neutral_faces() -> None:
    neutral = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    given = np.array([[0.5], [0.95], [2.0], [-1.0], [np.nan]], np.float32)
    found = soft_labels(given, neutral)[:, 0]
    assert found[:2] == pytest.approx([1 / (1 + np.exp(3)), 0.5], abs=1e-3)
    assert found[2] > 0.99
    assert found[3] < 0.01
    assert np.isnan(found[4])
    constant = soft_labels(given, np.zeros_like(neutral))  # a label that neutral faces never show at all
    assert np.isfinite(constant[:4]).all()


def test_every_action_unit_of_the_teacher_has_a_text() -> None:
    assert list(load_labels().chosen(TEACHER_AUS, []).au) == list(TEACHER_AUS)


def test_the_teacher_sees_a_smile(pictures: Path, shared_data: Path) -> None:
    pytest.importorskip("mediapipe", reason="the teacher needs mediapipe")
    from training.teacher import AuTeacher

    with AuTeacher(shared_data / "mediapipe/face_landmarker.task") as teacher:
        found = teacher.values(cv2.imread(str(pictures / "face.png"), cv2.IMREAD_GRAYSCALE))
        assert found is not None
        values = dict(zip(TEACHER_AUS, found, strict=True))
        assert values["AU12"] > 0.5
        assert values["AU45"] < 0.4
        assert teacher.values(np.zeros((80, 80), np.uint8)) is None


def main_ok(arguments: list[str]) -> None:
    """Run the command line in this process, and expect success."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert not end.value.code
