"""Real runs of the command line, on films of real photographs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from clef_rt.cli import main
from tests.cli.running import Called, command, environment
from tests.rigs.bundles import make_bundle

FILM_FRAMES = 40
FILM_FPS = 30

Clef = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]
Call = Callable[..., Called]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny real bundle: 2 Action Units, 3 expressions, 1 zero-shot label."""
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    make_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph with one face, NASA's portrait of Eileen Collins."""
    import cv2

    data = pytest.importorskip("skimage.data")
    path = tmp_path_factory.mktemp("photographs") / "portrait.png"
    cv2.imwrite(str(path), data.astronaut()[..., ::-1])
    return path


@pytest.fixture(scope="session")
def film(portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames at 30 fps of the portrait, moved to and fro."""
    import cv2

    image = np.asarray(cv2.imread(str(portrait)), np.uint8)
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FILM_FPS)
        stream.width = stream.height = 480
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast"}
        for index in range(FILM_FRAMES):
            shift = 16 + round(12 * np.sin(index / 8))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[16:496, shift : shift + 480]), format="bgr24")
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs the command line in this process: quicker, for what is wrong before anything runs."""

    def run(*arguments: object) -> Called:
        interval, handler = sys.getswitchinterval(), signal.getsignal(signal.SIGINT)
        monkeypatch.setattr(sys, "argv", ["clef-rt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        sys.setswitchinterval(interval)
        signal.signal(signal.SIGINT, handler)
        assert isinstance(ended.value.code, int)
        return Called(ended.value.code, *capfd.readouterr())

    return run


@pytest.fixture
def clef() -> Clef:
    """Runs the command line to its end."""

    def run(*arguments: object, timeout: float = 60, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments), capture_output=True, text=True, timeout=timeout, env=environment(), **more
        )

    return run


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the command line; kills at the end what then still runs."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object, **more: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        process = subprocess.Popen(command(*arguments), text=True, env=environment(), **pipes)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
