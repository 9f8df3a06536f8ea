"""The demo's clip: made from installed photographs, kept, made anew when damaged, full of faces to detect."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt import demo_clip, demo_scenes
from clef_rt.demo_clip import ensure_clip
from clef_rt.detect import load_detector
from clef_rt.errors import ClefError, MissingExtra
from clef_rt.picture import Picture

HAS_GROUP = importlib.util.find_spec("insightface") is not None


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole clip, as users get it."""
    return ensure_clip(cache_dir=tmp_path_factory.mktemp("clip"), say=lambda line: None)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips of 1.6 seconds."""
    monkeypatch.setattr(demo_scenes, "FRAMES", 48)


def hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    find = importlib.util.find_spec

    def find_others(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in packages else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_others)


def moments(path: Path, every: int) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [f.to_ndarray(format="bgr24") for i, f in enumerate(container.decode(video=0)) if i % every == 0]


def test_it_is_twenty_seconds_of_720p_at_30_frames_a_second(clip: Path) -> None:
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.average_rate) == (1280, 720, 30)
        stamps = [frame.pts * video.time_base for frame in container.decode(video)]
    assert len(stamps) == 600
    assert float(stamps[-1]) == pytest.approx(20 - 1 / 30)


def test_faces_enter_and_leave_at_sizes_of_a_camera(clip: Path) -> None:
    detector = load_detector("clef")
    found = [detector.detect(Picture.from_array(image)) for image in moments(clip, every=20)]
    counts = [len(faces) for faces in found]
    widths = np.concatenate([faces.boxes[:, 2] for faces in found])
    assert counts[0] == 0
    assert counts[-1] == 0
    assert counts.count(1) >= 5
    assert max(counts) >= (4 if HAS_GROUP else 2)
    assert 60 <= widths.min() < 130 < 180 < widths.max() <= 300


def test_nothing_jumps(clip: Path) -> None:
    with av.open(str(clip)) as container:
        small = [
            cv2.resize(frame.to_ndarray(format="gray"), (160, 90), interpolation=cv2.INTER_AREA).astype(np.int16)
            for frame in container.decode(video=0)
        ]
    steps = [float(np.abs(after - before).mean()) for before, after in pairwise(small)]
    for before, step, after in zip(steps, steps[1:], steps[2:], strict=False):
        assert step < 2 + 2 * max(before, after)
    assert np.median(steps) > 0.2


@pytest.mark.usefixtures("short")
def test_it_is_made_once(tmp_path: Path) -> None:
    lines: list[str] = []
    first = ensure_clip(cache_dir=tmp_path, say=lines.append)
    made = first.stat().st_mtime_ns
    assert any(line.startswith("Making the demo's clip") for line in lines)
    lines.clear()
    assert ensure_clip(cache_dir=tmp_path, say=lines.append) == first
    assert first.stat().st_mtime_ns == made
    assert not any(line.startswith("Making") for line in lines)
    assert list(tmp_path.iterdir()) == [first]


@pytest.mark.usefixtures("short")
def test_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    path = ensure_clip(cache_dir=tmp_path, say=lambda line: None)
    whole = path.read_bytes()
    for damaged in (b"", b"\x07" * len(whole), whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert not demo_clip._is_whole(path)
    assert ensure_clip(cache_dir=tmp_path, say=lambda line: None) == path
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 48


@pytest.mark.usefixtures("short")
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = demo_scenes.render

    def interrupted(photographs: dict[str, NDArray[np.uint8]]):  # type: ignore[no-untyped-def]
        pictures = real(photographs)
        for _ in range(20):
            yield next(pictures)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_scenes, "render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ensure_clip(cache_dir=tmp_path, say=lambda line: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("short")
def test_without_insightface_it_shows_one_person_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "insightface")
    lines: list[str] = []
    path = ensure_clip(cache_dir=tmp_path, say=lines.append)
    assert "pip install --no-deps insightface" in lines[0]
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 48


@pytest.mark.usefixtures("short")
def test_with_and_without_insightface_are_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not HAS_GROUP:
        pytest.skip("insightface isn't installed")
    whole = ensure_clip(cache_dir=tmp_path, say=lambda line: None)
    hide(monkeypatch, "insightface")
    assert ensure_clip(cache_dir=tmp_path, say=lambda line: None) != whole


def test_without_any_photograph_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "insightface", "skimage")
    with pytest.raises(MissingExtra, match=r"clef-rt\[demo\]"):
        ensure_clip(cache_dir=tmp_path, say=lambda line: None)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(ClefError, match=r"taken.*CLEF_RT_CACHE"):
        ensure_clip(cache_dir=tmp_path / "taken" / "cache", say=lambda line: None)


@pytest.mark.usefixtures("short")
def test_without_h264_it_is_mpeg4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx264"})
    path = ensure_clip(cache_dir=tmp_path, say=lambda line: None)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert sum(1 for _ in container.decode(video=0)) == 48


def test_finding_the_photographs_imports_neither_package() -> None:
    code = (
        "import sys; from clef_rt import demo_clip; assert demo_clip._find_photographs(); "
        "print([m for m in ('skimage', 'insightface') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
