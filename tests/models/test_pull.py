"""What is pulled is there by name, whole and tried, or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import clef_rt
from clef_rt.bundle import list_bundles, load_bundle
from clef_rt.bundle.store import forget, origin_of, pulled_bundle, pulled_bundles, store_folder
from clef_rt.bundle.write import pack, write_bundle
from clef_rt.errors import BundleError, DownloadError
from clef_rt.models import pull as bundle_pull
from clef_rt.models.check import check
from clef_rt.models.download import Patience
from clef_rt.models.pull import Pulled, pull
from clef_rt.models.source import parse_source
from tests.rigs.bundles import make_bundle, make_files, make_spec
from tests.rigs.web import Fault, Web, serving

QUICK = Patience(timeout_s=2, attempts=3, first_s=0.01, cap_s=0.02)
HASH = "0" * 64


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("made") / "tiny").path


@pytest.fixture(scope="session")
def clef(folder: Path) -> bytes:
    return pack(folder, folder.with_name("tiny.clef")).read_bytes()


@pytest.fixture
def web(clef: bytes) -> Iterator[Web]:
    with serving({"/tiny.clef": clef}) as web:
        yield web


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no settings of the user's."""
    monkeypatch.setenv("CLEF_RT_CACHE", str(tmp_path / "cache"))
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    return store_folder()


@pytest.fixture
def no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the process that tries the encoder (tests/models/test_trial.py), which takes a second."""
    monkeypatch.setattr(bundle_pull, "try_bundle", lambda bundle: None)


def get(source: object, **more: object) -> Pulled:
    return pull(str(source), patience=QUICK, **more)  # type: ignore[arg-type]


def left(store: Path) -> list[str]:
    return sorted(str(path.relative_to(store)) for path in store.rglob("*") if path.is_file())


def test_a_pulled_bundle_is_loaded_by_name(web: Web, store: Path, clef: bytes) -> None:
    pulled = get(f"{web.address}/tiny.clef")
    assert pulled.new
    assert (pulled.name, pulled.path) == ("tiny.test", store / "tiny.test.clef")
    assert left(store) == ["tiny.test.clef", "tiny.test.json"]
    assert pulled.origin == origin_of("tiny.test")
    assert pulled.origin.sha256 == hashlib.sha256(clef).hexdigest()
    assert list_bundles()["tiny.test"] == pulled.path
    analyzer = clef_rt.load("tiny.test")
    assert len(analyzer.encoder.encode(np.zeros((1, 16, 16, 1), np.uint8))) == 1
    assert check("tiny.test").spec.name == "tiny.test"


@pytest.mark.usefixtures("no_trial")
class TestPulling:
    def test_what_is_there_is_not_fetched_again(self, web: Web) -> None:
        first = get(f"{web.address}/tiny.clef")
        again = get(f"{web.address}/tiny.clef", sha256=first.origin.sha256)
        assert (again.new, again.path) == (False, first.path)
        assert len(web.requests) == 1
        assert get(f"{web.address}/tiny.clef", force=True).new is False  # fetched, and the same
        assert len(web.requests) == 2
        first.path.write_bytes(b"rot")
        assert get(f"{web.address}/tiny.clef", force=True).new
        assert load_bundle("tiny.test").spec.name == "tiny.test"

    def test_two_names_are_two_bundles(self, web: Web) -> None:
        for name in ("one", "two"):
            assert get(f"{web.address}/tiny.clef", name=name).name == name
        assert list(pulled_bundles()) == ["one", "two"]

    def test_files_and_folders_are_taken_in(self, folder: Path, store: Path) -> None:
        from_file = get(folder.with_name("tiny.clef"))
        assert from_file.origin.source == str(folder.with_name("tiny.clef"))
        assert get(folder, name="other").origin.sha256 == from_file.origin.sha256
        assert get(folder, name="other").new is False
        assert left(store) == ["other.clef", "other.json", "tiny.test.clef", "tiny.test.json"]

    def test_a_taken_name_is_refused_and_the_part_kept(
        self, web: Web, store: Path, tmp_path: Path, clef: bytes
    ) -> None:
        noted = write_bundle(tmp_path / "other", make_spec(), {**make_files(), "NOTICE.txt": b"n"})
        other = pack(noted.path, tmp_path / "other.clef")
        get(other)
        with pytest.raises(
            BundleError, match=r"tiny\.test is there already, from .*other\.clef\. Replace it with --force"
        ):
            get(f"{web.address}/tiny.clef")
        assert get(f"{web.address}/tiny.clef", name="second").new
        assert len(web.requests) == 1
        with pytest.raises(BundleError, match="second is there already"):
            get(other, name="second")
        get(other, name="second", force=True)
        assert load_bundle("second").sha256 == load_bundle("tiny.test").sha256

    @pytest.mark.parametrize("name", ["edge", "default", "../evil", "Upper", "", "a/b", "nul\0", "x" * 65, ".hidden"])
    def test_a_name_that_can_not_be_is_refused_before_anything_is_fetched(self, web: Web, name: str) -> None:
        with pytest.raises(BundleError, match="name"):
            get(f"{web.address}/tiny.clef", name=name)
        assert web.requests == []

    def test_an_embedded_name_wins(self, web: Web, store: Path, clef: bytes) -> None:
        store.mkdir(parents=True)
        (store / "edge.clef").write_bytes(clef)
        assert load_bundle("edge").spec.name != "tiny.test"
        assert list_bundles()["edge"].is_dir()

    def test_the_given_hash_decides(self, web: Web, store: Path, clef: bytes) -> None:
        own = hashlib.sha256(clef).hexdigest()
        with pytest.raises(BundleError, match=f"has the sha256 {own}, not the one"):
            get(f"{web.address}/tiny.clef", sha256=HASH)
        assert left(store) == []
        assert get(f"{web.address}/tiny.clef", sha256=own.upper()).new
        with pytest.raises(BundleError, match="is no sha256"):
            get(f"{web.address}/tiny.clef", sha256="abc")

    @pytest.mark.parametrize("body", [b"", b"<html>not found</html>" * 99, b"PK\x05\x06" + bytes(18)])
    def test_what_is_no_bundle_leaves_nothing(self, web: Web, store: Path, body: bytes) -> None:
        web.files["/tiny.clef"] = body
        with pytest.raises(BundleError) as caught:
            get(f"{web.address}/tiny.clef")
        assert f"{web.address}/tiny.clef" in str(caught.value)
        assert ".part" not in str(caught.value)
        assert left(store) == []

    def test_halves_that_do_not_fit_are_fetched_anew(self, web: Web, clef: bytes) -> None:
        # A server whose mark stays the same while the file changes.
        web.etag, web.always = '"same"', Fault(cut=300)
        web.files["/tiny.clef"] = bytes(len(clef))
        with pytest.raises(DownloadError):
            pull(f"{web.address}/tiny.clef", patience=Patience(attempts=1))
        web.always, web.files["/tiny.clef"] = Fault(), clef
        web.requests.clear()
        assert get(f"{web.address}/tiny.clef").new
        assert web.asked("Range")[0] == "bytes=300-"
        assert web.asked("Range")[-1] is None

    def test_a_file_too_large_is_refused(self, web: Web, folder: Path) -> None:
        for source in (f"{web.address}/tiny.clef", folder.with_name("tiny.clef")):
            with pytest.raises(BundleError, match="larger than 0 MB"):
                get(source, limit=100)

    def test_a_login_is_used_and_nowhere_shown(self, web: Web, store: Path) -> None:
        host = web.address.removeprefix("http://")
        pulled = get(f"http://user:p%40ss@{host}/tiny.clef?token=secret")
        assert web.asked("Authorization") == ["Basic " + base64.b64encode(b"user:p@ss").decode()]
        assert web.requests[0][0] == "/tiny.clef?token=secret"
        assert pulled.origin.source == f"{web.address}/tiny.clef"
        for path in store.rglob("*.json"):
            assert "secret" not in path.read_text()
        web.always = Fault(status=403)
        with pytest.raises(DownloadError) as caught:
            get(f"http://user:p%40ss@{host}/tiny.clef?token=secret", force=True)
        assert not {"user", "p%40ss", "secret"} & set(str(caught.value).replace(":", " ").replace("@", " ").split())
        assert "secret" not in repr(parse_source(f"http://user:p%40ss@{host}/tiny.clef?token=secret"))

    def test_a_store_that_can_not_be_written_is_named(
        self, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("CLEF_RT_CACHE", str(tmp_path / "file"))
        with pytest.raises(DownloadError, match=r"can't be written.*CLEF_RT_CACHE"):
            get(f"{web.address}/tiny.clef")

    def test_removing_takes_both_files(self, folder: Path, store: Path) -> None:
        get(folder)
        with pytest.raises(BundleError, match=r"No bundle 'other' has been pulled\. Pulled are: tiny\.test"):
            forget("other")
        forget("tiny.test")
        assert left(store) == []
        with pytest.raises(BundleError, match=r"No bundle '\.\./x' has been pulled\.$"):
            forget("../x")


def test_an_unknown_name_says_what_there_is_and_how_to_get_more(store: Path, clef: bytes) -> None:
    store.mkdir(parents=True)
    (store / "mine.clef").write_bytes(clef)
    with pytest.raises(BundleError, match=r"No bundle at 'nope'\. .*\(edge.*, mine\); `clef-rt models pull` fetches"):
        load_bundle("nope")


def test_a_bundle_that_is_not_what_was_pulled_is_found(folder: Path, store: Path, clef: bytes) -> None:
    store.mkdir(parents=True)
    (store / "mine.clef").write_bytes(clef)
    check("mine")  # of unknown origin, and right
    (store / "mine.json").write_text(json.dumps({"source": "https://h/x.clef", "sha256": HASH, "pulled": "2026-01-01"}))
    with pytest.raises(BundleError, match=r"isn't the file that was pulled from https://h/x\.clef"):
        check("mine")


@pytest.mark.parametrize("note", ["", "{", "[]", "3", '{"source": 3, "sha256": "", "pulled": ""}', "[" * 100_000])
def test_a_spoilt_note_of_origin_is_none(store: Path, note: str) -> None:
    store.mkdir(parents=True)
    (store / "mine.json").write_text(note)
    assert origin_of("mine") is None


def test_other_files_in_the_store_are_no_bundles(store: Path) -> None:
    store.mkdir(parents=True)
    for name in ("Upper.clef", ".hidden.clef", "a b.clef", "x.clef.part"):
        (store / name).touch()
    (store / "folder.clef").mkdir()
    assert pulled_bundles() == {}
    assert pulled_bundle("../bundles/Upper") is None


# Sources


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("ftp://host/x.clef", "aren't pulled by ftp"),
        ("s3://bucket/x.clef", "aren't pulled by s3"),
        ("file:///etc/passwd", "aren't pulled by file"),
        ("https:///x.clef", "names no host"),
        ("http://[::1/x", "can't be read"),
        ("https://host:99999/x", "can't be read"),
        ("hf:owner", "names nothing on the Hub"),
        ("hf:owner/repo/../../x.clef", "names nothing on the Hub"),
        ("hf:owner/repo/x.zip", "names nothing on the Hub"),
        ("hf:../repo", "names nothing on the Hub"),
        ("hf:owner/repo?x=y", "names nothing on the Hub"),
        ("nowhere.clef", "No bundle at 'nowhere"),
        ("", "No bundle at ''"),
        ("nul\0", "No bundle at"),
    ],
)
def test_a_source_that_is_none_is_named(source: str, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        get(source)


# The Hub


@pytest.fixture
def hub(web: Web, clef: bytes, monkeypatch: pytest.MonkeyPatch) -> Web:
    """A server that answers as the Hugging Face Hub does."""
    monkeypatch.setenv("HF_ENDPOINT", web.address + "/")
    names = ["README.md", "sub/my.clef"]
    web.files = {
        "/api/models/owner/repo/revision/main": json.dumps({"siblings": [{"rfilename": n} for n in names]}).encode(),
        "/owner/repo/resolve/main/sub/my.clef": clef,
        "/owner/repo/resolve/refs%2Fpr%2F1/my.clef": clef,
    }
    return web


@pytest.mark.usefixtures("no_trial")
class TestHub:
    def test_the_only_clef_file_is_found(self, hub: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret\n")
        pulled = get("hf:owner/repo")
        assert pulled.origin.source == "hf:owner/repo"
        assert [path for path, _ in hub.requests] == list(hub.files)[:2]
        assert hub.asked("Authorization") == ["Bearer hf_secret"] * 2
        assert get("hf:owner/repo").new is False
        assert len(hub.requests) == 2

    def test_a_revision_and_a_file_are_asked_for_directly(self, hub: Web) -> None:
        get("hf:owner/repo@refs%2Fpr%2F1/my.clef")
        assert [path for path, _ in hub.requests] == ["/owner/repo/resolve/refs%2Fpr%2F1/my.clef"]
        assert hub.asked("Authorization") == [None]

    @pytest.mark.parametrize(
        ("listing", "message"),
        [
            (b'{"siblings": []}', "holds no .clef file"),
            (
                b'{"siblings": [{"rfilename": "a.clef"}, {"rfilename": "b.clef"}]}',
                "holds a.clef, b.clef. Name the file",
            ),
            (b'{"siblings": [{"rfilename": "../../../api/x.clef"}]}', "an odd file"),
            (b'{"siblings": 3}', "can't be read"),
            (b'{"siblings": [{"rfilename": 3}]}', "can't be read"),
            (b"[" * 100_000, "can't be read"),
            (b"<html>", "can't be read"),
        ],
    )
    def test_a_listing_without_one_file_is_told(self, hub: Web, listing: bytes, message: str) -> None:
        hub.files["/api/models/owner/repo/revision/main"] = listing
        with pytest.raises(DownloadError, match=message):
            get("hf:owner/repo")

    def test_a_repository_that_is_not_there_says_so(self, hub: Web) -> None:
        hub.always = Fault(status=401)  # what the Hub says of one that it doesn't show
        with pytest.raises(
            DownloadError, match=r"hf:owner/repo can't .* 401 .*needs a token that may read it in HF_TOKEN"
        ):
            get("hf:owner/repo")

    def test_the_hash_that_the_hub_names_must_fit(self, hub: Web, clef: bytes, store: Path) -> None:
        there = {"Location": "/owner/repo/resolve/main/sub/my.clef"}
        hub.faults = [Fault(status=302, headers={**there, "X-Linked-Etag": f'"{HASH}"'})]
        with pytest.raises(BundleError, match="isn't what the Hub says"):
            get("hf:owner/repo/sub/my.clef")
        assert left(store) == []
        hub.faults = [Fault(status=302, headers={**there, "X-Linked-Etag": f'"{hashlib.sha256(clef).hexdigest()}"'})]
        assert get("hf:owner/repo/sub/my.clef").new

    def test_a_token_is_sent_to_no_open_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        for endpoint, login in {
            "https://mirror.example": "Bearer hf_secret",
            "http://mirror.example": "",
            "http://localhost:8000": "Bearer hf_secret",
            "http://[::1]:8000": "Bearer hf_secret",
        }.items():
            monkeypatch.setenv("HF_ENDPOINT", endpoint)
            remote = parse_source("hf:owner/repo/x.clef")
            assert not isinstance(remote, Path)
            assert remote.authorization == login
            assert "secret" not in repr(remote)

    def test_a_token_that_is_none_is_told_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_a\r\nX-Evil: 1")
        with pytest.raises(BundleError, match="HF_TOKEN holds what no token can") as caught:
            get("hf:owner/repo")
        assert "Evil" not in str(caught.value)


def test_the_store_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLEF_RT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if os.name == "posix" and os.uname().sysname == "Linux":
        assert store_folder() == tmp_path / "clef-rt" / "bundles"
