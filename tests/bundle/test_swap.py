"""A bundle that is replaced is the old one or the new one at every instant, whenever the process is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clef_rt.bundle import load_bundle
from clef_rt.bundle.write import write_bundle
from clef_rt.labels.label_set import remove_labels, write_labels
from tests.rigs.bundles import make_bundle, make_files, make_spec

# Forks for each instant: the child is killed before its n-th operation on a file, until one comes through.
KILLED = """
import os, signal, sys
from pathlib import Path
from clef_rt.bundle import load_bundle
from clef_rt.bundle.write import write_bundle
from clef_rt.labels.label_set import remove_labels

target, wanted = Path(sys.argv[1]), set(sys.argv[2:])
draft = remove_labels(load_bundle(target), ["wink"])
start = load_bundle(target)
files = {name: start.read(name) for name in start.spec.files}

def hook(event, arguments):
    global left
    if event.split(".")[0] in ("open", "os", "shutil", "ctypes"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

for instant in range(1, 1000):
    if load_bundle(target).sha256 != start.sha256:
        write_bundle(target, start.spec, files)
    child = os.fork()
    if child == 0:
        left = instant
        sys.addaudithook(hook)
        write_bundle(target, draft.spec, draft.files)
        os._exit(7)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert load_bundle(target).sha256 in wanted, instant
    if ended == 7:
        print(instant)
        break
    assert ended == -signal.SIGKILL, ended
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets two folders change places at once")
def test_a_kill_at_any_instant_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    old = make_bundle(tmp_path / "b")
    new = write_labels(remove_labels(old, ["wink"]), tmp_path / "other")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(old.path), old.sha256, new.sha256],
        capture_output=True, text=True, timeout=100, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_where_folders_can_not_change_places_the_old_one_steps_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clef_rt.bundle.write._exchange", lambda *_: False)
    make_bundle(tmp_path / "b")
    write_bundle(tmp_path / "b", make_spec(), {**make_files(), "NOTICE.txt": b"n"})
    assert "NOTICE.txt" in load_bundle(tmp_path / "b").spec.files
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
