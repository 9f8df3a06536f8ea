from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clef_rt.detect import yunet
from clef_rt.errors import DetectorError
from clef_rt.files import cache_folder, fetch, installed_file, sha256_of, whole_file

BODY = bytes(range(256)) * 900
SHA256 = hashlib.sha256(BODY).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    hits: list[str]

    def do_GET(self) -> None:
        self.hits.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = b"something else" if self.path == "/other" else BODY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """Address and the paths asked for; the cache is a folder that doesn't exist yet."""
    monkeypatch.setenv("CLEF_RT_CACHE", str(tmp_path / "cache" / "deep"))
    hits: list[str] = []
    handler = type("Handler", (_Handler,), {"hits": hits})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", hits
        http.shutdown()
        thread.join()


def _fetch(*urls: str, limit: int = 1 << 20) -> Path:
    return fetch("model.onnx", urls, SHA256, error=DetectorError, hint="Copy it by hand.", limit=limit, timeout=5)


def _left_behind() -> list[str]:
    return sorted(path.name for path in cache_folder().iterdir())


def test_a_file_is_downloaded_once(server: tuple[str, list[str]]) -> None:
    address, hits = server
    for _ in range(2):
        path = _fetch(f"{address}/file")
        assert path.read_bytes() == BODY
        assert sha256_of(path) == SHA256
    assert hits == ["/file"]
    assert _left_behind() == ["model.onnx"]


def test_a_damaged_file_in_the_cache_is_fetched_anew(server: tuple[str, list[str]]) -> None:
    address, hits = server
    _fetch(f"{address}/file").write_bytes(b"rot")
    assert _fetch(f"{address}/file").read_bytes() == BODY
    assert len(hits) == 2


def test_the_next_address_is_tried_where_one_fails(server: tuple[str, list[str]]) -> None:
    address, hits = server
    assert _fetch(*(f"{address}/{path}" for path in ("missing", "other", "cut", "file"))).read_bytes() == BODY
    assert hits == ["/missing", "/other", "/cut", "/file"]
    assert _left_behind() == ["model.onnx"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing", "Not Found"), ("other", "unexpected contents"), ("file", "more than 1000 bytes")],
)
def test_a_failed_download_names_the_cause_and_leaves_nothing(
    server: tuple[str, list[str]], path: str, reason: str
) -> None:
    with pytest.raises(DetectorError) as caught:
        _fetch(f"{server[0]}/{path}", limit=1000)
    assert reason in str(caught.value)
    assert f"/{path}" in str(caught.value)
    assert caught.value.hint == "Copy it by hand."
    assert _left_behind() == []


def test_offline_is_one_clear_error(server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yunet, "MODEL_URLS", ("http://127.0.0.1:9/model.onnx",))
    with pytest.raises(DetectorError, match=r"can't be downloaded .*refused.*yunet:/path/to"):
        yunet.YuNetDetector()


def test_a_cache_that_cannot_be_written_is_one_clear_error(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLEF_RT_CACHE", str(tmp_path / "file"))
    with pytest.raises(DetectorError, match=r"can't be kept .*CLEF_RT_CACHE"):
        _fetch(f"{server[0]}/file")


def test_yunet_is_downloaded_checked_and_used(
    server: tuple[str, list[str]], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = (shared_data / "yunet" / "yunet_s_640_640.onnx").read_bytes()
    monkeypatch.setitem(globals(), "BODY", model)
    monkeypatch.setattr(yunet, "MODEL_URLS", (f"{server[0]}/file",))
    assert yunet.YuNetDetector().name == "yunet"
    assert (cache_folder() / yunet.MODEL_NAME).read_bytes() == model


def write_half(path: Path) -> None:
    with whole_file(path) as partial:
        partial.write_bytes(b"half of the sec")
        raise OSError("the disk is full")


def test_a_file_appears_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    with whole_file(path) as partial:
        partial.write_bytes(b"first")
        assert not path.exists()
        assert partial.suffix == ".mp4"  # encoders go by it
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_bytes() == b"first"
    assert [file.name for file in path.parent.iterdir()] == ["clip.mp4"]


def test_installed_files_are_found_without_an_import() -> None:
    assert installed_file("skimage", "data/astronaut.png") is not None
    assert installed_file("skimage", "data/nobody.png") is None
    assert installed_file("no_such_package", "data/astronaut.png") is None


def test_a_whole_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with whole_file(tmp_path / "whole.txt") as partial:
        partial.write_text("x")
    assert (tmp_path / "whole.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode
