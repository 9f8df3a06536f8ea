"""`python -m benchmarks detectors`: how many faces each finds, at how many false ones, and in what time."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.cascade import CascadeDetector
from benchmarks.detectors_report import Contender, DetectorsReport, SetFigures, Speed
from benchmarks.machine import Busy, Machine, now, versions
from clef_rt.detect import Detector, load_detector
from clef_rt.detect.clef import ClefDetector
from clef_rt.errors import ConfigError
from clef_rt.picture import Picture
from training.detector.measure import Case, Figures, composites, look, measure, photographs

__all__ = ["measure_detectors"]

_RANKED: Final = 0.01  # the lowest score looked at, so that all false faces are there to be counted
_FRAMES: Final = {"720p": (1280, 720), "1080p": (1920, 1080)}
_OWN: Final = "clef"
_PACKAGES: Final = ("insightface", "mediapipe", "scikit-image", "scikit-learn")

_THRESHOLDS: Final = {_OWN: 0.5, "cascade": 0.5, "yunet": 0.6, "scrfd": 0.5}
"""Each detector's own."""

Maker = Callable[[float], Detector]
"""Makes a detector with a threshold."""


def measure_detectors(
    data: Path, *, sheets: int, repeats: int, command: str, say: Callable[[str], None]
) -> DetectorsReport:
    """All detectors whose files are at hand, on the same pictures.

    Args:
        data: folder with `media`, `real_faces`, `mediapipe`, `yunet` and `scrfd_noncommercial`; each may be missing.
        sheets: pictures made up of faces and backgrounds.
        repeats: rounds of timing.
        command: as it can be given again.
        say: told what is done.

    Raises:
        ConfigError: there is nothing to look at.
    """
    busy = Busy()
    makers = _makers(data, say)
    sets = _sets(data, sheets, say)
    contenders = []
    for name, make in makers.items():
        say(f"{name}: {sum(len(cases) for cases in sets.values())} pictures")
        default, ranked = _THRESHOLDS[name], make(_RANKED)
        figures = {title: measure(look(ranked, cases), cases, default) for title, cases in sets.items()}
        found = {title: _set_figures(one) for title, one in figures.items()}
        contenders.append(Contender(name=name, threshold=default, sets=found))
    say("time")
    speeds = _speeds({name: make(_THRESHOLDS[name]) for name, make in makers.items()}, _frames(sets), repeats)
    for contender in contenders:
        contender.ms = speeds[contender.name]
    present = {name: importlib.metadata.version(name) for name in _PACKAGES if importlib.util.find_spec(_module(name))}
    return DetectorsReport(
        date=now(),
        command=command,
        machine=Machine.this(),
        versions=versions() | present,
        others_cores=round(busy.others(), 2),
        contenders=contenders,
    )


def _makers(data: Path, say: Callable[[str], None]) -> dict[str, Maker]:
    """The detectors that can be built here."""
    makers: dict[str, Maker] = {
        _OWN: lambda threshold: ClefDetector(threshold=threshold),
        "cascade": lambda threshold: CascadeDetector(threshold=threshold),
    }
    files = {"yunet": "yunet/yunet_s_640_640.onnx", "scrfd": "scrfd_noncommercial/scrfd_500m_bnkps.onnx"}
    for kind, file in files.items():
        if not (data / file).is_file():
            say(f"{kind} is left out: {file} isn't there")
        elif kind == "scrfd" and importlib.util.find_spec("insightface") is None:
            say("scrfd is left out: insightface isn't installed")
        else:
            makers[kind] = _loader(f"{kind}:{data / file}")
    return makers


def _loader(name: str) -> Maker:
    return lambda threshold: load_detector(name, threshold=threshold)


def _sets(data: Path, sheets: int, say: Callable[[str], None]) -> dict[str, list[Case]]:
    sets = {name: cases for name, cases in photographs(data).items() if any(len(case.boxes) for case in cases)}
    try:
        sets["composites"] = composites(data, sheets)
    except (ConfigError, FileNotFoundError) as error:
        say(f"composites are left out: {error}")
    if not sets:
        raise ConfigError("There is no photograph to look at.", "pip install 'clef-rt[demo]' brings one.")
    return sets


def _set_figures(figures: Figures) -> SetFigures:
    values = asdict(figures)
    for key in ("recall", "threshold"):
        values[key] = {f"{rate:g}": round(value, 4) for rate, value in values[key].items()}
    values["parts"] = {name: (round(recall, 4), count) for name, (recall, count) in values["parts"].items()}
    return SetFigures.model_validate(values)


def _frames(sets: Mapping[str, Sequence[Case]]) -> dict[str, list[av.VideoFrame]]:
    """Frames as a decoder gives them, of the sizes that are timed."""
    cases = sets.get("composites") or next(iter(sets.values()))
    frames: dict[str, list[av.VideoFrame]] = {}
    for name, size in _FRAMES.items():
        frames[name] = []
        for case in cases[:12]:
            image = np.asarray(cv2.resize(case.image, size, interpolation=cv2.INTER_AREA), np.uint8)
            colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
            frames[name].append(av.VideoFrame.from_ndarray(colour, format="bgr24").reformat(format="yuv420p"))
    return frames


def _speeds(
    detectors: Mapping[str, Detector], frames: Mapping[str, Sequence[av.VideoFrame]], repeats: int
) -> dict[str, dict[str, Speed]]:
    """Milliseconds of one search, from the decoded frame; all detectors take turns at each frame, on one core."""
    times: dict[tuple[str, str], list[float]] = {}
    with _one_core():
        for turn in range(repeats + 1):  # the first warms up
            for size, pictures in frames.items():
                for frame in pictures:
                    for name, detector in detectors.items():
                        begun = time.perf_counter_ns()
                        detector.detect(Picture.from_av(frame))
                        if turn:
                            times.setdefault((name, size), []).append((time.perf_counter_ns() - begun) / 1e6)
    speeds: dict[str, dict[str, Speed]] = {}
    for (name, size), own in times.items():
        speeds.setdefault(name, {})[size] = _speed(np.array(own), np.array(times[_OWN, size]))
    return speeds


def _speed(own: NDArray[np.float64], ours: NDArray[np.float64]) -> Speed:
    return Speed(
        median=round(float(np.median(own)), 3),
        low=round(float(np.quantile(own, 0.1)), 3),
        high=round(float(np.quantile(own, 0.9)), 3),
        ratio=round(float(np.median(own / ours)), 3),  # of the same frame in the same turn, so noise cancels
    )


@contextmanager
def _one_core() -> Iterator[None]:
    """All engines on one core, whatever number of threads each would take."""
    before, threads = (os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None), cv2.getNumThreads()
    cv2.setNumThreads(1)
    if before is not None:
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if before is not None:
            os.sched_setaffinity(0, before)


def _module(package: str) -> str:
    return {"scikit-image": "skimage", "scikit-learn": "sklearn"}.get(package, package)
