"""Your own footage: real videos, sampled by their times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.errors import ConfigError
from training.datasets import DATASETS, ReadResult
from training.datasets.footage import _sample
from training.datasets.videos import frame_times
from training.manifest import validate
from training.pictures import PictureReader


def film(path: Path, codec: str = "libx264", times: list[int] | None = None, bframes: int = 2) -> Path:
    """A video of 10 frames a second, each frame's grey 10 times its number; times in tenths of a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        stream.codec_context.max_b_frames = bframes
        for number, time in enumerate(times or range(25)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number, np.uint8), "bgr24")
            frame.pts, frame.time_base = time, Fraction(1, 10)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def footage(root: Path, *rows: str, header: str = "video,subject,activity") -> ReadResult:
    (root / "footage.csv").write_text("\n".join([header, *rows]) + "\n")
    made = DATASETS["footage"].read(root)
    validate(made.table, "footage")
    return made


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_frames_are_taken_by_time_and_numbered_as_they_are_decoded(tmp_path: Path, name: str, codec: str) -> None:
    film(tmp_path / "clips" / name, codec)
    made = footage(tmp_path, f"clips/{name},anna,Tell a joke to a friend.")
    assert made.table["path"].tolist() == [f"clips/{name}!{number}" for number in (0, 10, 20)]
    assert made.table["frame"].tolist() == [0, 10, 20]
    first = made.table.iloc[0]
    assert first[["subject", "sequence", "activity", "split"]].tolist() == [
        "footage-anna",
        f"clips/{name}",
        "Tell a joke to a friend.",
        "train",
    ]
    assert made.notes == ("no splits given: nobody val, the other 1 train",)
    reader = PictureReader(tmp_path)
    greys = [float(reader.read(path).mean()) for path in made.table["path"]]
    assert greys == pytest.approx([0, 100, 200], abs=8)


def test_uneven_frames_are_taken_by_their_times(tmp_path: Path) -> None:
    film(tmp_path / "a.mkv", times=[0, 1, 2, 3, 14, 15, 16, 31])
    assert frame_times(tmp_path / "a.mkv").tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 1.4, 1.5, 1.6, 3.1])
    made = footage(tmp_path, "a.mkv,anna,Sit still.")
    assert made.table["frame"].tolist() == [0, 4, 7]  # 2 s and 3 s both fall to the last


def test_frames_without_times_are_taken_by_the_rate(tmp_path: Path) -> None:
    times = frame_times(film(tmp_path / "a.h264"))
    assert len(times) == 25
    assert (np.diff(times) > 0).all()
    assert times[0] == 0


def test_splits_and_rates_are_taken_as_they_are_given(tmp_path: Path) -> None:
    for name in ("a", "b"):
        film(tmp_path / f"{name}.mp4")
    made = footage(
        tmp_path,
        "a.mp4, 007 ,Sit still.,val,0.5",
        'b.mp4,8,"Wait, then smile.",train,',
        header="video,subject,activity,split,every",
    )
    counts = made.table.groupby(["subject", "split", "activity"]).size().to_dict()
    assert counts == {
        ("footage-007", "val", "Sit still."): 5,
        ("footage-8", "train", "Wait, then smile."): 3,
    }
    assert made.notes == ()


def test_whole_subjects_are_drawn_for_val(tmp_path: Path) -> None:
    for number in range(8):
        film(tmp_path / f"{number}.mp4")
    made = footage(tmp_path, *(f"{number}.mp4,s{number // 2},Sit still." for number in range(8)))
    assert made.table.groupby("subject")["split"].nunique().eq(1).all()
    assert made.table.loc[made.table["split"] == "val", "subject"].nunique() == 1
    assert made.notes[0].endswith("the other 3 train")


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        (["a.mp4,anna"], "video,subject", "no column activity"),
        ([], "video,subject,activity", "has no rows"),
        (["a.mp4,anna, "], "video,subject,activity", r"row 0 \(a\.mp4\): the activity is empty"),
        (["a.mp4,,Sit."], "video,subject,activity", r"row 0 \(a\.mp4\): the subject is empty"),
        (["a.mp4,x,Sit.", ",x,Sit."], "video,subject,activity", r"row 1 \(\): the video is empty"),
        (["a.mp4,x,Sit.", "a.mp4,x,Sit."], "video,subject,activity", "row 1 .*the video is there twice"),
        (["a.mp4,x,Sit.,val", "b.mp4,x,Sit.,"], "video,subject,activity,split", "row 1 .*the split is empty"),
        (["a.mp4,x,Sit.,dev"], "video,subject,activity,split", "row 0 .*the split must be train, val, test"),
        (["a.mp4,x,Sit.,0"], "video,subject,activity,every", "row 0 .*every must be a number of seconds"),
        (["a.mp4,x,Sit.,often"], "video,subject,activity,every", "row 0 .*every must be a number of seconds"),
        (
            ["a.mp4,x,Sit.", "gone.mp4,x,Sit."],
            "video,subject,activity",
            r"row 1: gone\.mp4 can't be read: No such file",
        ),
        (["a.mp4,x,Sit.", "no.mp4,x,Sit."], "video,subject,activity", r"row 1: no\.mp4 can't be read: Invalid data"),
        (["a.mp4,x,Sit.,with,more", "b.mp4,x,Sit."], "video,subject,activity", "row 0 has more fields"),
        (["b.mp4,x,Sit.", "a.mp4,x,Sit., smile."], "video,subject,activity", "can't be read: .*line 3, saw 4"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, rows: list[str], header: str, says: str) -> None:
    film(tmp_path / "a.mp4")
    film(tmp_path / "b.mp4")
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(ConfigError, match=says) as caught:
        footage(tmp_path, *rows, header=header)
    assert "footage.csv" in str(caught.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with pytest.raises(ConfigError, match=r"a\.wav can't be read: it has no video stream"):
        footage(tmp_path, "a.wav,anna,Sit still.")


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=60), st.floats(0.05, 3))
def test_samples_are_apart_and_in_order(steps: list[float], every: float) -> None:
    times = np.cumsum([0.0, *steps])
    taken = _sample(times, every)
    assert taken[0] == 0
    assert (np.diff(taken) > 0).all()
    assert taken[-1] < len(times)
    assert len(taken) <= times[-1] / every + 2
    for number in taken[1:]:  # none is taken before its time
        wanted = np.floor(times[number] / every + 1e-4) * every
        assert times[number - 1] < wanted + 1e-5
