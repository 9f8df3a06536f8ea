"""The examples that know nothing of clef_rt read what it publishes."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from clef_rt.publish import Publisher
from tests.rigs import messages

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
EXPECTED = "face 7 AU12=0.90 happiness"


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A publisher of the cameras door and door2."""
    stop = threading.Event()
    with Publisher("tcp://127.0.0.1:0", hellos=[messages.hello("door"), messages.hello("door2")]) as publisher:

        def publish() -> None:
            for seq in itertools.count():
                if stop.wait(0.02):
                    return
                publisher.publish(messages.fresh("door2", seq))
                publisher.publish(messages.fresh("door", seq))

        thread = threading.Thread(target=publish)
        thread.start()
        yield publisher.endpoint
        stop.set()
        thread.join()


def lines(command: Sequence[str | Path], folder: Path, count: int) -> list[str]:
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        guard = threading.Timer(20, process.kill)
        guard.start()
        try:
            return [line.rstrip() for line in itertools.islice(process.stdout, count)]
        finally:
            guard.cancel()
            process.kill()


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """A copy of the Node example with its packages, kept between runs."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm aren't installed")
    folder = ROOT / ".cache" / "example-node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(EXAMPLES / "node", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    if not (folder / "node_modules" / "zeromq").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=90)
        except (subprocess.SubprocessError, OSError):
            pytest.skip("npm can't install zeromq here")
    return folder


def check(read: list[str], camera: str) -> None:
    assert len(read) == 5
    for line in read:
        assert line.split()[0] == camera
        assert line.endswith(EXPECTED)
    seqs = [int(line.split()[1]) for line in read]
    assert seqs == list(range(seqs[0], seqs[0] + 5))


def test_plain_python_reads_one_camera_and_not_its_namesake(endpoint: str) -> None:
    script = EXAMPLES / "subscribe_plain.py"
    assert "import clef_rt" not in script.read_text("utf-8")
    check(lines([sys.executable, script, endpoint, "door"], EXAMPLES, 5), "door")


def test_plain_python_reads_all_cameras(endpoint: str) -> None:
    read = lines([sys.executable, EXAMPLES / "subscribe_plain.py", endpoint], EXAMPLES, 20)
    assert {line.split()[0] for line in read} == {"door", "door2"}


def test_node_reads_one_camera_and_not_its_namesake(endpoint: str, node_folder: Path) -> None:
    check(lines(["node", "subscribe.js", endpoint, "door"], node_folder, 5), "door")
