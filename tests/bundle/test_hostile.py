"""Bundles that somebody made to do harm: an error of ours, in little time and memory, and nothing is written.

A worker process loads them under a limit of its address space; it would be seen to die, to raise, or to be slow.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from clef_rt.bundle.write import pack
from tests.rigs.bundles import encoder_onnx, make_bundle, unit_rows

MEMORY = 1 << 30
SECONDS = 5.0
QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LONG = settings(QUICK, max_examples=4000)

WORKER = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
import numpy as np, onnxruntime, safetensors.numpy
from clef_rt.bundle import load_bundle
from clef_rt.errors import ClefError
from clef_rt.labels import LabelBank
from clef_rt.encode import load_encoder
for line in sys.stdin:
    path, deep = json.loads(line)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        bundle = load_bundle(path)
        bundle.card(), LabelBank.from_bundle(bundle)
        if deep:
            load_encoder(bundle, "cpu", threads=1).encode(np.zeros((3, 16, 16, 1), np.uint8))
        outcome, text = "right", bundle.sha256
    except ClefError as error:
        outcome, text = type(error).__name__, str(error)
    except BaseException as error:
        outcome, text = "ESCAPED", repr(error)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps([outcome, text[:2000], time.process_time() - begun, grown * 1024]), flush=True)
"""


class Outcome(NamedTuple):
    """What came of loading a file.

    Attributes:
        kind: "right", or the class of our error.
        text: of the error.
        seconds: of the processor.
        grown: bytes that the worker's peak memory grew by.
    """

    kind: str
    text: str
    seconds: float
    grown: int


class Worker:
    """Loads bundles in a process with little memory."""

    def __init__(self) -> None:
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER.format(memory=MEMORY)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, text=True, cwd=Path(__file__).parents[2], **pipes)

    def load(self, path: Path, deep: bool = False) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(path), deep]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._process = self._start()
            raise AssertionError(f"the worker died with {code}; see {path}")
        return Outcome(*json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A right `.clef` file."""
    folder = make_bundle(tmp_path_factory.mktemp("good") / "tiny").path
    return pack(folder, folder.with_name("tiny.clef")).read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that nothing but the file itself may appear in."""
    return tmp_path / "deep" / "place"


def members(clef: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(clef)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def relisted(files: dict[str, bytes]) -> bytes:
    """An archive whose `bundle.json` lists the hashes that its files have, whatever they are."""
    spec = json.loads(files["bundle.json"])
    spec["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "bundle.json"}
    return zipped({**files, "bundle.json": json.dumps(spec).encode()})


def refused_or_right(worker: Worker, place: Path, data: bytes, *, deep: bool = False) -> Outcome:
    """Load a file, and hold what comes of it against all that is promised."""
    place.mkdir(parents=True, exist_ok=True)
    path = place / "x.clef"
    path.write_bytes(data)
    outcome = worker.load(path, deep)
    assert outcome.kind in ("right", "BundleError", "EncoderError"), outcome
    assert outcome.seconds < SECONDS, outcome
    assert outcome.grown < 200 << 20, outcome
    assert [str(found.relative_to(place.parents[1])) for found in place.parents[1].rglob("*") if found.is_file()] == [
        "deep/place/x.clef"
    ]
    assert path.read_bytes() == data
    return outcome


# Any damage


@st.composite
def harmed(draw: st.DrawFn, good: bytes) -> bytes:
    """A right archive with a few bits, bytes, fields or spans of it changed; the directory at its end more often."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        end = len(data)
        where = draw(st.integers(0, max(0, end - 1)) | st.integers(max(0, end - 300), max(0, end - 1)))
        kind = draw(st.sampled_from(("flip", "patch", "field", "cut", "double", "drop")))
        if kind == "flip" and end:
            data[where] ^= 1 << draw(st.integers(0, 7))
        elif kind == "patch":
            data[where : where + 8] = draw(st.binary(max_size=12))
        elif kind == "field":
            width = draw(st.sampled_from("HIQ"))
            top = (1 << 8 * struct.calcsize(width)) - 1
            value = draw(st.sampled_from((0, 1, top, top >> 1, top - 1)) | st.integers(0, top))
            data[where : where + struct.calcsize(width)] = struct.pack("<" + width, value)
        elif kind == "cut":
            del data[where:]
        elif kind == "double":
            data[where:where] = data[where : where + draw(st.integers(1, 400))]
        else:
            del data[where : where + draw(st.integers(1, 400))]
    return bytes(data)


def any_damage(data: st.DataObject, worker: Worker, place: Path, good: bytes) -> None:
    refused_or_right(worker, place, data.draw(harmed(good)), deep=True)


def any_damage_with_right_hashes(data: st.DataObject, worker: Worker, place: Path, good: bytes) -> None:
    """Past the hashes: what whoever makes a bundle can reach."""
    files = members(good)
    name = data.draw(st.sampled_from(("labels.safetensors", "bundle.json", "MODEL_CARD.md")))
    files[name] = data.draw(harmed(files[name]))
    try:
        archive = relisted(files)
    except (ValueError, TypeError, AttributeError):  # the description is no JSON object any more
        archive = zipped(files)
    refused_or_right(worker, place, archive, deep=True)


def any_graph(data: st.DataObject, worker: Worker, place: Path, good: bytes) -> None:
    files = members(good)
    files["encoder.onnx"] = data.draw(harmed(encoder_onnx()))
    refused_or_right(worker, place, relisted(files), deep=True)


@given(data=st.data())
@QUICK
def test_any_damage_is_refused_or_harmless(data: st.DataObject, worker: Worker, place: Path, good: bytes) -> None:
    any_damage(data, worker, place, good)


@given(data=st.data())
@QUICK
def test_any_damage_behind_right_hashes(data: st.DataObject, worker: Worker, place: Path, good: bytes) -> None:
    any_damage_with_right_hashes(data, worker, place, good)


@given(data=st.data())
@QUICK
def test_any_damage_to_the_graph(data: st.DataObject, worker: Worker, place: Path, good: bytes) -> None:
    any_graph(data, worker, place, good)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", [any_damage, any_damage_with_right_hashes, any_graph])
def test_much_damage(kind: Callable[..., None], worker: Worker, tmp_path: Path, good: bytes) -> None:
    @given(data=st.data())
    @LONG
    def each(data: st.DataObject) -> None:
        kind(data, worker, tmp_path / "deep" / "place", good)

    each()


# Each class of attack, by hand


def renamed(clef: bytes, old: str, new: str) -> bytes:
    """With a member of another name, in its own head and in the directory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members(clef).items():
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = new if name == old else name
            archive.writestr(info, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.md",
        "/tmp/evil.md",
        "C:\\evil.md",
        "..\\evil.md",
        "a/../../evil.md",
        "encoder.onnx/x.md",
        "evil.md\0.md",
        "\u202eevil.md",
        ".evil.md",
        "x" * 300 + ".md",
        "evil.md\n",
    ],
)
def test_no_name_leads_out(worker: Worker, place: Path, good: bytes, name: str) -> None:
    outcome = refused_or_right(worker, place, renamed(good, "MODEL_CARD.md", name))
    assert outcome.kind == "BundleError"
    assert "has no place in a bundle" in outcome.text


def bomb(name: str, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open(name, "w") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("bundle.json", 5 << 20, "bundle.json is larger"),
        ("bundle.json", 4 << 20, "no JSON"),
        ("labels.safetensors", 65 << 20, "labels.safetensors is larger"),
        ("encoder.onnx", 150 << 20, "unpack to far more than its"),
    ],
)
def test_bombs_are_refused(worker: Worker, place: Path, name: str, size: int, message: str) -> None:
    data = bomb(name, size)
    assert len(data) < 200_000
    assert message in refused_or_right(worker, place, data).text


def test_many_entries_over_the_same_bytes_are_refused(worker: Worker, place: Path) -> None:
    # As in "a better zip bomb" (Fifield 2019): the directory names one body often.
    one = bomb("a.md", 30 << 20)
    end = one.rindex(b"PK\x05\x06")
    start = one.index(b"PK\x01\x02")
    entry = one[start:end]
    many = b"".join(entry.replace(b"a.md", b"%c.md" % (97 + i)) for i in range(26))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 26, 26, len(many), start, 0)
    assert "unpack to far more" in refused_or_right(worker, place, one[:start] + many + tail).text


def test_an_archive_in_an_archive_is_a_file_like_others(worker: Worker, place: Path, good: bytes) -> None:
    files = members(good)
    assert "has no place" in refused_or_right(worker, place, zipped({**files, "inner.zip": good})).text
    files["inner.txt"] = bomb("a.md", 60 << 20)
    assert refused_or_right(worker, place, relisted(files)).kind == "right"  # nothing unpacks it


@pytest.mark.parametrize("count", [34, 5000])
def test_many_entries_are_refused(worker: Worker, place: Path, count: int) -> None:
    data = zipped({f"{i}.md": b"" for i in range(count)})
    assert "33 files" in refused_or_right(worker, place, data).text


def test_a_directory_larger_than_the_archive_is_refused(worker: Worker, place: Path, good: bytes) -> None:
    for at, width in ((10, "H"), (12, "I"), (16, "I")):
        data = bytearray(good)
        top = (1 << 8 * struct.calcsize(width)) - 1
        struct.pack_into("<" + width, data, len(data) - 22 + at, top)
        assert refused_or_right(worker, place, bytes(data)).kind == "BundleError"


N = 3_900_000  # just within what bundle.json may have
WIDE: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "nested lists": lambda spec: b'{"metrics":' + b"[" * N,
    "deep objects": lambda spec: b'{"metrics":' + b'{"a":' * (N // 5),
    "many lists": lambda spec: b'{"metrics":[' + b"[]," * (N // 3) + b"[]]}",
    "many numbers": lambda spec: b'{"metrics":[' + b"1," * (N // 2) + b"1]}",
    "unknown fields": lambda spec: b"{" + b",".join(b'"%d":1' % i for i in range(N // 10)) + b"}",
    "long number": lambda spec: b'{"schema_version":' + b"9" * N + b"}",
    "long text": lambda spec: json.dumps({**spec, "licence": "x" * N}).encode(),
    "long key": lambda spec: json.dumps({**spec, "x" * N: 1}).encode(),
    "wrong rows": lambda spec: json.dumps(spec).replace("[0, 1]", "[" + '"a",' * (N // 4) + "1]", 1).encode(),
    "wrong origins": lambda spec: json.dumps({**spec, "provenance": {str(i): i for i in range(N // 20)}}).encode(),
    "wrong files": lambda spec: json.dumps({**spec, "files": {str(i): i for i in range(N // 20)}}).encode(),
    "as many as may be": lambda spec: json.dumps({**spec, "provenance": {str(i): i for i in range(45_000)}}).encode(),
}


@pytest.mark.parametrize("case", WIDE)
def test_a_giant_description_is_refused(worker: Worker, place: Path, good: bytes, case: str) -> None:
    files = members(good)
    files["bundle.json"] = WIDE[case](json.loads(files["bundle.json"]))
    assert len(files["bundle.json"]) < 4 << 20
    outcome = refused_or_right(worker, place, zipped(files))
    assert outcome.kind == "BundleError"
    assert len(outcome.text) < 1500


def table(header: object, body: bytes = b"abcd", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(**changed: object) -> dict[str, object]:
    return {"embeddings": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4], **changed}}


@pytest.mark.parametrize(
    "data",
    [
        table({}, length=(1 << 64) - 1),
        table({}, length=1 << 40),
        table(b"{" * 60_000),
        table(b'{"a":' * 10_000),
        table(entry(shape=[1 << 62, 1 << 62])),
        table(entry(shape=[1 << 33, 1 << 31, 0], data_offsets=[0, 0]), b""),
        table(entry(shape=[0] * 20_000, data_offsets=[0, 0]), b""),
        table(entry(data_offsets=[0, 1 << 60])),
        table(entry(data_offsets=[4, 0])),
        table(entry(data_offsets=[-4, 0])),
        table({f"{i}": entry()["embeddings"] for i in range(900)}),
        table(entry(dtype="F32" * 10_000)),
        save({"embeddings": np.full((10, 8), np.finfo(np.float32).max)}),
        save({"embeddings": np.zeros((0, 8), np.float32)}),
        b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
    ],
)
def test_a_crafted_table_is_refused(worker: Worker, place: Path, good: bytes, data: bytes) -> None:
    outcome = refused_or_right(worker, place, relisted({**members(good), "labels.safetensors": data}))
    assert outcome.kind == "BundleError"
    assert "labels.safetensors" in outcome.text


def test_the_largest_table_that_may_be_takes_little_memory(worker: Worker, place: Path, good: bytes) -> None:
    files = members(good)
    files["labels.safetensors"] = save({"embeddings": np.tile(unit_rows(10), (200_000, 1))})
    assert 60 << 20 < len(files["labels.safetensors"]) < 64 << 20
    assert refused_or_right(worker, place, relisted(files)).kind == "right"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_not_waited_for(worker: Worker, tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "tiny").path
    (folder / "MODEL_CARD.md").unlink()
    os.mkfifo(folder / "MODEL_CARD.md")
    assert "is a link or folder" in worker.load(folder).text


def test_escapes_for_the_terminal_are_spelt_out(good: bytes, tmp_path: Path) -> None:
    files = members(good)
    files["MODEL_CARD.md"] = b"# card \x1b]0;owned\x07\x1b[2J\n"
    spec = json.loads(files["bundle.json"])
    spec["licence"] = "free\x1b[31m"
    spec["groups"]["au"]["labels"][0]["text"] = "brow\x9b2J"
    files["bundle.json"] = json.dumps(spec).encode()
    (tmp_path / "x.clef").write_bytes(relisted(files))
    for more in ([], ["--card"], ["--json"]):
        command = [sys.executable, "-m", "clef_rt", "models", "info", tmp_path / "x.clef", *more]
        run = subprocess.run(command, capture_output=True, timeout=60, cwd=Path(__file__).parents[2])
        assert run.returncode == 0, run.stderr
        out = run.stdout.decode()
        assert not {"\x1b", "\x07", "\x9b"} & set(out)
        assert "\\x1b" in out or "\\u001b" in out
