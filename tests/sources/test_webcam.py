from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from clef_rt.errors import SourceNotFound
from clef_rt.sources import CameraDevice, SourceOptions, SourceUri, list_cameras, open_source
from clef_rt.sources._webcam import webcam_recipe


@pytest.mark.parametrize("uri", [57, "57", "/dev/video57"])
def test_a_camera_that_is_not_there_is_said_with_what_there_is(uri: int | str) -> None:
    with pytest.raises(SourceNotFound, match="no camera /dev/video57") as caught:
        open_source(uri)
    assert "found" in caught.value.hint


def test_cameras_are_listed_by_number_without_their_metadata_nodes(tmp_path: Path) -> None:
    for node, index, name in [("video10", "0", "Rear"), ("video2", "0", "Front"), ("video3", "1", "Front")]:
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(index + "\n")
        (tmp_path / node / "name").write_text(name + "\n")
    assert list_cameras("linux", tmp_path) == [CameraDevice("2", "Front"), CameraDevice("10", "Rear")]
    assert list_cameras("linux", tmp_path / "missing") == []


def test_a_device_is_opened_by_the_platforms_own_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.exists", lambda path: path == "/dev/video0")
    monkeypatch.setattr("os.access", lambda path, mode: True)
    uri, options = SourceUri.parse(0), SourceOptions(size=(1280, 720), fps=30)
    linux = webcam_recipe(uri, options, "linux")
    assert (linux.target, linux.format, linux.live) == ("/dev/video0", "v4l2", True)
    assert linux.options == {"video_size": "1280x720", "framerate": "30"}
    assert [dict(attempt) for attempt in linux.attempts] == [{"input_format": "mjpeg"}, {}]
    mac = webcam_recipe(uri, SourceOptions(), "darwin")
    assert (mac.target, mac.format, mac.options) == ("0", "avfoundation", {"framerate": "30"})


@pytest.mark.skipif(not list_cameras(), reason="no camera on this machine")
def test_the_first_camera_of_this_machine_gives_frames() -> None:
    with open_source(int(list_cameras()[0].uri)) as source:
        assert source.live
        assert len(list(itertools.islice(source, 5))) == 5
