"""What to measure: the options of the command line, checked, and the videos they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.clips import make_clip
from benchmarks.model import ModelOptions
from benchmarks.report import SourceFacts
from benchmarks.scene import MAX_FACES
from clef_rt.errors import ConfigError
from clef_rt.files import sha256_of
from clef_rt.sources import Kind, SourceUri, open_source

__all__ = ["FACES", "Plan", "Video", "is_file", "probe", "videos"]

FACES: Final = (1, 4)
_CLIP_S: Final = 30.0
_WARMUP_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Video:
    """A file to be measured.

    Attributes:
        name: for tables.
        path: of the file.
        faces: in each frame; None if nobody knows.
        source: its facts.
    """

    name: str
    path: Path
    faces: int | None
    source: SourceFacts


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        source: of the user; None for clips of our own.
        faces: in the clips; empty for 1 and 4.
        seconds: of each case, over all repeats.
        repeats: in turn with the other cases, so that a change of the machine hits all alike.
        model: which model.
        say: called with a line for the user at each step.
        clip_s: the clips' length.
        folder: where clips are kept; the user's cache if None.
    """

    source: str | None
    faces: Sequence[int]
    seconds: float
    repeats: int
    model: ModelOptions
    say: Callable[[str], None]
    clip_s: float = _CLIP_S
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.source is not None and self.faces:
            raise ConfigError("A SOURCE has its own faces.", "Give either SOURCE or --faces.")
        if wrong := [faces for faces in self.faces if not 1 <= faces <= MAX_FACES]:
            raise ConfigError(f"--faces is {wrong[0]}.", f"Give a number from 1 to {MAX_FACES}.")

    @property
    def each_s(self) -> float:
        """Seconds of one repeat."""
        return self.seconds / self.repeats

    @property
    def warmup_s(self) -> float:
        """Seconds before each run of the whole runtime, not counted."""
        return min(_WARMUP_S, self.each_s)


def videos(plan: Plan) -> list[Video]:
    """The user's file, or the clips, made where they aren't there yet.

    Raises:
        ClefError: the file can't be read, or a clip can't be made.
    """
    if plan.source is not None:
        path = Path(SourceUri.parse(plan.source).reveal()).expanduser().absolute()
        if path.is_dir():
            raise ConfigError(f"{path} is a folder.", "Give a video file.")
        return [Video(path.name, path, None, probe(path))]
    found = []
    for faces in dict.fromkeys(plan.faces or FACES):
        plan.say(f"a clip with {_count(faces)}; made on first use")
        path = make_clip(faces, plan.clip_s, folder=plan.folder)
        found.append(Video(_count(faces), path, faces, probe(path)))
    return found


def probe(path: Path) -> SourceFacts:
    """The facts of a video file.

    Raises:
        SourceError: it can't be decoded.
        ConfigError: it is a single picture.
    """
    with open_source(path) as source:
        first, *more = islice(source, 2)
        if not more:
            raise ConfigError(f"{path} is a single picture.", "Give a video file.")
        return SourceFacts(
            name=path.name,
            sha256=sha256_of(path),
            width=first.picture.width,
            height=first.picture.height,
            fps=source.nominal_fps,
        )


def is_file(source: str) -> bool:
    """Whether a source is a file, or would be if it existed."""
    return SourceUri.parse(source).kind is Kind.PATH


def _count(faces: int) -> str:
    return f"{faces} face{'s' if faces > 1 else ''}"
