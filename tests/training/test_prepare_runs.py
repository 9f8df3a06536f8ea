"""Preparing by several processes: stopped, killed, with the disk full, and gone on with; always the same result."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest
import skimage

from clef_rt.errors import ConfigError
from training.prepare import CROPS, FACTS, MANIFEST, REJECTED, Prepared, prepare
from training.prepare.chunks import chunks, rows_of
from training.prepare.journal import PARTIAL

ROWS = 1100
SIZE = 48
RUN = [sys.executable, "-m", "training"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,100 faces, each a little different; every tenth picture is noise. And their manifest."""
    folder = tmp_path_factory.mktemp("data")
    astronaut = cv2.imread(str(Path(skimage.__file__).parent / "data/astronaut.png"), cv2.IMREAD_GRAYSCALE)
    face = cv2.resize(astronaut[50:200, 155:300], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    images = np.clip(face + rng.normal(0, 6, (ROWS, SIZE, SIZE)), 0, 255).astype(np.uint8)
    images[::10] = rng.integers(0, 255, (len(images[::10]), SIZE, SIZE), np.uint8)
    np.savez(folder / "faces.npz", images=images)
    table(folder).to_parquet(folder / "manifest.parquet")
    return folder


def table(folder: Path) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "path": [f"faces.npz!{row}" for row in range(ROWS)],
            "subject": [f"s{row}" for row in range(ROWS)],
            "sequence": "",
            "frame": 0,
            "activity": "happiness",
            "split": ["train", "test"] * (ROWS // 2),
            "happiness": 1.0,
        }
    )


def command(data: Path, out: Path, *more: str) -> list[str]:
    return [*RUN, "prepare", str(data / "manifest.parquet"), "--data", str(data), "--out", str(out), *more]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared in one go, by this process alone."""
    out = tmp_path_factory.mktemp("whole")
    prepare(table(data), data, out, dataset="manifest", size=80, workers=1)
    return out


def same(one: Path, other: Path) -> None:
    for file in (CROPS, FACTS, REJECTED):
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    pd.testing.assert_frame_equal(pd.read_parquet(one / MANIFEST), pd.read_parquet(other / MANIFEST))
    for folder in (one, other):
        assert sorted(path.name for path in folder.iterdir()) == sorted([CROPS, FACTS, MANIFEST, REJECTED])


def until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < limit
        time.sleep(0.01)


def spawned(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The worker processes; without the one that multiprocessing keeps for itself."""
    return [each for each in psutil.Process(process.pid).children() if "spawn_main" in " ".join(each.cmdline())]


@pytest.fixture
def started(data: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process], Path]]:
    """A run with two workers that has its first chunk behind it, but not all."""
    arguments = command(data, tmp_path, "--workers", "2")
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: list((tmp_path / PARTIAL).glob("0*.json")), process)
            workers = psutil.Process(process.pid).children(recursive=True)
            assert len(workers) >= 2
            yield process, workers, tmp_path
        finally:
            process.kill()


def test_killed_and_gone_on_with(
    started: tuple[subprocess.Popen[str], list[psutil.Process], Path], data: Path, whole: Path
) -> None:
    process, workers, out = started
    process.kill()
    process.wait()
    assert not (out / FACTS).exists()
    with pytest.raises(ConfigError, match="isn't prepared"):
        Prepared.load(out)
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive  # no worker waits forever for a parent that is gone
    again = subprocess.run(command(data, out, "--workers", "1"), capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    assert "going on behind" in again.stderr
    same(out, whole)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_what_is_done(
    started: tuple[subprocess.Popen[str], list[psutil.Process], Path], data: Path, whole: Path
) -> None:
    process, workers, out = started
    for each in (process, *workers):  # as a terminal does: to all of them
        os.kill(each.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "rows are kept in" in said
    assert "Traceback" not in said
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert not list((out / PARTIAL).glob(".*"))  # no half files
    prepare(table(data), data, out, dataset="manifest", size=80, workers=1)
    same(out, whole)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_while_the_workers_start(data: Path, tmp_path: Path) -> None:
    arguments = command(data, tmp_path, "--workers", "2")
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: len(spawned(process)) == 2, process)
        time.sleep(0.3)  # they import
        for each in (process, *spawned(process)):
            os.kill(each.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert "rows are kept in" in said
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_the_disk_is_full(data: Path, tmp_path: Path, whole: Path) -> None:
    """A limit on files' size is what a write meets on a full disk, in the worker and again when all is joined."""
    for limit, left in ((1_000_000, 0), (3_000_000, 4)):
        script = (
            f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
            "from training.__main__ import main; main(sys.argv[1:])"
        )
        arguments = command(data, tmp_path, "--workers", "1")[3:]
        run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)
        assert run.returncode == 2
        assert "can't be written: File too large. What is done is kept" in run.stderr
        assert len(run.stderr.strip().splitlines()) == 1 + (left > 0 and "going on" in run.stderr)
        assert len(list((tmp_path / PARTIAL).glob("0*.json"))) >= left
        assert not (tmp_path / FACTS).exists()
    prepare(table(data), data, tmp_path, dataset="manifest", size=80, workers=1)
    same(tmp_path, whole)


@pytest.mark.parametrize("moment", ["copyfileobj", "to_csv"])
def test_killed_at_the_end(
    data: Path, tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whichever step is the last: done again, it goes on, and till then nobody takes the folder for whole."""
    owner: Any = shutil if moment == "copyfileobj" else pd.DataFrame
    real, calls = getattr(owner, moment), []

    def broken(*args: Any, **kwargs: Any) -> None:
        calls.append(moment)
        if len(calls) == (3 if moment == "copyfileobj" else 1):
            raise KeyboardInterrupt
        real(*args, **kwargs)

    (tmp_path / FACTS).write_text("{}")  # of a preparation before, which is to be replaced
    with monkeypatch.context() as patch:
        patch.setattr(owner, moment, broken)
        with pytest.raises(KeyboardInterrupt):
            prepare(table(data), data, tmp_path, dataset="manifest", size=80, workers=1)
    assert moment == "copyfileobj" or not (tmp_path / FACTS).exists()
    prepare(table(data), data, tmp_path, dataset="manifest", size=80, workers=1)
    same(tmp_path, whole)


def test_a_worker_that_dies(started: tuple[subprocess.Popen[str], list[psutil.Process], Path]) -> None:
    process, _, _ = started
    spawned(process)[0].kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "A worker process died. If memory ran out, take fewer --workers." in said
    assert "Traceback" not in said


def test_other_settings(data: Path, tmp_path: Path) -> None:
    few = table(data).iloc[:30]
    prepare(few, data, tmp_path, dataset="few", size=32)
    changed = (tmp_path / CROPS).stat().st_mtime_ns
    prepare(few, data, tmp_path, dataset="few", size=32)
    assert (tmp_path / CROPS).stat().st_mtime_ns == changed  # prepared already
    with pytest.raises(ConfigError, match=r"holds few, 32 px, .* --restart"):
        prepare(few, data, tmp_path, dataset="few", size=48)
    assert prepare(few, data, tmp_path, dataset="few", size=48, restart=True).crops.shape[1:] == (48, 48, 1)

    begun = tmp_path / "begun"
    bad = few.assign(path=[*few["path"].iloc[:-1], "faces.npz!9999"])
    with pytest.raises(ConfigError, match="1 of 30"):
        prepare(bad, data, begun, dataset="few", size=32)
    with pytest.raises(ConfigError, match=r"another size 32, now 48\. .* --restart"):
        prepare(bad, data, begun, dataset="few", size=48)
    with pytest.raises(ConfigError, match="begun with another manifest"):
        prepare(few, data, begun, dataset="few", size=32)
    assert prepare(few, data, begun, dataset="few", size=48, restart=True).facts.size == 48


def test_no_room(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=200_000_000))
    with pytest.raises(ConfigError, match=r"needs 1\.0 GB, and 0\.2 GB are free"):
        prepare(table(data), data, tmp_path, dataset="m", size=512, channels=3)


def test_chunks_hold_videos_and_recordings_together() -> None:
    paths = [f"a.avi!{i}" for i in range(700)] + [f"{i}.jpg" for i in range(600)] + [f"b.mp4!{i}" for i in range(5000)]
    manifest = pd.DataFrame({"path": paths, "sequence": "", "split": "train"})
    manifest.loc[700:900, "sequence"] = "one recording"
    rows = rows_of(manifest, "m")
    cut = chunks(rows)
    assert [row for chunk in cut for row in chunk] == rows
    assert [len(chunk) for chunk in cut] == [700, 256, 256, 2048, 2048, 992]
    assert max(map(len, chunks(rows, target=1, most=100))) == 100
