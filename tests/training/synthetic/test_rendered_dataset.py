"""The command: the same bytes from the same seed, exact labels, clean ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.__main__ import main
from training.manifest import au_columns, intensity_columns, read_manifest
from training.pictures import PictureReader
from training.synthetic import dataset
from training.synthetic.action_units import AUS, SIDED
from training.synthetic.activities import ACTIVITIES
from training.synthetic.performance import perform
from training.synthetic.studio import Studio
from training.synthetic.subjects import draw_subject

SIZE = 64


def command(facekit: Path, out: Path, **options: int) -> list[str]:
    words = ["synthetic", "--facekit", str(facekit), "--out", str(out), "--size", str(SIZE)]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def run(words: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


def test_splits_share_no_subject_and_none_is_empty() -> None:
    assert {name: dataset.split_of(60, 0).count(name) for name in ("train", "val", "test")} == {
        "train": 42,
        "val": 6,
        "test": 12,
    }
    for few in range(3, 12):
        assert set(dataset.split_of(few, 0)) == {"train", "val", "test"}
    assert len(dataset.split_of(1, 0)) == 1


def test_a_dataset_is_reproducible_and_its_labels_are_the_performance(
    studio: Studio, facekit: Path, tmp_path: Path
) -> None:
    plan = dataset.Plan(subjects=3, sequences=2, frames=3, seed=7)
    films = dataset.film_all(studio, plan)
    assert list(dataset.write(films, plan, SIZE, tmp_path / "one")) == [6, 12, 18]
    size = {"subjects": 3, "sequences_per_subject": 2, "frames": 3, "seed": 7}
    assert run(command(facekit, tmp_path / "two", **size, workers=2)) == 0
    for name in (dataset.IMAGES, dataset.MANIFEST):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()

    table = read_manifest(tmp_path / "two" / dataset.MANIFEST)
    assert len(table) == plan.pictures
    assert set(table["activity"]) <= ACTIVITIES.keys()
    sides = {f"{name}_{side}" for name in SIDED for side in "LR"}
    assert set(au_columns(table)) == set(AUS) | sides
    assert {name.removesuffix("_intensity") for name in intensity_columns(table)} == set(AUS) | sides
    for name in sides | set(AUS):
        assert (table[name] == (table[f"{name}_intensity"] >= 2)).all()
    for name in SIDED:
        larger = table[[f"{name}_L_intensity", f"{name}_R_intensity"]].max(axis=1)
        assert (table[f"{name}_intensity"] == larger).all()
    rng = np.random.default_rng((7, 3, 1, 1))  # subject 1, sequence 1
    subject = draw_subject(np.random.default_rng((7, 2, 1)))
    acted = perform(table["activity"].iloc[9], subject, plan.frames, rng).intensities
    for name in AUS:
        shown = acted.get(name, np.zeros((3, 2)))
        for column, values in {name: shown.max(axis=1), f"{name}_L": shown[:, 0], f"{name}_R": shown[:, 1]}.items():
            if column in (*AUS, *sides):
                np.testing.assert_allclose(table[f"{column}_intensity"].iloc[9:12], values, atol=0.006)
    picture = PictureReader(tmp_path / "two").read(table["path"].iloc[-1])
    assert picture.shape[:2] == (SIZE, SIZE)
    assert picture.std() > 5


def test_a_person_is_the_same_whoever_was_filmed_before(studio: Studio) -> None:
    plan = dataset.Plan(subjects=4, sequences=1, frames=2, seed=3)
    after_others = [pictures for pictures, _ in dataset.film_all(studio, plan)][3]
    alone, _ = dataset.film_subject(studio, plan, 3)
    np.testing.assert_array_equal(after_others, alone)


def test_another_seed_gives_other_people_and_colour_has_three_channels(studio: Studio, tmp_path: Path) -> None:
    tables = []
    for seed in (0, 1):
        plan = dataset.Plan(subjects=1, sequences=1, frames=2, seed=seed, colour=True)
        list(dataset.write(dataset.film_all(studio, plan), plan, SIZE, tmp_path / str(seed)))
        tables.append(pd.read_csv(tmp_path / str(seed) / dataset.MANIFEST))
    one, other = (np.load(tmp_path / str(seed) / dataset.IMAGES)["images"] for seed in (0, 1))
    assert one.shape == other.shape == (2, SIZE, SIZE, 3)
    assert np.abs(one.astype(int) - other).mean() > 5
    assert tables[0]["skin_tone"].iloc[0] != tables[1]["skin_tone"].iloc[0]


def test_ctrl_c_leaves_the_folder_as_it_was(
    studio: Studio, facekit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = dataset.film_all

    def interrupted(*arguments: object) -> Iterator[object]:
        yield next(real(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "film_all", interrupted)
    (tmp_path / dataset.MANIFEST).write_text("old")
    assert run(command(facekit, tmp_path, subjects=2, sequences_per_subject=1, frames=1)) == 130
    assert "stopped" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == [dataset.MANIFEST]
    assert (tmp_path / dataset.MANIFEST).read_text() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_stops_all_workers(studio: Studio, facekit: Path, tmp_path: Path) -> None:
    words = command(facekit, tmp_path / "out", subjects=400, workers=2)
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal's Ctrl-C reaches the workers, too
    )
    deadline = time.monotonic() + 60
    while len(_session(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped" in said
    assert "Traceback" not in said
    assert not _session(process.pid)


def _session(leader: int) -> list[int]:
    """The processes of a session that compute."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("content", [None, b"", b"no archive", "other"])
def test_a_wrong_kit_is_one_line(
    content: bytes | str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kit.npz"
    if content == "other":
        np.savez(path, images=np.zeros(3))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert run(["synthetic", "--facekit", str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "kit.npz" in said
    assert "Traceback" not in said


def test_nothing_to_write_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synthetic", "--facekit", str(tmp_path / "kit.npz")]) == 2
    assert "--out" in capsys.readouterr().err
