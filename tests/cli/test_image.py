"""`clef-rt image`, on real photographs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Clef


@pytest.fixture
def folder(portrait: Path, tmp_path: Path) -> Path:
    """A portrait, a picture without a face, and a text that is none of its business."""
    import cv2
    import numpy as np

    folder = tmp_path / "[red]holiday"
    folder.mkdir()
    shutil.copy(portrait, folder / "10.png")
    cv2.imwrite(str(folder / "2.png"), np.full((64, 64, 3), 128, np.uint8))
    (folder / "notes.txt").write_text("x")
    return folder


def test_table_holds_a_row_for_each_face(
    call: Call, folder: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    run = call("image", folder.name, f"{folder.name}/10.png", "--bundle", bundle)
    assert run.returncode == 0, run.stderr
    header, *lines, experimental, added = run.stdout.splitlines()
    assert header.split()[-2:] == ["expression", "zero-shot"]
    assert experimental.startswith("? experimental")
    assert added.startswith("* zero-shot: defined by text alone")
    rows = [line.split() for line in lines]
    assert [row[0] for row in rows] == ["[red]holiday/2.png", "[red]holiday/10.png", "[red]holiday/10.png"]
    assert rows[0][1:] == ["no", "face"]
    assert rows[1] == rows[2]
    assert "AU12_L?" in rows[1]
    assert "wink*" in rows[1] or rows[1][-1] == "none"


def test_json_is_a_line_for_each_photograph(call: Call, folder: Path, bundle: Path) -> None:
    run = call("image", folder, "--bundle", bundle, "--json")
    without, with_face = (json.loads(line) for line in run.stdout.splitlines())
    assert (without["path"], without["faces"]) == (str(folder / "2.png"), [])
    assert (with_face["width"], with_face["height"]) == (512, 512)
    [face] = with_face["faces"]
    assert set(face) == {"box", "landmarks", "det_score", "quality", "aus", "expressions", "zero_shot"}
    assert list(face["aus"]) == ["AU01", "AU12_L"]
    assert sum(face["expressions"].values()) == pytest.approx(1, abs=1e-3)
    x, y, width, height = face["box"]
    assert 150 < x + width / 2 < 300  # the astronaut's face
    assert 60 < y + height / 2 < 200


def test_csv_is_a_line_for_each_face(call: Call, folder: Path, bundle: Path) -> None:
    run = call("image", folder, "--bundle", bundle, "--csv")
    [row] = csv.DictReader(io.StringIO(run.stdout))
    assert row["path"] == str(folder / "10.png")
    assert row["face"] == "0"
    for name in ("AU01", "AU12_L", "neutral", "happiness", "sadness", "wink"):
        assert 0 <= float(row[name]) <= 1


def test_what_is_wrong_is_told_and_the_rest_goes_on(clef: Clef, portrait: Path, bundle: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8nonsense")
    empty = tmp_path / "empty"
    empty.mkdir()
    run = clef("image", tmp_path / "nosuch.png", damaged, empty, portrait, "--bundle", bundle, "--json")
    assert run.returncode == 2
    assert [json.loads(line)["path"] for line in run.stdout.splitlines()] == [str(portrait)]
    told = run.stderr.splitlines()
    assert len(told) == 3
    assert all(line.startswith("clef-rt: ") for line in told)
    for path, what in [
        (empty, "holds no image"),
        (tmp_path / "nosuch.png", "There is no"),
        (damaged, "can't be decoded"),
    ]:
        assert any(str(path) in line and what in line for line in told)


def test_two_formats_are_one_too_many(call: Call, portrait: Path) -> None:
    run = call("image", portrait, "--json", "--csv")
    assert run.returncode == 2
    assert "--json and --csv exclude each other" in run.stderr


def test_real_photographs_of_several_faces(call: Call, shared_data: Path, bundle: Path) -> None:
    run = call("image", shared_data / "media" / "usgov", "--bundle", bundle, "--json")
    counts = {Path(line["path"]).name: len(line["faces"]) for line in map(json.loads, run.stdout.splitlines())}
    assert counts == {"obama.jpg": 1, "two_people.jpg": 2}
