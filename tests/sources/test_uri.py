from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.errors import ConfigError, SourceError
from clef_rt.names import CAMERA_PATTERN
from clef_rt.sources import Kind, SourceOptions, SourceUri, camera_name

letters = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=20)
plain = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (0, Kind.WEBCAM),
        ("0", Kind.WEBCAM),
        ("/dev/video2", Kind.WEBCAM),
        ("/dev/v4l/by-id/usb-Logitech-video-index0", Kind.WEBCAM),
        ("rtsp://camera/stream", Kind.NETWORK),
        ("RTSP://camera/stream", Kind.NETWORK),
        ("https://host/video.mp4", Kind.NETWORK),
        ("udp://@239.0.0.1:5000", Kind.NETWORK),
        ("clip.mp4", Kind.PATH),
        ("a:b.mp4", Kind.PATH),
        (r"C:\videos\clip.mp4", Kind.PATH),
        ("file:///tmp/clip.mp4", Kind.PATH),
        (Path("0"), Kind.PATH),
        ("synthetic://", Kind.SYNTHETIC),
    ],
)
def test_the_form_of_a_uri_tells_its_kind(text: str | int | Path, kind: Kind) -> None:
    assert SourceUri.parse(text).kind is kind


@pytest.mark.parametrize("text", ["", "  ", -1, "-1", "gopher://host/x", "rtsp://", "http:///path"])
def test_what_is_no_source_is_one_clear_error(text: str | int) -> None:
    with pytest.raises(SourceError) as caught:
        SourceUri.parse(text)
    assert caught.value.hint


def test_a_parsed_uri_is_taken_as_it_is() -> None:
    uri = SourceUri.parse("rtsp://a:b@host/x")
    assert SourceUri.parse(uri) is uri
    assert pickle.loads(pickle.dumps(uri)) == uri


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("rtsp://admin:secret@10.0.0.7:554/live", "rtsp://***@10.0.0.7:554/live"),
        ("rtsp://admin:p@ss/w?rd@10.0.0.7/live", "rtsp://***@10.0.0.7/live"),
        ("http://10.0.0.7/cgi?user=admin&pwd=secret&channel=1", "http://10.0.0.7/cgi?user=***&pwd=***&channel=1"),
        ("http://10.0.0.7/cgi?auth_token=xyz", "http://10.0.0.7/cgi?auth_token=***"),
        ("rtsp://10.0.0.7/live?channel=1&subtype=0", "rtsp://10.0.0.7/live?channel=1&subtype=0"),
        ("clips/a@b.mp4", "clips/a@b.mp4"),
    ],
)
def test_credentials_are_hidden_and_the_rest_is_shown(uri: str, shown: str) -> None:
    parsed = SourceUri.parse(uri)
    assert str(parsed) == shown
    assert shown in repr(parsed)
    assert parsed.reveal() == uri


@given(scheme=st.sampled_from(["rtsp", "http", "https", "rtmp"]), user=plain, password=letters, rest=plain)
def test_no_password_in_the_authority_is_ever_shown(scheme: str, user: str, password: str, rest: str) -> None:
    uri = SourceUri.parse(f"{scheme}://u-{user}:<<{password}>>@host/{rest}")
    for text in (str(uri), repr(uri), f"{uri}", camera_name(uri)):
        assert f"<<{password}>>" not in text
        assert f"u-{user}:" not in text
    assert str(uri) == f"{scheme}://***@host/{rest}"


@given(
    key=st.sampled_from(["password", "pwd", "PASS", "token", "user", "login_name", "api_key", "loginpas"]),
    password=st.text("abcdefghijklmnop0123456789%+=!", min_size=1, max_size=20).map("<{}>".format),
    before=st.sampled_from(["", "channel=1&"]),
)
def test_no_password_in_the_query_is_ever_shown(key: str, password: str, before: str) -> None:
    uri = SourceUri.parse(f"http://host/video.cgi?{before}{key}={password}&res=high")
    assert str(uri) == f"http://host/video.cgi?{before}{key}=***&res=high"


@given(
    st.one_of(
        st.text(max_size=100), st.integers(), plain.map("rtsp://{}".format), st.text().map("synthetic://{}".format)
    )
)
def test_whatever_is_a_source_has_a_valid_and_stable_camera_name(text: str | int) -> None:
    try:
        uri = SourceUri.parse(text)
    except SourceError:
        return
    name = camera_name(uri)
    assert re.fullmatch(CAMERA_PATTERN, name)
    assert name == camera_name(SourceUri.parse(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (0, "video0"),
        ("/dev/video2", "video2"),
        ("rtsp://admin:secret@10.0.0.7:554/live?x=1", "10-0-0-7-554-live"),
        ("clips/Anna 2.mp4", "anna-2"),
        ("Übung.mp4", "ubung"),
        ("synthetic://testsrc2?size=64x64", "testsrc2"),
        ("synthetic://", "synthetic"),
    ],
)
def test_a_camera_is_named_after_its_source(text: str | int, name: str) -> None:
    assert camera_name(SourceUri.parse(text)) == name


def test_names_without_latin_letters_differ_from_each_other() -> None:
    first, second = (camera_name(SourceUri.parse(text)) for text in ("视频.mp4", "影片.mp4"))
    assert first != second


@pytest.mark.parametrize(
    "options",
    [
        {"rtsp_transport": "pigeon"},
        {"open_timeout_s": 0},
        {"read_timeout_s": -1},
        {"read_timeout_s": float("nan")},
        {"fps": 0},
        {"size": (0, 10)},
    ],
)
def test_options_out_of_range_are_refused_with_a_hint(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        SourceOptions(**options)  # type: ignore[arg-type]
    assert caught.value.hint
