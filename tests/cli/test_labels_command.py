"""`clef-rt labels`, as a user types it: real bundles, the real text tower, real photographs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from clef_rt.bundle import load_bundle
from clef_rt.bundle.write import pack
from clef_rt.text.minilm import MiniLM
from tests.cli.conftest import Call, Clef
from tests.cli.running import command, environment, one_line
from tests.rigs.texts import make_text_bundle


@pytest.fixture(scope="module")
def open_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny bundle whose text tower is MiniLM."""
    return make_text_bundle(tmp_path_factory.mktemp("open") / "tiny", MiniLM(), MiniLM.features).path


@pytest.fixture
def own(open_bundle: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(open_bundle, tmp_path / "own"))


def added(folder: Path) -> list[str]:
    group = load_bundle(folder).spec.groups.zero_shot
    return [label.name for label in group.labels] if group else []


def test_a_user_adds_looks_scores_and_removes(
    clef: Clef, open_bundle: Path, own: Path, portrait: Path, tmp_path: Path
) -> None:
    before = json.loads(clef("image", portrait, "--bundle", own, "--json").stdout)["faces"][0]
    (tmp_path / "labels.yaml").write_text("shut:\n  prompts: [closed eyes, shut lids]\n  against: [open eyes]\n")
    run = clef("labels", "add", own, "--from", tmp_path / "labels.yaml", "--try", portrait)
    assert run.returncode == 0, run.stderr
    assert f"{own}: 6 labels, 1 of them zero-shot" in run.stdout
    assert "nearest in meaning" in run.stdout
    assert "On 1 face(s) of 1 photograph(s); so few say little" in run.stdout
    run = clef("labels", "add", own, "grin", "--prompt", "a wide grin", "--text", "a grin", "--threshold", "0")
    assert run.returncode == 0, run.stderr
    # It scores, marked
    face = json.loads(clef("image", portrait, "--bundle", own, "--json").stdout)["faces"][0]
    assert list(face.pop("zero_shot")) == ["shut", "grin"]
    assert before.pop("zero_shot") == {}
    assert face == before
    table = clef("image", portrait, "--bundle", own).stdout
    assert "grin* 0." in table
    assert "* zero-shot: defined by text alone" in table
    # And is listed
    listed = clef("labels", "list", own).stdout
    row = next(line for line in listed.splitlines() if line.startswith("grin"))
    assert row.split()[1:4] == ["zero-shot", "a", "grin"]
    assert row.split()[-2:] == ["0.00", "zero-shot"]
    assert listed.count("open eyes") == 1
    # Until it's removed
    run = clef("labels", "remove", own, "grin", "shut")
    assert run.returncode == 0, run.stderr
    assert load_bundle(own).sha256 == load_bundle(open_bundle).sha256


def test_live_marks_what_was_added(clef: Clef, own: Path, film: Path) -> None:
    assert clef("labels", "add", own, "grin", "--prompt", "a grin").returncode == 0
    run = clef("live", film, "--bundle", own, "--plain", "--realtime", "--endpoint", "tcp://127.0.0.1:0")
    assert run.returncode == 0, run.stderr
    assert any(" grin* 0." in line or " grin* 1." in line for line in run.stdout.splitlines())


def test_out_leaves_the_bundle_as_it_was(call: Call, own: Path, tmp_path: Path) -> None:
    before = load_bundle(own).sha256
    assert call("labels", "add", own, "grin", "--prompt", "a grin", "--out", tmp_path / "new").returncode == 0
    assert (load_bundle(own).sha256, added(tmp_path / "new")) == (before, ["grin"])
    assert call("labels", "remove", tmp_path / "new", "grin", "--out", tmp_path / "x.clef").returncode == 0
    assert load_bundle(tmp_path / "x.clef").sha256 == before


def test_an_archive_is_changed_in_place(call: Call, own: Path, tmp_path: Path) -> None:
    archive = pack(own, tmp_path / "own.clef")
    assert call("labels", "add", archive, "grin", "--prompt", "a grin").returncode == 0
    assert added(archive) == ["grin"]


def test_a_bundle_that_has_only_a_name_needs_another_place(
    call: Call, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clef_rt.bundle.EMBEDDED", tmp_path)  # in it is `own`
    for arguments in (["add", "own", "grin", "--prompt", "a grin"], ["remove", "own", "grin"]):
        run = call("labels", *arguments)
        assert run.returncode == 2
        one_line(run.stderr, "'own' isn't a bundle of yours to change", "--out PATH")
    assert call("labels", "add", "own", "grin", "--prompt", "a grin", "--out", tmp_path / "my").returncode == 0
    assert added(own) == []


def test_a_copy_of_a_trained_label_is_warned_of(call: Call, own: Path) -> None:
    assert call("labels", "add", own, "grin", "--prompt", "a grin").returncode == 0
    run = call("labels", "add", own, "same", "--prompt", "a grin")
    assert run.returncode == 0
    assert "clef-rt: same will score nearly as grin does: the cosine of their texts is 1.00." in run.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["add", "grin"], "grin: needs `text` or `prompts`"),
        (["add"], "Give either NAME with --prompt, or --from FILE"),
        (["add", "grin", "--from", "x.yaml"], "Give either NAME"),
        (["add", "--from", "x.yaml", "--prompt", "x"], "--from excludes --text, --prompt"),
        (["add", "--from", "nosuch.yaml"], "There is no nosuch.yaml"),
        (["add", "AU12", "--prompt", "x"], "is an Action Unit's"),
        (["add", "AU01_L", "--prompt", "x"], "is an Action Unit's"),
        (["add", "happiness", "--prompt", "x"], "a trained label has this name"),
        (["add", "grin", "--prompt", "{}"], "--prompt: must be one line without braces"),
        (["add", "grin", "--prompt", "x", "--template", "no"], "--template: must be one line that has {} once"),
        (["add", "grin", "--prompt", "x", "--threshold", "1.5"], "--threshold: should be less than or equal to 1"),
        (["add", "grin", "--prompt", "x", "--try", "nosuch.jpg"], "There is no nosuch.jpg"),
        (["add", "grin", "--prompt", "x", "--against", "x"], "Label grin means what it's scored against"),
        (["remove", "AU01"], "AU01 can't be removed"),
        (["remove", "grin"], "There is no label grin"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(call: Call, own: Path, arguments: list[str], what: str) -> None:
    before = load_bundle(own).sha256
    run = call("labels", arguments[0], own, *arguments[1:])
    assert run.returncode == 2
    one_line(run.stderr, what)
    assert load_bundle(own).sha256 == before


def test_a_bundle_without_a_text_side_says_to_export_it_again(call: Call, bundle: Path) -> None:
    run = call("labels", "add", bundle, "grin", "--prompt", "a grin", "--out", bundle.with_name("new"))
    assert run.returncode == 2
    one_line(run.stderr, "can't embed texts", "python -m export bundle")


def test_a_full_disk_leaves_the_bundle_as_it_was(own: Path) -> None:
    """No file may grow beyond 1 KiB: as on a full disk, the write fails in the middle."""
    before = load_bundle(own).sha256
    typed = command("labels", "add", own, "grin", "--prompt", "a grin")
    limited = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *typed]
    run = subprocess.run(limited, capture_output=True, text=True, timeout=60, env=environment())
    assert run.returncode == 2, run.stderr
    one_line(run.stderr, str(own), "can't be written", "File too large")
    assert load_bundle(own).sha256 == before
    assert [path.name for path in own.parent.iterdir()] == ["own"]


def test_labels_list_shows_the_default(call: Call) -> None:
    run = call("labels", "list")
    assert run.returncode == 0
    assert "AU12" in run.stdout
