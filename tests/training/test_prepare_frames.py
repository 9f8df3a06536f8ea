"""Faces in whole frames and videos, in colour, and pictures that can't be used: each is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import skimage
from numpy.typing import NDArray

from clef_rt.detect import Detections
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.errors import ConfigError
from clef_rt.picture import Picture
from training.crops import FaceFinder
from training.prepare import REJECTED, prepare
from training.teacher import TEACHER_AUS

FACE = np.array([176, 55, 95, 118], np.float32)  # the astronaut's face, in the photograph
PICTURE = cv2.imread(str(Path(skimage.__file__).parent / "data/astronaut.png"))  # BGR
NOISE = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)


def manifest(paths: list[str], **columns: Any) -> pd.DataFrame:
    base: dict[str, Any] = {
        "path": paths,
        "subject": [f"s{row}" for row in range(len(paths))],
        "sequence": "",
        "frame": 0,
        "activity": "happiness",
        "split": "test",
    }
    return pd.DataFrame(base | columns)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The photograph, its face alone, and noise."""
    x, y, w, h = FACE.astype(int)
    cv2.imwrite(str(tmp_path / "frame.png"), PICTURE)
    cv2.imwrite(str(tmp_path / "tight.png"), PICTURE[y - 10 : y + h + 10, x - 15 : x + w + 15])
    cv2.imwrite(str(tmp_path / "noise.png"), NOISE)
    return tmp_path


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Correlation of the crops' inner parts: outside, tight pictures have only drawn-out edges."""
    inner = slice(len(one) // 5, -len(one) // 5)
    return float(np.corrcoef(one[inner, inner].ravel(), other[inner, inner].ravel())[0, 1])


def test_faces_are_found_in_frames(folder: Path) -> None:
    tight = prepare(manifest(["tight.png"]), folder, folder / "tight", dataset="tight", size=96)
    found = prepare(
        manifest(["frame.png", "noise.png"]), folder, folder / "found", dataset="found", size=96, framing="frame"
    )
    assert alike(found.crops[0], tight.crops[0]) > 0.95
    assert found.table["path"].tolist() == ["frame.png"]
    assert (found.facts.framing, found.facts.rejected, found.facts.faces_unseen) == ("frame", 1, 0)
    rejected = pd.read_csv(folder / "found" / REJECTED)
    assert rejected.to_numpy().tolist() == [[1, "noise.png", "no face was found"]]


def test_boxes_are_used_where_they_are_given(folder: Path) -> None:
    x, y, w, h = FACE
    boxes = {"box_x": [x, 10, 9000, np.nan], "box_y": [y, 10, 0, np.nan], "box_w": [w, 50, 90, np.nan]}
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), PICTURE)
    table = manifest(["frame.png", "noise.png", "a.png", "b.png"], **boxes, box_h=[h, 50, 90, np.nan])
    made = prepare(table, folder, folder / "out", dataset="boxed", size=96, framing="frame")
    # What is tested on stays without a face that is seen, if its box says where it should be.
    assert made.table["path"].tolist() == ["frame.png", "noise.png", "b.png"]
    assert made.facts.faces_unseen == 1
    assert alike(made.crops[0], made.crops[2]) > 0.95
    assert pd.read_csv(folder / "out" / REJECTED)["why"].tolist() == ["its box lies outside of the picture"]
    training = prepare(
        table.assign(split="train"), folder, folder / "train", dataset="boxed", size=96, framing="frame", workers=1
    )
    assert training.table["path"].tolist() == ["frame.png", "b.png"]
    folds = prepare(table.assign(split="", fold=[0, 1, 2, 0]), folder, folder / "f", dataset="boxed", size=96)
    assert folds.table["path"].tolist() == ["frame.png", "noise.png", "b.png"]  # each is tested on in its fold


@pytest.mark.parametrize("box", [(1.0, 1.0, np.nan, 5.0), (1.0, 1.0, 0.0, 5.0)])
def test_boxes_that_are_none(folder: Path, box: tuple[float, ...]) -> None:
    table = manifest(["frame.png"], **dict(zip(("box_x", "box_y", "box_w", "box_h"), ([v] for v in box), strict=True)))
    with pytest.raises(ConfigError, match=r"row 0 \(frame\.png\)"):
        prepare(table, folder, folder / "out", dataset="boxed", size=96)


def test_videos_in_frames(tmp_path: Path) -> None:
    """Frames of a face that wanders: each crop shows it in its place, and tells its frame by the light."""
    with av.open(str(tmp_path / "walk.avi"), "w") as file:
        stream = file.add_stream("mpeg4", rate=25, options={"q:v": "2"})
        stream.width, stream.height = 640, 512
        for number in range(12):
            image = np.full((512, 640, 3), 90, np.uint8)
            image[:, 8 * number : 8 * number + 512] = PICTURE * (0.6 + 0.03 * number)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        file.mux(stream.encode())
    numbers = [0, 3, 4, 11]
    table = manifest([f"walk.avi!{number}" for number in numbers], subject="s", sequence="walk", frame=numbers)
    made = prepare(table, tmp_path, tmp_path / "out", dataset="walk", size=96, framing="frame")
    assert made.table["frame"].tolist() == numbers
    assert min(alike(made.crops[0], crop) for crop in made.crops) > 0.9
    light = [crop.mean() / (0.6 + 0.03 * number) for number, crop in zip(numbers, made.crops, strict=True)]
    assert light == pytest.approx([light[0]] * 4, rel=0.03)


def test_colour_at_224(folder: Path) -> None:
    table = manifest(["frame.png", "tight.png"])
    made = prepare(table.iloc[:1], folder, folder / "a", dataset="a", size=224, channels=3, framing="frame")
    grey = prepare(table.iloc[:1], folder, folder / "b", dataset="b", size=224, framing="frame")
    assert made.crops.shape == (1, 224, 224, 3)
    assert made.facts.channels == 3
    crop = made.crops[0].astype(float)
    assert np.abs(crop @ (0.299, 0.587, 0.114) - grey.crops[0, ..., 0]).mean() < 2  # the same place
    skin = crop[120:150, 90:130].mean(axis=(0, 1))
    assert skin[0] > skin[1] > skin[2]  # RGB
    tight = prepare(table.iloc[1:], folder, folder / "c", dataset="c", size=224, channels=3)
    assert alike(made.crops[0], tight.crops[0]) > 0.95


class _Fixed:
    """A detector that finds what it is told."""

    name = "fixed"

    def __init__(self, *answers: list[list[float]]) -> None:
        self._answers = list(answers)

    @property
    def left(self) -> int:
        return len(self._answers)

    def detect(self, picture: Picture) -> Detections:
        boxes = np.array(self._answers.pop(0), np.float32).reshape(-1, 4)
        return Detections(boxes, np.zeros((len(boxes), 5, 2), np.float32), np.ones(len(boxes), np.float32))


def test_the_same_face_is_followed_through_a_recording() -> None:
    here, there = [10.0, 10.0, 40.0, 40.0], [200.0, 10.0, 60.0, 60.0]
    nearer, further = [14.0, 10.0, 40.0, 40.0], [190.0, 10.0, 39.0, 39.0]
    detector = _Fixed([here], [there, nearer], [], [further, here], [here, there], [here, there])
    finder = FaceFinder(detector, LandmarkNet())
    grey = np.zeros((300, 300), np.uint8)  # in which the landmark network sees no face to follow
    found = [finder.find(grey, "one") for _ in range(4)]
    assert [None if box is None else box.tolist() for box in found] == [here, nearer, None, here]
    other = finder.find(grey, "another")  # a new recording starts with the largest
    assert other is not None
    assert other.tolist() == there
    finder.forget()
    again = finder.find(grey, "another")
    assert again is not None
    assert again.tolist() == there


def test_a_face_that_stays_is_detected_now_and_then() -> None:
    grey = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
    later = FACE + np.array([52, 0, 0, 0], np.float32)  # where it is when it is looked for again
    detector = _Fixed([FACE.tolist()], [later.tolist()], [])
    finder = FaceFinder(detector, LandmarkNet())
    boxes = [finder.find(np.roll(grey, 2 * number, axis=1), "one") for number in range(40)]
    assert detector.left == 1  # detected at the start and after 25 frames
    assert all(box is not None for box in boxes)
    moved = np.diff([box[0] for box in boxes[1:25] if box is not None])
    assert moved.mean() == pytest.approx(2, abs=0.3)
    assert finder.find(np.zeros_like(grey), "one") is None  # gone: looked for at once
    assert detector.left == 0


@pytest.fixture
def bad(folder: Path) -> pd.DataFrame:
    """Fourteen pictures, twelve of which are cut short."""
    data = (folder / "tight.png").read_bytes()
    for number in range(14):
        whole = number in (3, 9)
        (folder / f"{number}.png").write_bytes(data if whole else data[:-20])
    return manifest([f"{number}.png" for number in range(14)])


def test_bad_pictures_are_named(folder: Path, bad: pd.DataFrame) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(bad, folder, folder / "out", dataset="bad", size=48)
    lines = str(caught.value).splitlines()
    assert lines[0] == "bad: 12 of 14 pictures can't be read:"
    assert lines[1] == "  row 0 (0.png): can't be decoded"
    assert lines[10] == "  row 11 (11.png): can't be decoded"
    assert lines[11] == "  and 2 more"
    assert "--skip-bad" in lines[12]
    # Mended, the same call is enough.
    for number in range(14):
        (folder / f"{number}.png").write_bytes((folder / "tight.png").read_bytes())
    made = prepare(bad, folder, folder / "out", dataset="bad", size=48)
    assert (made.facts.rows, made.facts.rejected) == (14, 0)


def test_bad_pictures_are_left_out_on_demand(folder: Path, bad: pd.DataFrame) -> None:
    (folder / "5.png").unlink()
    with pytest.raises(ConfigError, match=r"1 of 14 .*\n  row 5 \(5\.png\): .*5\.png isn't there"):
        prepare(bad, folder, folder / "out", dataset="bad", size=48)
    made = prepare(bad, folder, folder / "out", dataset="bad", size=48, skip_bad=True)
    assert made.table["path"].tolist() == ["3.png", "9.png"]
    assert made.facts.rejected == 12
    rejected = pd.read_csv(folder / "out" / REJECTED)
    assert rejected["row"].tolist() == [row for row in range(14) if row not in (3, 9)]
    assert rejected["why"].iloc[4] == "can't be read: No such file or directory"
    with pytest.raises(ConfigError, match=r"no face of 3 .* Most often: can't be decoded"):
        prepare(bad.iloc[:3], folder, folder / "none", dataset="bad", size=48, skip_bad=True)


def test_nothing_readable_ends_early(tmp_path: Path) -> None:
    """With one file damaged that all rows are in, not all of them are tried."""
    (tmp_path / "all.zip").write_bytes(b"no archive")
    table = manifest([f"all.zip!{row}.png" for row in range(600)])
    with pytest.raises(ConfigError, match=r"256 of 600 .*\n  row 0 .*not a zip file"):
        prepare(table, tmp_path, tmp_path / "out", dataset="all", size=48, workers=1)


def test_the_teacher_fills_only_what_the_dataset_lacks(folder: Path, shared_data: Path) -> None:
    pytest.importorskip("mediapipe", reason="the teacher needs mediapipe")
    model = shared_data / "mediapipe/face_landmarker.task"
    table = manifest(["frame.png", "noise.png"], activity="neutral", split="train", AU12=[0.25, 0.5])
    made = prepare(table, folder, folder / "out", dataset="t", size=96, framing="frame", teacher=model)
    assert made.table["AU12"].tolist() == [0.25]
    assert set(TEACHER_AUS) <= set(made.table.columns)
    assert made.table[list(TEACHER_AUS)].notna().to_numpy().all()
    assert "MediaPipe" in made.facts.teacher
    assert made.facts.teacher_missed == 0
    with pytest.raises(ConfigError, match="has the activity neutral"):
        prepare(table.assign(activity="happiness"), folder, folder / "x", dataset="t", size=96, teacher=model)
