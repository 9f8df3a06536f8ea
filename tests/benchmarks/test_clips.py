from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks import clips
from benchmarks.clips import make_clip
from clef_rt.detect import load_detector
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.errors import ClefError, MissingExtra
from clef_rt.follow import Follower
from clef_rt.sources import open_source

SECONDS = 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("skimage")
    return tmp_path_factory.mktemp("clips")


@pytest.mark.parametrize("faces", [1, 4])
def test_every_frame_shows_that_many_faces(folder: Path, faces: int) -> None:
    path = make_clip(faces, SECONDS, folder=folder)
    # Surer than by default: about one clip in eighty is encoded so that something else scores 0.51; faces score 0.95.
    follower = Follower(load_detector(threshold=0.7), LandmarkNet(), detect_every=10)
    with open_source(path) as source:
        seen = [(follower.follow([frame])[0], frame.picture) for frame in source]
    assert [len(tracks) for tracks, _ in seen] == [faces] * 30
    assert {(picture.width, picture.height) for _, picture in seen} == {(1280, 720)}
    ways = np.array([[track.box[:2] for track in tracks] for tracks, _ in seen])
    moved = np.linalg.norm(np.diff(ways, axis=0), axis=2).sum(axis=0)
    assert (moved > 30).all()
    apart = np.ptp(ways[:, 1:] - ways[:, :1], axis=0)
    assert (apart.max(axis=1) > 10).all()  # each moves on its own
    heights = np.array([track.box[3] for tracks, _ in seen for track in tracks])
    assert 110 < heights.min() < heights.max() < 170  # alike, whether there are 1 or 4


def test_the_stream_is_like_a_camera_s(folder: Path) -> None:
    with av.open(str(make_clip(1, SECONDS, folder=folder))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 30)
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert all(packet.pts == packet.dts for packet in packets)  # so there are no B-frames
        assert [packet.is_keyframe for packet in packets] == [True] + 29 * [False]
        assert 1e6 < 8 * container.size / SECONDS < 6e6


def test_a_clip_is_made_once(folder: Path) -> None:
    path = make_clip(1, SECONDS, folder=folder)
    before = path.stat().st_mtime_ns
    assert make_clip(1, SECONDS, folder=folder) == path
    assert path.stat().st_mtime_ns == before
    assert make_clip(1, 0.1, folder=folder) != path


def test_a_clip_that_fails_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage")
    monkeypatch.setattr(clips, "pose", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_clip(1, SECONDS, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    (tmp_path / "file").write_text("")
    with pytest.raises(ClefError, match="CLEF_RT_CACHE"):
        make_clip(1, SECONDS, folder=tmp_path / "file" / "clips")


def test_without_the_photographs_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"clef-rt\[demo\]"):
        make_clip(1, SECONDS, folder=tmp_path)
