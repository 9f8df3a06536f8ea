"""How old scores are when they reach a subscriber, at the source's own pace."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from benchmarks.figures import PICTURE, STAMP, dropped, lost, parts, rate, stamp_age
from benchmarks.gather import CaseData, Gathered
from benchmarks.plan import Plan, Video, is_file, videos
from benchmarks.report import SourceFacts
from benchmarks.run import Heard, run
from clef_rt.errors import ConfigError
from clef_rt.sources import redact

if TYPE_CHECKING:
    from benchmarks.rtsp import FaceCamera

__all__ = ["VIAS", "Via", "measure_latency"]

Via = Literal["file", "rtsp"]
VIAS: Final[tuple[Via, ...]] = ("file", "rtsp")


def measure_latency(plan: Plan, gathered: Gathered, vias: Sequence[Via]) -> None:
    """Measure; what there is at any time is in `gathered`.

    Args:
        plan: what to measure.
        gathered: gets the figures.
        vias: how files are played: by the runtime itself at their own pace, or by a local RTSP camera. None stands for
            both, without RTSP where it can't be had.

    Raises:
        ClefError: the source, the model or a process fails.
    """
    live = plan.source is not None and not is_file(plan.source)
    if live and vias:
        raise ConfigError("A live source comes as it is.", "Leave --via out.")
    films = [] if live else videos(plan)
    with ExitStack() as stack:
        routes = [_Route(plan, None)] if live else _routes(plan, films, vias, stack)
        for repeat in range(1, plan.repeats + 1):
            gathered.refer()
            for route in routes:
                plan.say(f"{repeat}/{plan.repeats}  {route.name}: {plan.each_s:g} s")
                route.measure(gathered)
                if gathered.interrupted:
                    return


class _Route:
    """One source on its way to a subscriber.

    Args:
        plan: what to measure.
        film: the file; None for the plan's own live source.
        camera: shows the film, if it is to come by RTSP.
    """

    def __init__(self, plan: Plan, film: Video | None, camera: FaceCamera | None = None) -> None:
        self._plan = plan
        self._film = film
        self._camera = camera
        self._via = "as it is" if film is None else "file in real time" if camera is None else "rtsp"
        self.name = redact(plan.source or "") if film is None else f"{film.name}, {self._via}"

    def measure(self, gathered: Gathered) -> None:
        """One repeat."""
        plan, film, camera = self._plan, self._film, self._camera
        source = camera.url if camera else str(film.path) if film else str(plan.source)
        heard = run(
            source,
            plan.model,
            realtime=True,
            seconds=plan.each_s,
            warmup_s=plan.warmup_s,
            camera_pid=camera.pid if camera else None,
        )
        if heard is None or heard.interrupted:
            gathered.interrupted = True
        if heard is None:
            return
        gathered.model = heard.model
        if self.name not in gathered:
            gathered.add(self._case(heard))
        _add(gathered[self.name], heard)

    def _case(self, heard: Heard) -> CaseData:
        first = heard.rows[0]
        source = (
            self._film.source
            if self._film
            else SourceFacts(name=self.name, width=int(first["width"]), height=int(first["height"]))
        )
        faces = self._film.faces if self._film else None
        return CaseData(self.name, faces, self._via, source, self._plan.each_s, drawn=frozenset({STAMP, PICTURE}))


def _routes(plan: Plan, films: Sequence[Video], vias: Sequence[Via], stack: ExitStack) -> list[_Route]:
    routes = [_Route(plan, film) for film in films] if not vias or "file" in vias else []
    if vias and "rtsp" not in vias:
        return routes
    reason = _no_rtsp()
    if reason and vias:
        raise ConfigError(
            f"There is no RTSP server here: {reason}.", "tests/rigs/install-rtsp.sh installs it on Debian."
        )
    if reason:
        plan.say(f"without RTSP: {reason}")
        return routes
    from benchmarks.rtsp import FaceCamera

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clef-rt-bench-")))
    for film in films:
        camera = stack.enter_context(FaceCamera(film.path, film.source.fps or 25, folder))
        routes.append(_Route(plan, film, camera))
    return routes


def _no_rtsp() -> str:
    try:
        from benchmarks.rtsp import missing
    except ImportError:
        return "the tests' camera isn't importable; run it in the repository's root"
    return missing()


def _add(case: CaseData, heard: Heard) -> None:
    rows = heard.rows
    case.add("camera", ms=heard.camera_ms)
    for name, ms in parts(rows).items():
        case.add(name, ms=ms)
    case.add(STAMP, ms=stamp_age(rows), fps=rate(rows))
    case.add(PICTURE, ms=heard.age_ms)
    case.count(
        faces=float(rows["faces"].mean()), frames=len(rows), dropped=dropped(rows), lost=lost(rows), **heard.counts
    )
