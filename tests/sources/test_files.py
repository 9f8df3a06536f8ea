from __future__ import annotations

import itertools
import os
import random
import shutil
import threading
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from clef_rt.errors import ConfigError, SourceError, SourceNotFound, SourceUnauthorized, SourceUndecodable
from clef_rt.frame import Frame
from clef_rt.sources import SourceOptions, SourceUri, open_source
from clef_rt.sources._images import images_in
from tests.conftest import make_video
from tests.rigs import oracle


def indices(frames: list[Frame]) -> list[int]:
    return [oracle.read(frame.picture.gray()) for frame in frames]


def make_images(folder: Path, numbers: list[int]) -> Path:
    folder.mkdir()
    for number in numbers:
        image = np.full((64, 300, 3), 90, np.uint8)
        oracle.draw(image, number)
        cv2.imwrite(str(folder / f"frame {number}.png"), image)
    return folder


def test_a_file_gives_every_frame_once_and_in_order(video: Path) -> None:
    with open_source(video) as source:
        assert not source.live
        assert source.finite
        assert source.nominal_fps == 30
        assert source.camera == "plain"
        frames = list(source)
    assert indices(frames) == list(range(45))
    assert [frame.seq for frame in frames] == list(range(45))
    assert {(frame.camera, frame.epoch, frame.dropped) for frame in frames} == {("plain", 0, 0)}
    assert [round(frame.pts_ns * 30 / 1e9) for frame in frames] == list(range(45))
    assert (frames[0].picture.width, frames[0].picture.height) == (322, 242)


def test_b_frames_come_in_the_order_of_display(video_bframes: Path) -> None:
    with open_source(str(video_bframes)) as source:
        assert indices(list(source)) == list(range(45))


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mkv", "libx264"), ("ts", "libx264"), ("avi", "mpeg4"), ("webm", "libvpx")]
)
def test_every_container_is_read_to_its_end(tmp_path: Path, suffix: str, codec: str) -> None:
    with open_source(make_video(tmp_path / f"clip.{suffix}", codec=codec, frames=20, size=(320, 240))) as source:
        assert indices(list(source)) == list(range(20))


def test_file_urls_and_names_with_colons_are_files(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(video, tmp_path / "rtsp:tricky %03d.mp4")
    monkeypatch.chdir(tmp_path)
    for uri in ("rtsp:tricky %03d.mp4", f"file://{video}"):
        with open_source(uri) as source:
            assert len(list(source)) == 45


def test_a_truncated_file_ends_cleanly_with_what_there_is(video_truncated: Path) -> None:
    with open_source(video_truncated) as source:
        found = indices(list(source))
    assert found == list(range(len(found)))
    assert 10 <= len(found) < 45


def test_damage_in_the_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    path = make_video(tmp_path / "damaged.mp4", movflags="faststart")
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat")
    noise = random.Random(1)
    for place in range(start + (len(data) - start) // 3, start + (len(data) - start) // 2):
        data[place] = noise.randrange(256)
    path.write_bytes(data)
    with open_source(path) as source:
        found = indices(list(source))
        assert source.corrupt > 0
    # What was predicted from the damaged frames is left out too: all that is shown is whole.
    assert found == sorted(set(found))
    assert found[:10] == list(range(10))
    assert found[-15:] == list(range(30, 45))  # from a key frame on
    assert len(found) < 45


def test_an_mp4_without_its_index_says_that_it_may_be_cut_off(tmp_path: Path, video: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(video.read_bytes()[:-2000])
    with pytest.raises(SourceUndecodable, match="index"):
        open_source(path)


def test_a_loop_begins_again_as_a_new_epoch(video: Path) -> None:
    with open_source(video, options=SourceOptions(loop=True)) as source:
        frames = list(itertools.islice(source, 100))
        again = source.again()
    assert indices(frames) == [*range(45), *range(45), *range(10)]
    assert [frame.epoch for frame in frames] == [0] * 45 + [1] * 45 + [2] * 10
    assert [frame.seq for frame in frames] == list(range(100))
    assert (again.epoch, again.seq) == (3, 100)


def test_an_image_is_one_frame(tmp_path: Path) -> None:
    path = make_images(tmp_path / "images", [7]) / "frame 7.png"
    with open_source(path) as source:
        frames = list(source)
        assert source.camera == "frame-7"
    assert indices(frames) == [7]


def test_a_folder_is_played_in_natural_order_and_skips_what_is_no_image(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "images", [10, 9, 1, 2, 100])
    (folder / "notes.txt").write_text("not an image")
    (folder / "frame 3.png").write_bytes(b"damaged")
    (folder / "frame 4.jpg").write_bytes(b"")
    with open_source(folder, options=SourceOptions(fps=10)) as source:
        frames = list(source)
        assert source.corrupt == 2
        assert source.nominal_fps == 10
    assert indices(frames) == [1, 2, 9, 10, 100]
    assert [frame.pts_ns // 10**8 for frame in frames] == [0, 1, 4, 5, 6]


def test_a_folder_in_real_time_keeps_its_pace(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "images", [1, 2, 3, 4])
    with open_source(folder, options=SourceOptions(fps=20, realtime=True, loop=True)) as source:
        assert source.live
        frames = list(itertools.islice(source, 6))
    assert indices(frames) == [1, 2, 3, 4, 1, 2]
    assert [frame.epoch for frame in frames] == [0] * 4 + [1] * 2
    assert (frames[3].captured_mono_ns - frames[0].captured_mono_ns) / 1e9 >= 0.15 * 0.95


@pytest.mark.parametrize("uri", ["synthetic://", "synthetic://testsrc2?size=128x96&rate=10&duration=2"])
def test_synthetic_pictures_are_drawn(uri: str) -> None:
    with open_source(uri) as source:
        frames = list(itertools.islice(source, 40))
        assert source.finite
    if "duration" in uri:
        assert (len(frames), frames[0].picture.width, source.nominal_fps) == (20, 128, 10)
    else:
        assert (len(frames), frames[0].picture.width, source.nominal_fps) == (40, 640, 30)
    assert frames[0].picture.gray().std() > 20
    assert (frames[0].picture.gray() != frames[-1].picture.gray()).any()


def test_size_and_rate_may_be_asked_of_a_synthetic_source() -> None:
    with open_source("synthetic://color", options=SourceOptions(size=(64, 48), fps=5)) as source:
        assert source.nominal_fps == 5
        assert next(iter(source)).picture.bgr().shape == (48, 64, 3)


@pytest.mark.parametrize(
    "uri",
    [
        "synthetic://movie?filename=secret.mp4",
        "synthetic://testsrc2?size=1x1,movie=x",
        "synthetic://testsrc2;nullsrc",
        "synthetic://testsrc2?duration='1'",
        "synthetic://nosuchgenerator",
        "synthetic://testsrc2?nosuchoption=1",
    ],
)
def test_a_synthetic_uri_reaches_nothing_but_generators(uri: str) -> None:
    with pytest.raises(SourceError):
        open_source(uri)


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode()]:
            output.mux(packet)


def test_what_is_no_video_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("This is a text, whatever its name says.\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "image.png").write_bytes(b"neither")
    (tmp_path / "folder").mkdir()
    write_sound(tmp_path / "sound.wav")
    expected: dict[str, type[SourceError]] = {
        "text.mp4": SourceUndecodable,
        "empty.mp4": SourceUndecodable,
        "image.png": SourceUndecodable,
        "sound.wav": SourceUndecodable,
        "folder": SourceNotFound,
        "missing.mp4": SourceNotFound,
        "missing.png": SourceNotFound,
    }
    for name, kind in expected.items():
        with pytest.raises(kind) as caught:
            open_source(tmp_path / name)
        assert name in str(caught.value)
        assert caught.value.hint
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_unauthorized(tmp_path: Path, video: Path) -> None:
    path = Path(shutil.copy(video, tmp_path / "locked.mp4"))
    path.chmod(0)
    with pytest.raises(SourceUnauthorized):
        open_source(path)


def test_a_camera_may_be_named_and_a_wrong_name_is_refused(video: Path) -> None:
    with open_source(video, camera="front_door-2") as source:
        assert next(iter(source)).camera == "front_door-2"
    with pytest.raises(ConfigError):
        open_source(video, camera="Front.Door")


def test_close_from_another_thread_ends_the_iteration(video: Path) -> None:
    with open_source(video, options=SourceOptions(loop=True, realtime=True)) as source:
        threading.Timer(0.3, source.close).start()
        begun = time.monotonic()
        assert 0 < len(list(source)) < 45
    assert time.monotonic() - begun < 2


def test_closing_under_ten_iterating_threads_never_crashes(video: Path) -> None:
    for delay in np.linspace(0, 0.05, 10):
        source = open_source(video, options=SourceOptions(loop=True))
        threading.Timer(float(delay), source.close).start()
        for frame in source:
            assert frame.picture.gray().shape == (242, 322)
        source.close()
        assert list(source) == []


def test_frames_outlive_their_source(video: Path) -> None:
    with open_source(video) as source:
        frame = next(iter(source))
    assert oracle.read(frame.picture.bgr()) == 0


def test_the_source_shows_itself_without_credentials() -> None:
    assert "secret" not in repr(SourceUri.parse("rtsp://admin:secret@host/live"))


def test_images_are_found_whatever_the_case_of_their_suffix(tmp_path: Path) -> None:
    for name in ("b.PNG", "A.jpg", "c.Jpeg", "d.gif"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in images_in(tmp_path)] == ["A.jpg", "b.PNG", "c.Jpeg"]


def test_real_videos_are_decoded_to_their_end(shared_data: Path) -> None:
    for path in sorted((shared_data / "media").rglob("*")):
        if path.suffix in (".mp4", ".mkv", ".gif", ".jpg", ".png"):
            with open_source(path) as source:
                deviations = [frame.picture.gray().std() for frame in itertools.islice(source, 60)]
                assert source.corrupt == 0, path.name
            assert len(deviations) >= (1 if path.suffix in (".jpg", ".png") else 10), path.name
            assert np.median(deviations) > 5, path.name
