"""One worker: reads the pictures of a chunk, finds and aligns their faces, and asks the teacher."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clef_rt.align import face_template
from clef_rt.detect import load_detector
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.errors import ConfigError
from clef_rt.files import whole_file
from training.crops import MIN_PRESENCE, FaceFinder, around, cut_boxed, cut_tight
from training.pictures import Channels, PictureReader, luminance
from training.prepare.chunks import Row
from training.prepare.journal import Done
from training.teacher import AuTeacher

__all__ = ["Job", "Worker"]


@dataclass(frozen=True, slots=True)
class Job:
    """What all workers do.

    Attributes:
        root: the folder that paths are relative to.
        folder: where the journal is.
        size: side of the crops, px.
        channels: 1 for luminance, 3 for RGB.
        detector: finds the face of whole frames; None where pictures are tight.
        teacher: the model file of the teacher of Action Units; None without.
        skip_bad: pictures that can't be read are meant to be left out.
    """

    root: Path
    folder: Path
    size: int
    channels: Channels
    detector: str | None
    teacher: Path | None
    skip_bad: bool


class Worker:
    """Has all that a job needs. In a `with` block.

    Args:
        job: what to do.

    Raises:
        ClefError: the detector or the teacher can't be loaded.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stack = ExitStack()
        self._reader = self._stack.enter_context(PictureReader(job.root, channels=job.channels))
        self._net = LandmarkNet()
        self._template = face_template(job.size)
        self._finder = FaceFinder(load_detector(job.detector), self._net) if job.detector else None
        self._teacher = self._stack.enter_context(AuTeacher(job.teacher)) if job.teacher else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, rows: list[Row], crops: Path, tick: Callable[[], None]) -> Done:
        """Do a chunk and write it down.

        Args:
            rows: the chunk's.
            crops: where its crops go.
            tick: called after every row; may raise to stop.

        Raises:
            ConfigError: the disk is full, or the folder can't be written.
        """
        done = Done(rows[0].number, rows[-1].number + 1, [], [], [], [], [], self._job.skip_bad)
        out = np.zeros((1, self._job.size, self._job.size, self._job.channels), np.uint8)
        if self._finder is not None:
            self._finder.forget()  # so that the result doesn't hang on which worker did what before
        try:
            with whole_file(crops) as path, path.open("wb") as file:
                for row in rows:
                    if self._one(row, out, done):
                        file.write(out.data)
                    tick()
            done.write(self._job.folder)
        except OSError as error:
            raise ConfigError(
                f"{self._job.folder} can't be written: {error.strerror or error}.",
                "What is done is kept: once that is mended, the same command goes on.",
            ) from None
        return done

    def _one(self, row: Row, out: NDArray[np.uint8], done: Done) -> bool:
        """Read and align one picture; returns whether its crop in `out` is kept."""
        presence: float | None = None
        values: NDArray[np.float32] | None = None
        try:
            picture = self._reader.read(row.path)
        except ConfigError as error:
            done.bad.append((row.number, error.what.removeprefix(f"{row.path} ").rstrip(".")))
        else:
            box = np.array(row.box, np.float32) if row.box is not None else None
            if box is None and self._finder is not None:
                box = self._finder.find(luminance(picture), row.recording)
            if box is None and self._finder is not None:
                done.rejected.append((row.number, "no face was found"))
            elif box is not None and not around(picture, box).size:
                done.rejected.append((row.number, "its box lies outside of the picture"))
            else:
                presence = self._cut(picture, box, out)
                if presence is None:
                    done.rejected.append((row.number, "its landmarks are unlike a face's"))
                elif presence < MIN_PRESENCE and not row.needed:
                    done.rejected.append((row.number, "the landmark network sees no face, and the row only trains"))
                else:
                    done.kept.append(row.number)
                if self._teacher is not None:
                    face = luminance(picture)
                    values = self._teacher.values(face if box is None else around(face, box))
        done.presence.append(presence)
        if self._teacher is not None:
            done.values.append(values.tolist() if values is not None else None)
        return bool(done.kept) and done.kept[-1] == row.number

    def _cut(self, picture: NDArray[np.uint8], box: NDArray[np.float32] | None, out: NDArray[np.uint8]) -> float | None:
        try:
            if box is None:
                return cut_tight(picture, self._net, self._template, out)
            return cut_boxed(picture, box, self._net, self._template, out)
        except ValueError:  # the landmarks can't be aligned
            return None
