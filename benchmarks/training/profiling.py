"""Which operators a step's time goes to, by PyTorch's profiler."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.training.report import Operator
from benchmarks.training.step import StageRun

__all__ = ["profile_stage"]

_STEPS: Final = 3
_WARM_UP: Final = 2
_ROWS: Final = 15


def profile_stage(run: StageRun, batch: int, trace: Path) -> list[Operator]:
    """Run five steps under the profiler, and write its trace.

    Args:
        run: the stage.
        batch: faces a step.
        trace: the file to write, `.json.gz`.

    Returns:
        The operators with the most time of their own: the GPU's where there is one.
    """
    cuda = run.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    profiler = profile(activities=activities, acc_events=True)
    run.run(batch, _STEPS, _WARM_UP, around=lambda: profiler)
    trace.parent.mkdir(parents=True, exist_ok=True)
    profiler.export_chrome_trace(str(trace))
    events = profiler.key_averages()
    times = [event.self_device_time_total if cuda else event.self_cpu_time_total for event in events]
    total = max(sum(times), 1e-9)
    steps = _STEPS + _WARM_UP
    order = sorted(range(len(times)), key=lambda index: -times[index])[:_ROWS]
    if cuda:
        torch.cuda.synchronize()
    return [
        Operator(
            name=events[index].key,
            self_ms=round(times[index] / 1000 / steps, 4),
            share=round(times[index] / total, 4),
            calls=round(events[index].count / steps, 1),
        )
        for index in order
    ]
