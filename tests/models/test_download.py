"""A download goes on after every interruption, ends in the same bytes, and obeys no server that leads it astray."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from clef_rt.errors import DownloadError
from clef_rt.models import download as download_module
from clef_rt.models.download import Patience, Received, Watcher, download
from clef_rt.models.http_get import Remote, read_small
from clef_rt.models.part import discard
from tests.rigs.web import Fault, Web, closed_port, serving

BODY = bytes(range(256)) * 1200  # 307,200 bytes
OTHER = bytes(reversed(BODY))
QUICK = Patience(timeout_s=0.5, slow_bytes=1000, slow_s=0.3, attempts=4, first_s=0.01, cap_s=0.02, asked_s=5)


class Heard(Watcher):
    def __init__(self) -> None:
        self.seen: list[tuple[int, int | None]] = []
        self.why: list[tuple[str, float]] = []

    def moved(self, done: int, total: int | None) -> None:
        self.seen.append((done, total))

    def waiting(self, why: str, seconds: float) -> None:
        self.why.append((why, seconds))


@pytest.fixture
def web() -> Iterator[Web]:
    with serving({"/a.clef": BODY}) as web:
        yield web


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "parts" / "a.part"


def fetch(
    web: Web, part: Path, path: str = "/a.clef", limit: int = 1 << 20, patience: Patience = QUICK, **more: str
) -> tuple[Received, Heard]:
    heard = Heard()
    remote = Remote(f"{web.address}{path}", "the file", **more)
    return download(remote, part, limit=limit, watcher=heard, patience=patience), heard


def test_a_file_arrives_whole(web: Web, part: Path) -> None:
    received, heard = fetch(web, part)
    assert part.read_bytes() == BODY
    assert received == Received(len(BODY), False, "")
    assert heard.seen[0] == (0, len(BODY))
    assert heard.seen[-1] == (len(BODY), len(BODY))
    assert heard.why == []
    discard(part)
    assert list(part.parent.iterdir()) == []


def test_a_broken_connection_is_taken_up_where_it_broke(web: Web, part: Path) -> None:
    web.faults = [Fault(cut=100_000), Fault(cut=50_000)]
    _, heard = fetch(web, part)
    assert part.read_bytes() == BODY
    assert web.asked("Range") == [None, "bytes=100000-", "bytes=150000-"]
    assert web.asked("If-Range")[1:] == [heard_etag(web)] * 2
    assert [why for why, _ in heard.why] == [
        "the connection ended after 100000 of 307200 bytes",
        "the connection ended after 150000 of 307200 bytes",
    ]


def heard_etag(web: Web) -> str | None:
    return web.asked("If-Range")[1]


def test_the_next_call_goes_on_where_the_last_one_gave_up(web: Web, part: Path) -> None:
    web.always = Fault(cut=1000)
    with pytest.raises(DownloadError, match=r"ended after 4000 of 307200 bytes\. 0\.0 MB are kept: the same command"):
        fetch(web, part)
    web.always = Fault()
    received, _ = fetch(web, part)
    assert received.resumed
    assert web.requests[-1][1]["Range"] == "bytes=4000-"
    assert part.read_bytes() == BODY


def test_what_is_whole_is_not_asked_for_again(web: Web, part: Path) -> None:
    fetch(web, part)
    fetch(web, part)
    assert len(web.requests) == 1


@pytest.mark.parametrize("fault", [Fault(ranges=False), Fault(status=416)])
def test_a_server_without_ranges_sends_it_anew(web: Web, part: Path, fault: Fault) -> None:
    web.faults = [Fault(cut=100_000), fault]
    fetch(web, part)
    assert part.read_bytes() == BODY


def test_a_file_that_changed_between_is_not_mixed(web: Web, part: Path) -> None:
    web.always = Fault(cut=1000)
    with pytest.raises(DownloadError):
        fetch(web, part)
    web.always, web.files["/a.clef"] = Fault(), OTHER
    fetch(web, part)
    assert part.read_bytes() == OTHER


@pytest.mark.parametrize(
    "range_", ["bytes 0-307199/307200", "bytes 7-9/10", "items 100000-1/2", "bytes 100000-307199/999999", ""]
)
def test_another_part_than_was_asked_for_is_thrown_away(web: Web, part: Path, range_: str) -> None:
    web.faults = [Fault(cut=100_000), Fault(headers={"Content-Range": range_})]
    _, heard = fetch(web, part)
    assert part.read_bytes() == BODY
    assert "another part than was asked for" in heard.why[1][0]


def test_without_a_mark_of_its_version_a_part_is_not_gone_on_with(web: Web, part: Path) -> None:
    web.etag = None
    web.faults = [Fault(cut=100_000)]
    fetch(web, part)
    assert part.read_bytes() == BODY
    assert web.asked("Range") == [None, None]


@pytest.mark.parametrize("etag", ['W/"1"', '"\x07"', "plain"])
def test_a_weak_mark_is_none(web: Web, part: Path, etag: str) -> None:
    web.faults = [Fault(cut=100_000, headers={"ETag": etag})]
    fetch(web, part)
    assert web.asked("Range") == [None, None]


def test_a_date_of_change_is_a_mark(web: Web, part: Path) -> None:
    web.etag = None
    web.always = Fault(headers={"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"})
    web.faults = [Fault(cut=1000, headers=web.always.headers)]
    fetch(web, part)
    assert web.asked("If-Range") == [None, "Wed, 21 Oct 2015 07:28:00 GMT"]


@pytest.mark.parametrize("state", ["", "{", "[]", '{"validator": 3, "total": "x", "linked": ""}', '{"more": 1}'])
def test_a_spoilt_note_beside_a_part_is_ignored(web: Web, part: Path, state: str) -> None:
    part.parent.mkdir()
    part.write_bytes(OTHER[:5000])
    part.with_suffix(".json").write_text(state)
    fetch(web, part)
    assert part.read_bytes() == BODY


# Servers at fault


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_in_trouble_is_asked_again(web: Web, part: Path, status: int) -> None:
    web.faults = [Fault(status=status)] * 3
    _, heard = fetch(web, part)
    assert part.read_bytes() == BODY
    assert len(heard.why) == 3
    assert f"the server answers {status}" in heard.why[0][0]


@pytest.mark.parametrize("status", [400, 404, 410, 451, 204, 304])
def test_a_file_that_is_not_there_is_not_asked_for_again(web: Web, part: Path, status: int) -> None:
    web.always = Fault(status=status)
    with pytest.raises(
        DownloadError, match=f"the file can't be downloaded: the server answers {status} .*Check the ad"
    ):
        fetch(web, part)
    assert len(web.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_file_that_is_denied_says_what_to_do(web: Web, part: Path, status: int) -> None:
    web.always = Fault(status=status)
    with pytest.raises(DownloadError, match=f"answers {status} .* Ask its owner"):
        fetch(web, part, refused="Ask its owner.")


def test_a_server_says_when_to_come_again(web: Web, part: Path) -> None:
    web.faults = [Fault(status=429, headers={"Retry-After": "1"})]
    _, heard = fetch(web, part)
    assert heard.why == [("the server answers 429 Too Many Requests", 1.0)]


@pytest.mark.parametrize("when", ["3600", "Wed, 21 Oct 2065 07:28:00 GMT", "9" * 500])
def test_a_server_that_asks_for_a_long_wait_is_left(web: Web, part: Path, when: str) -> None:
    web.always = Fault(status=503, headers={"Retry-After": when})
    with pytest.raises(DownloadError, match=r"It asks to wait for \d+ s\. Try again later"):
        fetch(web, part)
    assert len(web.requests) == 1


@pytest.mark.parametrize("when", ["soon", "-1", "", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Xxx 99999"])
def test_an_odd_time_to_come_again_is_ignored(web: Web, part: Path, when: str) -> None:
    web.faults = [Fault(status=503, headers={"Retry-After": when})]
    assert fetch(web, part)[1].why[0][1] < 0.1


def test_silence_is_given_up(web: Web, part: Path) -> None:
    web.faults = [Fault(stall_s=1.5)]
    _, heard = fetch(web, part)
    assert heard.why[0][0] == "nothing came in time"


def test_a_trickle_is_given_up(web: Web, part: Path) -> None:
    web.always = Fault(trickle=0.12)
    with pytest.raises(DownloadError, match=r"only \d+ bytes came in 0 s"):
        fetch(web, part, patience=Patience(timeout_s=5, slow_bytes=2000, slow_s=0.2, attempts=1))


def test_nobody_there_is_told(part: Path) -> None:
    with pytest.raises(DownloadError, match=r"the file can't be downloaded: .*refused\. Try again later"):
        fetch(Web(f"http://127.0.0.1:{closed_port()}"), part)


def test_progress_lets_the_attempts_begin_anew(web: Web, part: Path) -> None:
    web.files["/a.clef"] = bytes(9 << 20)
    web.always = Fault(cut=(1 << 20) + 1)
    _, heard = fetch(web, part, limit=10 << 20, patience=Patience(attempts=2, first_s=0.01))
    assert len(heard.why) == 8


def test_a_body_too_short_is_not_taken_for_whole(web: Web, part: Path) -> None:
    web.always = Fault(length=400_000)
    with pytest.raises(DownloadError, match="nothing behind what is there"):
        fetch(web, part)


def test_a_length_that_is_none_is_done_without(web: Web, part: Path) -> None:
    web.always = Fault(headers={"Content-Length": None})
    _, heard = fetch(web, part)
    assert part.read_bytes() == BODY
    assert heard.seen[-1] == (len(BODY), None)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": None}])
def test_more_than_is_allowed_is_refused(web: Web, part: Path, headers: dict[str, str | None]) -> None:
    web.always = Fault(headers=headers)
    with pytest.raises(DownloadError, match=r"the file is larger than 0 MB\. Allow more with --max-mb"):
        fetch(web, part, limit=100_000)
    assert part.stat().st_size == 0


def test_what_is_packed_unasked_is_refused(web: Web, part: Path) -> None:
    web.always = Fault(headers={"Content-Encoding": "gzip"})
    with pytest.raises(DownloadError, match="encoded as gzip"):
        fetch(web, part)
    assert web.asked("Accept-Encoding") == ["identity"]


# Redirects


def test_a_redirect_is_followed_and_the_range_goes_along(web: Web, part: Path) -> None:
    away = Fault(status=302, headers={"Location": "/a.clef?signature=x"})
    web.files["/away"] = b""
    web.faults = [away, Fault(cut=1000), away]
    fetch(web, part, "/away")
    assert part.read_bytes() == BODY
    assert web.asked("Range") == [None, None, "bytes=1000-", "bytes=1000-"]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "leads to file:, not to http"),
        ("ftp://127.0.0.1/a", "leads to ftp:, not to http"),
        ("data:,x", "leads to data:"),
        ("http://[", "what is no address"),
        ("http://127.0.0.1:99999/", "what is no address"),
        ("http://a..b/", "can't be fetched|can't be downloaded"),
        ("/a.clef", "redirects more than 8 times"),
    ],
)
def test_a_redirect_that_leads_astray_is_refused(web: Web, part: Path, location: str, message: str) -> None:
    web.always = Fault(status=302, headers={"Location": location})
    with pytest.raises(DownloadError, match=message):
        fetch(web, part)


def test_a_login_stays_with_its_host(web: Web, part: Path) -> None:
    with serving({"/b.clef": OTHER}) as other:
        web.faults = [Fault(status=302, headers={"Location": "/again"})]
        web.always = Fault(status=307, headers={"Location": f"{other.address}/b.clef"})
        fetch(web, part, authorization="Bearer secret")
        assert part.read_bytes() == OTHER
        assert web.asked("Authorization") == ["Bearer secret"] * 2
        assert other.asked("Authorization") == [None]


def test_the_hash_that_a_redirect_names_is_told(web: Web, part: Path) -> None:
    web.faults = [Fault(status=302, headers={"Location": "/a.clef", "X-Linked-Etag": '"abc"'}), Fault(cut=1000)]
    web.always = Fault()
    received, _ = fetch(web, part)
    assert received.linked_sha256 == "abc"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost that signs itself, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl isn't installed")
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", path.with_suffix(".crt")]
    subprocess.run(["openssl", *made, *names], check=True, capture_output=True, timeout=60)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


def test_from_https_to_http_is_refused(
    web: Web, part: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving({"/a.clef": BODY}, certificate) as safe:
        with pytest.raises(DownloadError, match=r"certificate isn't trusted: self.signed"):
            fetch(safe, part)
        assert safe.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
        fetch(safe, part)
        assert part.read_bytes() == BODY
        discard(part)
        safe.always = Fault(status=302, headers={"Location": f"{web.address}/a.clef"})
        with pytest.raises(DownloadError, match="from https to http"):
            fetch(safe, part)
        assert web.requests == []


# The disk


def test_a_full_disk_is_told_before_anything_is_written(web: Web, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10, 0, 1_100_000)
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"needs 0\.3 MB more; .* has 1\.1 MB free\. Make room"):
        fetch(web, part)
    assert part.stat().st_size == 0


def test_a_disk_that_fills_keeps_what_it_has(web: Web, part: Path, tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from clef_rt.models.download import download\n"
        "from clef_rt.models.http_get import Remote\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try: download(Remote(sys.argv[1], 'the file'), Path(sys.argv[2]), limit=1 << 20)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    run = [sys.executable, "-c", script, f"{web.address}/a.clef", part]
    out = subprocess.run(run, capture_output=True, text=True, timeout=60).stdout
    assert out.startswith(f"DownloadError {part.parent} can't be written: File too large. Make room there")
    assert "0.2 MB are kept" in out
    assert part.read_bytes() == BODY[:200_000]
    fetch(web, part)
    assert part.read_bytes() == BODY


def test_a_place_that_can_not_be_written_is_named(web: Web, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"file can't be written: File exists\. Set CLEF_RT_CACHE"):
        fetch(web, tmp_path / "file" / "a.part")


def test_two_at_once_do_not_mix(web: Web, part: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    part.parent.mkdir()
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="Another process is downloading this"):
            fetch(web, part)
    fetch(web, part)


# Short answers


def test_short_answers_are_bounded(web: Web) -> None:
    web.files["/api"] = json.dumps({"a": 1}).encode()
    assert read_small(Remote(f"{web.address}/api", "the Hub")) == b'{"a": 1}'
    with pytest.raises(DownloadError, match="more than 5 bytes"):
        read_small(Remote(f"{web.address}/api", "the Hub"), limit=5)
    with pytest.raises(DownloadError, match="the Hub can't be downloaded: the server answers 404"):
        read_small(Remote(f"{web.address}/none", "the Hub"))
    with pytest.raises(DownloadError, match=r"the Hub can't be reached: .*refused"):
        read_small(Remote(f"http://127.0.0.1:{closed_port()}/", "the Hub"))
