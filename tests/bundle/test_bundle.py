"""A bundle loads whole or not at all, and the error names the file."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

import clef_rt.bundle as bundle_module
from clef_rt.bundle import files as bundle_files
from clef_rt.bundle import list_bundles, load_bundle
from clef_rt.bundle.spec import parse_spec
from clef_rt.bundle.write import pack, write_bundle
from clef_rt.errors import BundleError
from tests.rigs.bundles import encoder_onnx, make_bundle, make_files, make_spec, unit_rows

FILES = ("bundle.json", "encoder.onnx", "labels.safetensors", "MODEL_CARD.md")
T = TypeVar("T")
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def nothing_pulled(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEF_RT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny").path


@pytest.fixture
def archive(folder: Path) -> Path:
    return pack(folder, folder.with_name("tiny.clef"))


def relist(folder: Path, **changed: bytes) -> None:
    """Put other contents into a bundle, with hashes that fit: what a careless tool would write."""
    spec = json.loads((folder / "bundle.json").read_text())
    for name, data in changed.items():
        name = {"labels": "labels.safetensors", "encoder": "encoder.onnx"}[name]
        (folder / name).write_bytes(data)
        spec["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(spec))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    spec = json.loads((folder / "bundle.json").read_text())
    change(spec)
    (folder / "bundle.json").write_text(json.dumps(spec))


def attempt(work: Callable[[], T]) -> T | str:
    """What it returns, or the text of our own error. Any other exception is a failure."""
    try:
        return work()
    except BundleError as error:
        return str(error)


# What is well


def test_a_bundle_written_is_the_bundle_read(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.spec.model_copy(update={"files": {}}) == make_spec()
    assert set(bundle.spec.files) == set(FILES) - {"bundle.json"}
    assert np.array_equal(bundle.embeddings, unit_rows(10))
    assert not bundle.embeddings.flags.writeable
    assert bundle.encoder_bytes() == encoder_onnx()
    assert bundle.variants == ("",)
    assert bundle.card() == "# tiny\n"
    assert bundle.sha256 == hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()


def test_an_archive_holds_the_same_bundle(folder: Path, archive: Path) -> None:
    one, other = load_bundle(folder), load_bundle(str(archive))
    assert one.spec == other.spec
    assert one.sha256 == other.sha256
    assert np.array_equal(one.embeddings, other.embeddings)
    assert one.encoder_bytes() == other.encoder_bytes()


def test_packing_twice_gives_the_same_bytes(folder: Path, archive: Path) -> None:
    for name in FILES:
        os.utime(folder / name, (1e9, 1e9))
    assert pack(folder, archive.with_name("again.clef")).read_bytes() == archive.read_bytes()


def test_an_archive_made_by_another_tool_loads(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.clef"
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in FILES:
            packed.write(folder / name, name)
    assert load_bundle(other).spec == load_bundle(folder).spec


def test_variants_of_the_encoder_are_named(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "b", make_spec(), {**make_files(), "encoder.int8.onnx": b"int8"})
    assert bundle.variants == ("", "int8")
    assert bundle.encoder_bytes("int8") == b"int8"
    with pytest.raises(BundleError, match=r"no encoder\.fp16\.onnx"):
        bundle.encoder_bytes("fp16")


def test_embedded_bundles_load_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    embedded = tmp_path_factory.mktemp("bundles")
    shutil.copytree(folder, embedded / "edge")
    shutil.copytree(folder, embedded / "other")
    monkeypatch.setattr(bundle_module, "EMBEDDED", embedded)
    assert list_bundles() == {name: embedded / name for name in ("edge", "other")}
    assert load_bundle().path == load_bundle("default").path == load_bundle("edge").path == embedded / "edge"
    assert load_bundle("other").path == embedded / "other"


@pytest.mark.parametrize("source", [None, "default", "no/such", "nul\0byte", "", "x" * 5000])
def test_a_bundle_that_is_not_there_is_named(
    source: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bundle_module, "EMBEDDED", tmp_path)
    with pytest.raises(BundleError, match="bundle"):
        load_bundle(source)


# Damage


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_found_in_a_folder(folder: Path, name: str) -> None:
    for where in (0.0, 0.5, 0.99):
        data = bytearray((folder / name).read_bytes())
        data[int(len(data) * where)] ^= 1
        (folder / name).write_bytes(data)
        if name != "bundle.json":
            with pytest.raises(BundleError, match=name):
                load_bundle(folder)
        else:  # holds no hash of itself: a flip is an error, or makes another bundle
            outcome = attempt(lambda: load_bundle(folder).sha256)
            assert outcome == hashlib.sha256(data).hexdigest() or str(folder) in outcome
        data[int(len(data) * where)] ^= 1
        (folder / name).write_bytes(data)
    load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [0, 1, 7, 30])
def test_a_truncated_file_is_named(folder: Path, name: str, keep: int) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: keep if keep < len(data) else -1])
    with pytest.raises(BundleError, match=name):
        load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(folder)


def test_swapped_files_are_found(folder: Path) -> None:
    table, card = (folder / "labels.safetensors"), (folder / "MODEL_CARD.md")
    one, other = table.read_bytes(), card.read_bytes()
    table.write_bytes(other)
    card.write_bytes(one)
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md isn't the file"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["encoder.onnx.data", "weights.pkl", "notes.txt", ".DS_Store", "encoder.fp16.onnx"])
def test_a_file_that_is_not_listed_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    with pytest.raises(BundleError, match=name):
        load_bundle(folder)


def test_a_folder_inside_and_a_link_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "more.txt").mkdir()
    with pytest.raises(BundleError, match=r"more\.txt is a link or folder"):
        load_bundle(folder)
    (folder / "more.txt").rmdir()
    shutil.move(folder / "MODEL_CARD.md", tmp_path / "card.md")
    (folder / "MODEL_CARD.md").symlink_to(tmp_path / "card.md")
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md is a link"):
        load_bundle(folder)


def test_a_file_that_changed_since_loading_is_found(folder: Path) -> None:
    bundle = load_bundle(folder)
    (folder / "encoder.onnx").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"encoder\.onnx isn't the file"):
        bundle.encoder_bytes()
    (folder / "encoder.onnx").unlink()
    (folder / "encoder.onnx").symlink_to(folder / "MODEL_CARD.md")
    with pytest.raises(BundleError, match=r"encoder\.onnx can't be read"):
        bundle.encoder_bytes()


def test_a_file_too_large_is_refused_before_it_is_read(folder: Path, archive: Path) -> None:
    with open(folder / "labels.safetensors", "ab") as file:
        file.truncate(65 << 20)
    with pytest.raises(BundleError, match=r"labels\.safetensors is larger"):
        load_bundle(folder)


def test_a_folder_of_many_files_is_no_bundle(folder: Path) -> None:
    for i in range(40):
        (folder / f"{i}.txt").touch()
    with pytest.raises(BundleError, match="more than 33 files"):
        load_bundle(folder)


# Contents that don't fit


def bad_tables() -> dict[str, tuple[bytes, str]]:
    rows, nan, long = unit_rows(10), unit_rows(10), unit_rows(10)
    nan[4, 2] = np.nan
    long[7] *= 1.01
    header = json.dumps({"embeddings": {"dtype": "F32", "shape": [1 << 62, 8], "data_offsets": [0, 4]}}).encode()
    alien = json.dumps({"embeddings": {"dtype": "F8_E8M0", "shape": [4], "data_offsets": [0, 4]}}).encode()
    return {
        "float64": (save({"embeddings": rows.astype(np.float64)}), "float64"),
        "another dim": (save({"embeddings": unit_rows(10, 4)}), r"\(10, 4\)"),
        "one axis": (save({"embeddings": rows[0]}), r"\(8,\)"),
        "too few rows": (save({"embeddings": rows[:5]}), "label sadness asks for row 5"),
        "no rows": (save({"embeddings": rows[:0]}), "asks for row"),
        "not finite": (save({"embeddings": nan}), "row 4 isn't of length 1"),
        "not unit": (save({"embeddings": long}), "row 7 isn't of length 1"),
        "another name": (save({"table": rows}), "'embeddings'"),
        "two tensors": (save({"embeddings": rows, "more": rows}), "one tensor"),
        "giant header": (struct.pack("<Q", 90 << 20) + b"{" * 100, "header"),
        "shape overflows": (struct.pack("<Q", len(header)) + header + b"abcd", "safetensors"),
        "alien dtype": (struct.pack("<Q", len(alien)) + alien + b"abcd", "safetensors"),
        "a pickle": (b"\x80\x04\x95" + b"." * 40, "labels"),
        "nothing": (b"", "labels"),
    }


@pytest.mark.parametrize("case", bad_tables())
def test_a_table_that_does_not_fit_is_refused(folder: Path, case: str) -> None:
    data, message = bad_tables()[case]
    relist(folder, labels=data)
    with pytest.raises(BundleError, match=message) as caught:
        load_bundle(folder)
    assert "labels.safetensors" in str(caught.value)


@given(data=st.binary(max_size=200), cut=st.integers(0, 400), flip=st.integers(0, 200))
@FUZZ
def test_any_bytes_as_a_table_load_or_are_refused(
    data: bytes, cut: int, flip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = bytearray(save({"embeddings": unit_rows(10)}))
    good[flip % 100] ^= 1 << (flip % 8)
    spec = make_spec()
    for table in (data, bytes(good[:cut]), bytes(good)):
        try:
            read = bundle_module._read_embeddings(Path("x"), table, spec)
        except BundleError:
            continue
        assert read.shape[1] == spec.embedding_dim


def labels_of(spec: dict[str, Any], group: str) -> list[dict[str, Any]]:
    return spec["groups"][group]["labels"]  # type: ignore[no-any-return]


BAD_SPECS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "newer schema": (lambda s: s.update(schema_version=2), "schema version 2.*Upgrade"),
    "older schema": (lambda s: s.update(schema_version=0), "schema version 0.*Export"),
    "unknown field": (lambda s: s.update(pickle="x"), "pickle: Extra"),
    "missing field": (lambda s: s.pop("licence"), "licence"),
    "number as text": (lambda s: s.update(embedding_dim="8"), "embedding_dim"),
    "AU misnamed": (lambda s: labels_of(s, "au")[0].update(name="AU1"), "'AU1' is no Action Unit"),
    "AU with a side too many": (lambda s: labels_of(s, "au")[0].update(name="AU12_X"), "'AU12_X'"),
    "name with newline": (lambda s: labels_of(s, "expression")[0].update(name="a\n"), r"expression\.labels\.0\.name"),
    "name twice": (lambda s: labels_of(s, "expression")[0].update(name="wink"), "wink defined more than once"),
    "row missing": (lambda s: labels_of(s, "au")[0].update(rows=[0]), "2 prompt"),
    "row negative": (lambda s: labels_of(s, "au")[1].update(rows=[-1]), "rows"),
    "row out of range": (lambda s: labels_of(s, "au")[1].update(rows=[10]), "label AU12_L asks for row 10"),
    "row huge": (lambda s: labels_of(s, "au")[1].update(rows=[10**30]), "rows"),
    "threshold above 1": (lambda s: labels_of(s, "au")[1].update(threshold=1.1), "threshold"),
    "scale of 0": (lambda s: s["groups"]["au"].update(logit_scale=0), "logit_scale"),
    "kind swapped": (lambda s: s["groups"]["au"].update(kind="exclusive"), "kind"),
    "no label": (
        lambda s: s.update(groups={g: {"logit_scale": 1, "labels": []} for g in ("au", "expression")}),
        "no l",
    ),
    "gray of 3 channels": (lambda s: s["input"].update(channels=3), "'gray' doesn't have 3"),
    "mean of 3": (lambda s: s["input"].update(mean=[0.1, 0.2, 0.3]), "mean and std need 1"),
    "std of 0": (lambda s: s["input"].update(std=[0]), "std"),
    "template of 4 points": (lambda s: s["input"].update(template=[[1, 1]] * 4), "template"),
    "template outside": (lambda s: s["input"].update(template=[[1, 17]] * 5), "reaches past the crop"),
    "metric of text": (lambda s: s.update(metrics={"a": {"b": "x"}}), "metrics.a.b is no number"),
    "hash of 63": (lambda s: s["files"].update({"encoder.onnx": "a" * 63}), "encoder.onnx"),
    "listed path": (lambda s: s["files"].update({"../x.md": "a" * 64}), "files"),
    "lists itself": (lambda s: s["files"].update({"bundle.json": "a" * 64}), "its own hash"),
    "lists what is missing": (lambda s: s["files"].update({"more.md": "a" * 64}), "more.md is missing"),
    "lists no card": (lambda s: s["files"].pop("MODEL_CARD.md"), "lists no MODEL_CARD.md"),
    "case only": (lambda s: s["files"].update({"model_card.md": "a" * 64}), "case only"),
}


@pytest.mark.parametrize("case", BAD_SPECS)
def test_a_description_that_does_not_fit_is_refused(folder: Path, case: str) -> None:
    change, message = BAD_SPECS[case]
    edit(folder, change)
    with pytest.raises(BundleError, match=message) as caught:
        load_bundle(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"embedding_dim": NaN}', "[" * 100_000, "\ud800", "1e999"])
def test_text_that_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"x: bundle\.json"):
        parse_spec(text.encode(errors="surrogatepass"), "x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in items for found in paths_of(inner, (*path, key)))]


@given(data=st.data(), value=json_values)
@FUZZ
def test_any_value_anywhere_in_the_description_parses_or_is_refused(data: st.DataObject, value: Any) -> None:
    spec = json.loads(make_spec().to_json())
    *way, last = data.draw(st.sampled_from(paths_of(spec)[1:]))
    place = spec
    for key in way:
        place = place[key]
    place[last] = value
    parsed = attempt(lambda: parse_spec(json.dumps(spec).encode(), "x"))
    if isinstance(parsed, str):
        assert "x: bundle.json" in parsed
    else:
        assert parse_spec(parsed.to_json(), "x") == parsed


@given(st.binary(max_size=64) | json_values.map(lambda value: json.dumps(value).encode()))
@FUZZ
def test_any_bytes_as_a_description_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        parse_spec(data, "x")


# Archives


def zipped(path: Path, members: list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members:
            packed.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["../evil.md", "/etc/evil.md", "a/b.md", "c:\\x.md", "..", "x.pkl", "card.md\0.md", "ü.md"]
)
def test_a_member_that_could_leave_the_archive_is_refused(archive: Path, name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr(info, b"x")
    with pytest.raises(BundleError, match="has no place in a bundle"):
        load_bundle(archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_odd_members_are_refused(archive: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(BundleError, match=r"link\.md is a link"):
        load_bundle(zipped(tmp_path / "link.clef", [(link, b"/etc/passwd")]))
    with pytest.raises(BundleError, match="there twice"):
        load_bundle(zipped(tmp_path / "twice.clef", [("a.md", b"1"), ("a.md", b"2")]))
    with pytest.raises(BundleError, match="at most 33 files"):
        load_bundle(zipped(tmp_path / "many.clef", [(f"{i}.md", b"") for i in range(40)]))
    with zipfile.ZipFile(tmp_path / "odd.clef", "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a.md", b"a")
    with pytest.raises(BundleError, match="oddly compressed"):
        load_bundle(tmp_path / "odd.clef")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.comment = b"hello"
    with pytest.raises(BundleError, match="without a comment"):
        load_bundle(archive)


def test_a_zip_bomb_is_refused_at_little_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.clef"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("bundle.json", "w") as out:
        for _ in range(80):
            out.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(BundleError, match=r"bundle\.json is larger"):
        load_bundle(bomb)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "lie.clef", [("bundle.json", bytes(1000))])
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<II", 1000, 1000), struct.pack("<II", 10, 10)))
    with pytest.raises(BundleError, match=r"lie\.clef"):
        load_bundle(path)


def test_a_giant_directory_is_refused_before_it_is_read(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    struct.pack_into("<I", data, len(data) - 10, 900 << 20)
    archive.write_bytes(data)
    with pytest.raises(BundleError, match="directory"):
        load_bundle(archive)


def test_the_count_while_reading_binds_whatever_the_listing_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = bundle_files.open_files(folder)
    files.sizes()
    monkeypatch.setattr(bundle_files, "size_limit", lambda name: 3)
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md is larger"):
        bundle_files.read(files, "MODEL_CARD.md")


@given(data=st.data())
@settings(FUZZ, max_examples=300)
def test_any_damage_to_an_archive_is_refused_or_harmless(data: st.DataObject, archive: Path) -> None:
    whole = archive.with_name("whole.clef")
    if not whole.exists():
        shutil.copy(archive, whole)
    good = whole.read_bytes()
    # The directory at the end is where the structure is.
    place = data.draw(st.integers(0, len(good) - 1) | st.integers(len(good) - 400, len(good) - 1))
    patch = data.draw(st.binary(min_size=1, max_size=8))
    cut = data.draw(st.none() | st.integers(0, len(good)))
    archive.write_bytes((good[:place] + patch + good[place + len(patch) :])[:cut])
    bundle = attempt(lambda: load_bundle(archive))
    if isinstance(bundle, str):
        assert str(archive) in bundle
    else:
        assert bundle.sha256 == load_bundle(whole).sha256
        assert bundle.encoder_bytes() == encoder_onnx()


@given(data=st.binary(max_size=300))
@FUZZ
def test_any_file_is_no_archive(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.clef"
    path.write_bytes(data)
    with pytest.raises(BundleError, match=r"any\.clef"):
        load_bundle(path)


# Writing


def test_a_bundle_is_replaced_whole(folder: Path) -> None:
    before = load_bundle(folder).sha256
    write_bundle(folder, make_spec(), {**make_files(), "NOTICE.txt": b"n"})
    assert load_bundle(folder).sha256 != before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("files", [{}, {"labels.safetensors": b"x"}, {"../evil.md": b"x"}, {"encoder.pkl": b"x"}])
def test_what_makes_no_bundle_leaves_the_place_as_it_was(folder: Path, files: dict[str, bytes]) -> None:
    before = load_bundle(folder).sha256
    with pytest.raises(BundleError) as caught:
        write_bundle(folder, make_spec(), {**make_files(), **files} if files else {})
    assert str(folder) in str(caught.value)
    assert load_bundle(folder).sha256 == before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_folder_that_is_no_bundle_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").touch()
    with pytest.raises(BundleError, match="is no bundle"):
        make_bundle(tmp_path / "photos")
    assert (tmp_path / "photos" / "holiday.jpg").exists()
    (tmp_path / "empty").mkdir()
    make_bundle(tmp_path / "empty")


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="can't be written"):
        make_bundle(tmp_path / "file" / "inside")
    with pytest.raises(BundleError, match="can't be written"):
        pack(folder, tmp_path / "file" / "x.clef")
    with pytest.raises(BundleError, match=r"ends in \.clef"):
        pack(folder, tmp_path / "x.zip")


def test_packing_an_archive_says_to_give_the_folder(archive: Path) -> None:
    with pytest.raises(BundleError, match="packed already"):
        pack(archive, archive.with_name("y.clef"))


def test_the_runtime_needs_no_torch() -> None:
    code = (
        "import sys, clef_rt.bundle, clef_rt.bundle.write, clef_rt.labels, clef_rt.encode.onnx;"
        "print([name for name in ('torch', 'onnx', 'onnxruntime', 'pickle5', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unreadable_stream_ends_in_an_error_of_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: io.BufferedReader) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(bundle_files, "_pieces", broken)
    with pytest.raises(BundleError, match="Input/output error"):
        load_bundle(folder)
