"""The demo's video: made on first use from photographs that installed packages carry, and kept in the user's cache.

CLEF-RT itself ships no photograph. scikit-image brings a public-domain portrait of an astronaut; insightface brings a
group of six and a portrait. Their files are read where they lie: neither package is imported, nor has to be importable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clef_rt import demo_scenes as scenes
from clef_rt.errors import ClefError, MissingExtra
from clef_rt.files import cache_folder, installed_file, whole_file

__all__ = ["ensure_clip"]

# Where each photograph lies: the package, and the path inside it.
_PHOTOGRAPHS: Final = {
    scenes.ASTRONAUT: ("skimage", "data/astronaut.png"),
    scenes.GROUP: ("insightface", "data/images/t1.jpg"),
    scenes.PORTRAIT: ("insightface", "data/images/Tom_Hanks_54745.png"),
}

_VERSION: Final = 1  # raise it when demo_scenes draws something else
_CODECS: Final = (
    ("libx264", {"preset": "veryfast", "crf": "20", "bf": "0", "g": str(scenes.FPS)}),
    ("mpeg4", {"qscale": "3"}),  # libav's own; in every build
)


def ensure_clip(*, cache_dir: Path | None = None, say: Callable[[str], None]) -> Path:
    """The demo's clip: 20 s of 720p at 30 frames a second with none to six faces. Made if it isn't there.

    It takes about ten seconds to make, and is kept. It appears under its name only once it is whole, so an
    interruption or two processes at once do no harm; a damaged one is made anew.

    Args:
        cache_dir: where to keep it; by default the cache that `clef_rt.files.cache_folder` names.
        say: called with a line for the user at each step that takes time, or that leaves something out.

    Returns:
        The path of a video file.

    Raises:
        MissingExtra: no photograph is installed.
        ClefError: the cache can't be written, or this PyAV can't encode video.
    """
    import av

    photographs = _find_photographs()
    if not photographs.keys() & {scenes.ASTRONAUT, scenes.PORTRAIT}:
        raise MissingExtra("scikit-image, whose photograph the demo shows,", "demo")
    if scenes.GROUP not in photographs:
        say("insightface isn't installed, so the clip shows one person. For seven: pip install --no-deps insightface")
    folder = cache_dir if cache_dir is not None else cache_folder()
    path = folder / f"demo-{_VERSION}-{_digest(photographs)}.mp4"
    if _is_whole(path):
        return path
    say("Making the demo's clip from the sample photographs of " + " and ".join(_packages(photographs)) + " …")
    try:
        with whole_file(path) as partial:
            _write(partial, {label: _read(file) for label, file in photographs.items()})
            if not _is_whole(partial):
                raise ClefError("The demo's clip can't be read back after writing it.", "Is the disk full?")
    except (OSError, av.FFmpegError) as cause:
        raise ClefError(
            f"The demo's clip can't be written to {folder}: {cause.strerror}.",
            "Set CLEF_RT_CACHE to another folder.",
        ) from cause
    say(f"Kept as {path}")
    return path


def _find_photographs() -> dict[str, Path]:
    found = {label: installed_file(package, inside) for label, (package, inside) in _PHOTOGRAPHS.items()}
    return {label: file for label, file in found.items() if file is not None}


def _packages(photographs: Mapping[str, Path]) -> list[str]:
    names = {"skimage": "scikit-image"}
    return list(dict.fromkeys(names.get(_PHOTOGRAPHS[label][0], _PHOTOGRAPHS[label][0]) for label in photographs))


def _digest(photographs: Mapping[str, Path]) -> str:
    """Eight hex digits that change when another photograph is found."""
    digest = hashlib.sha256()
    for label, file in sorted(photographs.items()):
        digest.update(f"{label} {file.stat().st_size} ".encode())
    return digest.hexdigest()[:8]


def _read(file: Path) -> NDArray[np.uint8]:
    from clef_rt.sources import open_source

    with open_source(file) as source:
        return next(iter(source)).picture.bgr()


def _write(path: Path, photographs: Mapping[str, NDArray[np.uint8]]) -> None:
    import av
    from rich.console import Console
    from rich.progress import track

    codec, options = next(((name, o) for name, o in _CODECS if name in av.codecs_available), ("", {}))
    if not codec:
        raise ClefError("This PyAV can encode neither H.264 nor MPEG-4.", "Install its wheel: pip install --force av")
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=scenes.FPS, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = scenes.SIZE
        stream.pix_fmt = "yuv420p"
        console = Console(stderr=True)
        pictures, hidden = scenes.render(photographs), not console.is_terminal
        for picture in track(
            pictures, "The clip", total=scenes.FRAMES, console=console, transient=True, disable=hidden
        ):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode())


def _is_whole(path: Path) -> bool:
    """Whether the file says that it holds all frames, and the first and the last can be decoded."""
    import av

    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            if video.frames != scenes.FRAMES or video.duration is None:
                return False
            next(container.decode(video))
            container.seek(video.duration - 1, stream=video)
            return sum(1 for _ in container.decode(video)) > 0
    except (av.FFmpegError, OSError, IndexError, StopIteration):
        return False
