"""How many frames a second each stage can do by itself, and all of them together."""

from __future__ import annotations

from typing import Final

from benchmarks.figures import dropped, lost, rate
from benchmarks.gather import CaseData, Gathered
from benchmarks.material import prepare
from benchmarks.model import ModelFacts
from benchmarks.plan import Plan, is_file, videos
from benchmarks.run import run
from benchmarks.stages import stages, timed
from clef_rt.analyzer import Analyzer
from clef_rt.errors import ConfigError

__all__ = ["RUNTIME", "measure_fps"]

RUNTIME: Final = "whole runtime"
_STAGE_SHARE: Final = 1 / 5  # of the time that the whole runtime gets
_WARMUP_SHARE: Final = 1 / 4


def measure_fps(plan: Plan, gathered: Gathered) -> None:
    """Measure; what there is at any time is in `gathered`.

    Raises:
        ClefError: the source, the model or a process fails.
    """
    if plan.source is not None and not is_file(plan.source):
        raise ConfigError("fps plays a video as fast as it can.", "Give a video file; `latency` takes cameras.")
    films = videos(plan)
    analyzer = plan.model.load(Analyzer)
    gathered.model = ModelFacts.of(analyzer, plan.model)
    alone = []
    for number, film in enumerate(films):
        material = prepare(film.path, analyzer, f"bench-{number}")
        case = CaseData(film.name, film.faces, "file", film.source, plan.each_s)
        gathered.add(case)
        alone.append((case, stages(material, analyzer)))
    for repeat in range(1, plan.repeats + 1):
        gathered.refer()
        for case, own in alone:
            plan.say(f"{repeat}/{plan.repeats}  {case.name}: each stage alone")
            for stage in own:
                seconds = plan.each_s * _STAGE_SHARE
                timed(stage, seconds * _WARMUP_SHARE)
                ms = timed(stage, seconds)
                case.add(stage.name, ms=ms, fps=1e3 / float(ms.mean()))
        for film in films:
            plan.say(f"{repeat}/{plan.repeats}  {film.name}: the whole runtime")
            _whole(plan, gathered, gathered[film.name], str(film.path))
            if gathered.interrupted:
                return


def _whole(plan: Plan, gathered: Gathered, case: CaseData, source: str) -> None:
    heard = run(source, plan.model, realtime=False, seconds=plan.each_s, warmup_s=plan.warmup_s)
    if heard is None or heard.interrupted:
        gathered.interrupted = True
    if heard is not None:
        case.add(RUNTIME, fps=rate(heard.rows))
        case.count(
            faces=float(heard.rows["faces"].mean()),
            frames=len(heard.rows),
            dropped=dropped(heard.rows),
            lost=lost(heard.rows),
            **heard.counts,
        )
