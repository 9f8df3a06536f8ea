from __future__ import annotations

import itertools
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from clef_rt.errors import (
    SourceError,
    SourceNotFound,
    SourceRefused,
    SourceTimeout,
    SourceUnauthorized,
    SourceUndecodable,
)
from clef_rt.frame import Frame
from clef_rt.sources import Source, SourceOptions, open_source
from tests.rigs import oracle, rtsp
from tests.rigs.mjpeg import MjpegServer
from tests.rigs.push import PushCamera
from tests.rigs.rtsp import RtspServer, free_port

QUICK = SourceOptions(open_timeout_s=1.0, read_timeout_s=1.0)


@pytest.fixture
def mjpeg() -> Iterator[MjpegServer]:
    with MjpegServer() as server:
        yield server


def age_ms(frame: Frame) -> int:
    return oracle.age_ms(oracle.read(frame.picture.gray()))


def median_age_ms(source: Source, frames: int = 40) -> float:
    return statistics.median([age_ms(frame) for frame in itertools.islice(source, frames)][10:])


def test_an_mjpeg_camera_is_live_and_fresh(mjpeg: MjpegServer) -> None:
    with open_source(mjpeg.url) as source:
        assert source.live
        assert not source.finite
        assert source.nominal_fps is None  # it declares none, and none is made up
        assert median_age_ms(source) < 40  # one interval


def test_credentials_in_the_url_are_used(mjpeg: MjpegServer) -> None:
    with open_source(f"http://admin:secret@127.0.0.1:{mjpeg.port}/secret") as source:
        assert len(list(itertools.islice(source, 3))) == 3


@pytest.mark.parametrize(
    ("path", "kind"),
    [("missing", SourceNotFound), ("secret", SourceUnauthorized), ("page", SourceUndecodable), ("hang", SourceTimeout)],
)
def test_an_http_error_has_its_class_within_the_timeout(mjpeg: MjpegServer, path: str, kind: type[SourceError]) -> None:
    begun = time.monotonic()
    with pytest.raises(kind) as caught:
        open_source(f"http://someone:password7@127.0.0.1:{mjpeg.port}/{path}", options=QUICK)
    assert time.monotonic() - begun < 3
    assert caught.value.hint
    assert "password7" not in str(caught.value)
    assert caught.value.__cause__ is None  # libav's own error quotes the whole URL


@pytest.mark.parametrize("scheme", ["http", "rtsp", "tcp", "rtmp"])
def test_a_closed_port_refuses_at_once(scheme: str) -> None:
    begun = time.monotonic()
    with pytest.raises(SourceRefused):
        open_source(f"{scheme}://127.0.0.1:{free_port()}/live", options=QUICK)
    assert time.monotonic() - begun < 3


def test_a_host_that_does_not_exist_is_refused_with_a_hint() -> None:
    with pytest.raises(SourceRefused, match="host's name"):
        open_source("http://no-such-host.invalid/live", options=QUICK)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_accepts_and_says_nothing_times_out(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun = time.monotonic()
        with pytest.raises(SourceTimeout):
            open_source(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/live", options=QUICK)
    assert time.monotonic() - begun < 4


def test_a_hung_up_stream_ends_and_a_frozen_one_times_out(mjpeg: MjpegServer) -> None:
    with open_source(mjpeg.url, options=QUICK) as source:
        frames = iter(source)
        next(frames)
        mjpeg.freeze()
        begun = time.monotonic()
        with pytest.raises(SourceTimeout):
            list(frames)
        assert 0.5 < time.monotonic() - begun < 4
    mjpeg.thaw()
    with open_source(mjpeg.url, options=QUICK) as source:
        frames = iter(source)
        next(frames)
        mjpeg.hang_up()
        begun = time.monotonic()
        list(frames)  # the end, and no exception
        assert time.monotonic() - begun < 2


def test_a_video_on_a_web_server_is_a_file(video: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(video.parent), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            with open_source(f"http://127.0.0.1:{server.server_port}/{video.name}") as source:
                assert source.finite
                assert not source.live
                assert [oracle.read(frame.picture.gray()) for frame in source] == list(range(45))
        finally:
            server.shutdown()


def test_a_camera_that_pushes_rtsp_to_us_is_read() -> None:
    with (
        PushCamera() as camera,
        open_source(camera.url, options=SourceOptions(options=camera.options, open_timeout_s=15)) as source,
    ):
        assert source.live
        assert median_age_ms(source) < 3 * 40


@pytest.mark.rtsp
def test_an_rtsp_camera_opens_fast_and_is_fresh(rtsp_camera: RtspServer) -> None:
    times = {}
    for attempt in (0, 1):  # 0: the small probe; 1: libav's own
        begun = time.monotonic()
        with open_source(rtsp_camera.url, options=SourceOptions(attempt=attempt)) as source:
            frames = iter(source)
            next(frames)
            times[attempt] = time.monotonic() - begun
            assert source.live
            if attempt == 0:
                assert median_age_ms(source) < 2.5 * 40
    assert times[0] < times[1]


@pytest.mark.rtsp
def test_rtsp_errors_have_their_classes(rtsp_camera: RtspServer) -> None:
    with pytest.raises(SourceNotFound):
        open_source(rtsp_camera.url + "/missing", options=QUICK)
    rtsp_camera.freeze()
    begun = time.monotonic()
    with pytest.raises(SourceTimeout):
        open_source(rtsp_camera.url, options=QUICK)
    assert time.monotonic() - begun < 5


@pytest.mark.rtsp
def test_an_rtsp_camera_asks_for_its_password() -> None:
    if reason := rtsp.missing():
        pytest.skip(reason)
    with RtspServer(auth="admin:secret") as camera:
        for credentials in ("", "admin:wrong@"):
            with pytest.raises(SourceUnauthorized) as caught:
                open_source(camera.url.replace("//", "//" + credentials), options=QUICK)
            assert "wrong" not in str(caught.value)
        with open_source(camera.url.replace("//", "//admin:secret@")) as source:
            assert len(list(itertools.islice(source, 3))) == 3


@pytest.mark.rtsp
def test_a_killed_rtsp_camera_ends_the_stream(rtsp_camera: RtspServer) -> None:
    with open_source(rtsp_camera.url, options=QUICK) as source:
        frames = iter(source)
        next(frames)
        rtsp_camera.kill()
        begun = time.monotonic()
        list(frames)  # the end, and no exception
        assert time.monotonic() - begun < 2
