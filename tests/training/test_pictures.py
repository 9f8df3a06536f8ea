"""Pictures in files, archives, arrays and videos: the right one, upright, in the right colours, or an error."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clef_rt.errors import ConfigError
from tests.conftest import VIDEO_FRAMES, make_video
from tests.rigs import oracle
from training.pictures import PictureReader, absent, luminance, split_path

RED = np.zeros((40, 60, 3), np.uint8)
RED[..., 2] = 200  # as OpenCV has it, BGR


def jpeg(picture: NDArray[np.uint8] = RED, quality: int = 95) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same red picture in every kind of place."""
    (tmp_path / "red.jpg").write_bytes(jpeg())
    (tmp_path / "wow!.jpg").write_bytes(jpeg())
    for name in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("deep/red.jpg", jpeg())
    np.savez(tmp_path / "grey.npz", images=np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5))
    np.savez(tmp_path / "colour.npz", images=np.stack([RED[..., ::-1]] * 2))
    return tmp_path


@pytest.mark.parametrize("path", ["red.jpg", "wow!.jpg", "a.zip!deep/red.jpg", "colour.npz!1"])
def test_colours(folder: Path, path: str) -> None:
    with PictureReader(folder, channels=3) as reader:
        picture = reader.read(path)
    assert picture.shape == (40, 60, 3)
    assert picture.mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=3)
    with PictureReader(folder) as reader:
        grey = reader.read(path)
    assert grey.shape == (40, 60)
    assert grey.mean() == pytest.approx(0.299 * 200, abs=2)
    assert luminance(picture).mean() == pytest.approx(grey.mean(), abs=1)


def test_grey_arrays_in_colour(folder: Path) -> None:
    picture = PictureReader(folder, channels=3).read("grey.npz!1")
    assert (picture == np.arange(20, 40).reshape(4, 5, 1)).all()


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    data = jpeg()
    # An EXIF block whose one entry, orientation, is 6: turn it clockwise.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    block = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "turned.jpg").write_bytes(data[:2] + block + data[2:])
    assert PictureReader(tmp_path).read("turned.jpg").shape == (60, 40)
    assert PictureReader(tmp_path, channels=3).read("turned.jpg").shape == (60, 40, 3)


@given(st.text(min_size=1))
def test_any_text_is_a_path(path: str) -> None:
    container, member = split_path(path)
    assert path == (container if member is None else f"{container}!{member}")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a/b.jpg", ("a/b.jpg", None)),
        ("oh!no.jpg", ("oh!no.jpg", None)),
        ("a.zip!b!c.jpg", ("a.zip", "b!c.jpg")),
        ("X/V.AVI!12", ("X/V.AVI", "12")),
        ("a.npz!7", ("a.npz", "7")),
        ("a.zip", ("a.zip", None)),
    ],
)
def test_paths(path: str, parts: tuple[str, str | None]) -> None:
    assert split_path(path) == parts


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_one_container_is_open_at_a_time(folder: Path) -> None:
    with PictureReader(folder) as reader:
        for _ in range(3):
            for name in ("a.zip", "b.zip"):
                reader.read(f"{name}!deep/red.jpg")
                links = [os.path.realpath(f"/proc/self/fd/{file}") for file in os.listdir("/proc/self/fd")]
                assert [link for link in links if link.endswith(".zip")] == [str(folder.resolve() / name)]


@pytest.fixture(scope="module")
def avi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("avi") / "plain.avi", codec="mpeg4")


@pytest.mark.parametrize("channels", [1, 3])
def test_frames_of_videos(avi: Path, video: Path, video_bframes: Path, channels: int) -> None:
    """In whatever order they are asked for, also twice; B-frames lie in the file in another order than shown."""
    for path in (avi, video, video_bframes):
        with PictureReader(path.parent, channels=channels) as reader:
            for number in (0, 1, 2, 2, 7, VIDEO_FRAMES - 1, 3, 4, 30):
                assert oracle.read(reader.read(f"{path.name}!{number}")) == number


def test_a_video_is_decoded_once_if_it_is_read_forward(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = av.open
    monkeypatch.setattr(av, "open", lambda *args, **kwargs: opened.append(args) or real(*args, **kwargs))
    with PictureReader(video.parent) as reader:
        for number in [*range(0, VIDEO_FRAMES, 3), VIDEO_FRAMES + 1, VIDEO_FRAMES + 2]:
            if number < VIDEO_FRAMES:
                reader.read(f"{video.name}!{number}")
            else:
                with pytest.raises(ConfigError, match=f"ends after {VIDEO_FRAMES} frames"):
                    reader.read(f"{video.name}!{number}")
    assert len(opened) == 1


def test_damaged_videos(video: Path, avi: Path, video_truncated: Path, tmp_path: Path) -> None:
    """What is before the damage is right; behind it is an error, and never another frame under that number."""
    for path, healthy in ((video, 10), (avi, 10)):
        data = bytearray(path.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
        (tmp_path / path.name).write_bytes(bytes(data))
        assert _readable(tmp_path / path.name) >= healthy
    assert 10 < _readable(video_truncated) < VIDEO_FRAMES
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(ConfigError, match="Invalid data"):
        PictureReader(tmp_path).read("no.mp4!0")


def _readable(path: Path) -> int:
    """How many frames can be read; fails where one of them is another than it is called, or if all can."""
    refused = 0
    with PictureReader(path.parent) as reader:
        for number in range(VIDEO_FRAMES):
            try:
                picture = reader.read(f"{path.name}!{number}")
            except ConfigError:
                refused += 1
            else:
                assert oracle.read(picture) == number
    assert refused
    return VIDEO_FRAMES - refused


@pytest.mark.parametrize("missing", [1, 2, 3, 100, 0.5, 0.9])
@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp"])
def test_pictures_that_end_too_early(tmp_path: Path, kind: str, missing: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = cv2.imencode(kind, noise)[1].tobytes()
    kept = len(data) - int(missing if missing >= 1 else missing * len(data))
    (tmp_path / f"cut{kind}").write_bytes(data[:kept])
    for channels in (1, 3):
        with pytest.raises(ConfigError, match=f"cut{kind} can't be decoded"):
            PictureReader(tmp_path, channels=channels).read(f"cut{kind}")


def test_archives_that_cannot_be_read(folder: Path) -> None:
    data = bytearray((folder / "a.zip").read_bytes())
    data[100] ^= 255
    (folder / "a.zip").write_bytes(bytes(data))
    np.savez(folder / "wrong.npz", images=np.zeros((2, 4, 4), np.float32))
    np.savez(folder / "other.npz", pictures=np.zeros((2, 4, 4), np.uint8))
    (folder / "cut.npz").write_bytes((folder / "grey.npz").read_bytes()[:-30])
    reader = PictureReader(folder)
    for path, why in {
        "a.zip!deep/red.jpg": "CRC",
        "b.zip!red.jpg": "no item named",
        "gone.zip!x": "No such file",
        "red.jpg!x": "No such file",
        "wrong.npz!0": "float32",
        "other.npz!0": "images is not a file",
        "cut.npz!0": "zip",
        "grey.npz!2": "out of bounds",
        "grey.npz!-1": "no number",
        "gone.avi!3": "No such file",
        "red.jpg/x": "Not a directory",
    }.items():
        with pytest.raises(ConfigError, match=why) as caught:
            reader.read(path)
        assert caught.value.what.startswith(f"{path} can't be read: ")


def test_what_is_absent_is_found_without_decoding(folder: Path) -> None:
    (folder / "broken.zip").write_bytes(b"no archive")  # reading tells
    paths = ["red.jpg", "no.jpg", "a.zip!deep/red.jpg", "a.zip!no.jpg", "no.avi!3", "no.avi!4", "broken.zip!x"]
    found = dict(absent(paths, folder))
    assert list(found) == [1, 3, 4, 5]
    assert found[1] == f"{folder / 'no.jpg'} isn't there"
    assert found[3] == "a.zip has no member no.jpg"


def test_a_real_video(shared_data: Path) -> None:
    """Frames are numbered as they are shown: the same as reading on from the start."""
    path = shared_data / "media/pexels/WolfgangLanger_Pexels.mp4"
    with av.open(str(path)) as file:
        wanted = {
            number: frame.to_ndarray(format="rgb24")
            for number, frame in zip(range(41), file.decode(video=0), strict=False)
        }
    with PictureReader(path.parent, channels=3) as reader:
        for number in (0, 12, 40):
            assert np.abs(reader.read(f"{path.name}!{number}").astype(int) - wanted[number]).max() <= 1


def test_a_buffer_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((1, 0, 4), np.uint8))
    (tmp_path / "a.npz").write_bytes(buffer.getvalue())
    for path in ("empty.png", "a.npz!0"):
        with pytest.raises(ConfigError, match="can't be decoded"):
            PictureReader(tmp_path).read(path)
