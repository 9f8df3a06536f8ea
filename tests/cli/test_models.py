"""`clef-rt models`, as a user types it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clef_rt.bundle import embedded_bundles
from clef_rt.bundle.store import store_folder
from clef_rt.bundle.write import pack
from tests.cli.conftest import Call, Clef, Start
from tests.cli.running import interrupt, one_line
from tests.rigs.web import Fault, Web, closed_port, serving


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLEF_RT_CACHE", str(tmp_path / "cache"))
    for name in ("HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    return store_folder()


@pytest.fixture(scope="session")
def clef_file(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(bundle, tmp_path_factory.mktemp("packed") / "tiny.clef")


@pytest.fixture
def web(clef_file: Path) -> Iterator[Web]:
    with serving({"/tiny.clef": clef_file.read_bytes()}) as web:
        yield web


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


# Here and what is in it


def test_alone_it_lists_what_is_here(call: Call, clef_file: Path) -> None:
    call("models", "pull", clef_file, "--name", "mine")
    for arguments in (["models"], ["models", "list"]):
        rows = cells(call(*arguments).stdout)
        assert rows[0] == ["name", "model", "version", "labels", "encoders", "size", "licence", "from"]
        assert rows[1][0] == "edge"
        assert rows[1][-1] == "embedded"
        assert rows[-1] == ["mine", "tiny.test", "1.0.0", "6", "float32", "0.0", "MB", "Apache-2.0", str(clef_file)]


def test_the_list_as_json(call: Call, clef_file: Path) -> None:
    call("models", "pull", clef_file)
    *_, row = json.loads(call("models", "list", "--json").stdout)
    assert row["name"] == row["model"] == "tiny.test"
    assert row["bytes"] == clef_file.stat().st_size
    assert row["source"] == str(clef_file)


def test_a_damaged_bundle_does_not_hide_the_others(call: Call, store: Path, clef_file: Path) -> None:
    call("models", "pull", clef_file)
    (store / "bad.clef").write_bytes(b"rot\x1b[2J")
    out = call("models").stdout
    assert cells(out)[1 + len(embedded_bundles())][:2] == ["bad", "damaged"]
    assert "tiny.test" in out
    assert "bad: " in out
    assert "damaged: it doesn't end as a zip archive" in out
    assert "error" in json.loads(call("models", "list", "--json").stdout)[len(embedded_bundles())]


def test_nothing_here_says_what_to_do(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clef_rt.bundle.EMBEDDED", tmp_path / "nothing")
    run = call("models")
    assert run.returncode == 2
    one_line(run.stderr, "No bundle is embedded or pulled here", "clef-rt models pull")


def test_info_shows_a_bundle(call: Call, bundle: Path) -> None:
    text = call("models", "info", bundle).stdout
    assert "tiny.test 1.0.0, 2026-01-02, Apache-2.0" in text
    row = next(line for line in text.splitlines() if line.startswith("AU12_L"))
    assert row.split()[-3:] == ["1", "0.25", "experimental"]
    assert "test.f1.AU01" in text
    assert "random numbers" in text


def test_info_prints_the_card_and_json(call: Call, bundle: Path) -> None:
    assert call("models", "info", bundle, "--card").stdout == "# tiny\n\n"
    facts = json.loads(call("models", "info", bundle, "--json").stdout)
    assert facts["path"] == str(bundle)
    assert facts["groups"]["au"]["labels"][0]["name"] == "AU01"
    run = call("models", "info", bundle, "--json", "--card")
    assert run.returncode == 2
    one_line(run.stderr, "exclude each other")


def test_info_of_what_is_none(call: Call, tmp_path: Path) -> None:
    run = call("models", "info", tmp_path)
    assert run.returncode == 2
    one_line(run.stderr, "there is no bundle.json")
    run = call("models", "info", "nope")
    assert run.returncode == 2
    one_line(run.stderr, "No bundle at 'nope'", "(edge, edge-clean)", "clef-rt models pull")


# Pulling


def test_pull_use_verify_remove(clef: Clef, web: Web, store: Path, clef_file: Path, tmp_path: Path) -> None:
    run = clef("models", "pull", f"{web.address}/tiny.clef", "--name", "mine")
    digest = hashlib.sha256(clef_file.read_bytes()).hexdigest()
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["mine", str(store / "mine.clef"), "sha256", digest]
    one_line(run.stderr, "http:// can be altered on its way")
    again = clef("models", "pull", f"{web.address}/tiny.clef", "--name", "mine")
    assert (again.returncode, again.stdout) == (0, run.stdout)
    one_line(again.stderr, "It has been there since", "--force")
    assert len(web.requests) == 1

    assert clef("models", "verify", "mine").stdout == "mine: right (tiny.test 1.0.0, 4 files)\n"
    data = bytearray((store / "mine.clef").read_bytes())
    data[len(data) // 2] ^= 1
    (store / "mine.clef").write_bytes(data)
    run = clef("models", "verify", "mine", tmp_path / "nowhere", bundle_folder(clef_file, tmp_path))
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 2
    assert "clef-rt: mine: " in run.stderr
    assert "right (tiny.test" in run.stdout

    assert clef("models", "remove", "mine").stdout == "mine is removed.\n"
    assert list(store.glob("mine*")) == []
    run = clef("models", "remove", "mine")
    assert run.returncode == 2
    one_line(run.stderr, "No bundle 'mine' has been pulled")


def bundle_folder(clef_file: Path, tmp_path: Path) -> Path:
    shutil.unpack_archive(clef_file, tmp_path / "unpacked", "zip")
    return tmp_path / "unpacked"


def test_a_pulled_bundle_scores_photographs_by_name(clef: Clef, clef_file: Path, portrait: Path) -> None:
    assert clef("models", "pull", clef_file, "--name", "mine").returncode == 0
    run = clef("image", portrait, "--bundle", "mine", "--json")
    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stdout)["faces"][0]["aus"]) == {"AU01", "AU12_L"}


def test_embedded_bundles_stay(call: Call) -> None:
    run = call("models", "remove", "edge")
    assert run.returncode == 2
    one_line(run.stderr, "edge is embedded")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["ftp://h/x.clef"], ["aren't pulled by ftp"]),
        (["nowhere.clef"], ["No bundle at 'nowhere.clef'"]),
        (["hf:owner"], ["hf:owner/repo@revision/file.clef"]),
        ([f"http://127.0.0.1:{closed_port()}/x.clef", "--name", "Bad"], ["'Bad' can't name a bundle"]),
        ([f"http://127.0.0.1:{closed_port()}/x.clef", "--sha256", "12"], ["is no sha256"]),
    ],
)
def test_mistakes_are_one_line(call: Call, arguments: list[str], parts: list[str]) -> None:
    run = call("models", "pull", *arguments)
    assert run.returncode == 2
    one_line(run.stderr, *parts)


def test_hindrances_are_told_and_the_end_is_one_line(clef: Clef, web: Web) -> None:
    web.faults = [Fault(status=503)]
    web.always = Fault(status=404)
    run = clef("models", "pull", f"{web.address}/tiny.clef")
    assert run.returncode == 2
    first, last = run.stderr.splitlines()
    assert first.startswith("clef-rt: the server answers 503 Service Unavailable; next attempt in ")
    assert (
        last
        == f"clef-rt: {web.address}/tiny.clef can't be downloaded: the server answers 404 Not Found. Check the address."
    )


def test_escapes_in_a_servers_words_are_spelt_out(clef: Clef, web: Web) -> None:
    web.files["/tiny.clef"] = b"x"
    run = clef("models", "pull", f"{web.address}/tiny.clef\x1b[2J")
    assert run.returncode == 2
    assert "\x1b" not in run.stderr


# Ctrl-C


def wait_for(condition: Path, size: int) -> None:
    for _ in range(600):
        if any(path.stat().st_size >= size for path in condition.glob("*.part")):
            return
        time.sleep(0.05)
    raise AssertionError("nothing came")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_pull_goes_on(
    start: Start, clef: Clef, web: Web, store: Path, clef_file: Path, number: signal.Signals
) -> None:
    web.always = Fault(trickle=0.02)
    process = start("models", "pull", f"{web.address}/tiny.clef")
    wait_for(store / "parts", 500)
    took, out, err = interrupt(process, number)
    assert took < 5
    assert out == ""
    if number == signal.SIGINT:
        assert process.returncode == 130
        one_line(err, "Stopped at 0.0 of 0.0 MB, which are kept: the same command goes on from there")
    assert "Traceback" not in err
    [part] = (store / "parts").glob("*.part")
    assert part.read_bytes() == clef_file.read_bytes()[: part.stat().st_size]
    kept = part.stat().st_size
    web.always = Fault()
    run = clef("models", "pull", f"{web.address}/tiny.clef")
    assert run.returncode == 0, run.stderr
    assert web.requests[-1][1]["Range"] == f"bytes={kept}-"
    assert not list((store / "parts").iterdir())


def test_a_bar_is_drawn_on_a_terminal(web: Web, clef_file: Path) -> None:
    pty = pytest.importorskip("pty")
    from tests.cli.running import command, environment

    master, slave = pty.openpty()
    more = environment() | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command("models", "pull", f"{web.address}/tiny.clef"), stdout=subprocess.PIPE, stderr=slave, env=more
    ) as process:
        os.close(slave)
        seen = b""
        while True:
            try:
                block = os.read(master, 4096)
            except OSError:
                break
            if not block:
                break
            seen += block
        assert process.wait() == 0
    os.close(master)
    size = clef_file.stat().st_size / 1000
    assert f"{size:.1f}/{size:.1f} kB".encode() in seen


def test_a_full_disk_is_told(clef: Clef, web: Web, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    run = clef("models", "pull", f"{web.address}/tiny.clef", preexec_fn=little)
    assert run.returncode == 2
    one_line(run.stderr, "can't be written: File too large", "Make room", "goes on from there")
    assert clef("models", "pull", f"{web.address}/tiny.clef").returncode == 0
    assert web.requests[-1][1]["Range"] == "bytes=5000-"
