"""One run of a table: trained, asked, kept. As a program: it is told runs' folders and answers how each went.

It takes a folder a line on its input and answers a line on its output. At its input's end, however its parent went, it
stops: what a run has learnt so far is kept.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Final

import torch
from rich.console import Console

from clef_rt.errors import ClefError
from training.config import CONFIG, RunConfig, read_config
from training.loop import LAST
from training.stage1 import train_stage1
from training.stage2 import train_stage2
from training.tables.cells import JOB, RESULT, Job
from training.tables.exams import sit

__all__ = ["OUTPUT", "run"]

OUTPUT: Final = "output.txt"


def run(folder: Path) -> str:
    """Do what a folder's `job.json` says, or go on with it.

    Returns:
        Nothing, or in a line why it failed.

    Raises:
        KeyboardInterrupt: it was stopped; what was learnt is kept.
    """
    with (folder / OUTPUT).open("a", encoding="utf-8") as output:
        try:
            _run(Job.model_validate_json((folder / JOB).read_text(encoding="utf-8")), folder, output)
        except KeyboardInterrupt:
            raise
        except Exception as error:  # of whatever kind: it is named, and the other cells go on
            traceback.print_exc(file=output)
            kind = "" if isinstance(error, (ClefError, FloatingPointError)) else f"{type(error).__name__}: "
            return " ".join(f"{kind}{error}".split()) or type(error).__name__
    return ""


def _run(job: Job, folder: Path, output: object) -> None:
    started = time.monotonic()
    console = Console(file=output, width=160)  # type: ignore[arg-type]
    resume = _begun(job, folder)
    train = train_stage1 if job.exam is None else train_stage2
    model = train(job.config, folder, resume=resume, console=console)
    found: dict[str, object] = {"name": job.name}
    if job.exam is not None:
        answers = sit(model, job.config, job.exam)
        scores = answers.scored.save(folder)
        found |= {"scores": scores.name, "thresholds": answers.thresholds, "extras": answers.extras}
    found |= {"seconds": round(time.monotonic() - started, 1), "resumed": resume}
    part = folder / f"{RESULT}.part"
    part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / RESULT)
    (folder / LAST).unlink(missing_ok=True)  # nothing goes on from here, and it is the largest file


def _begun(job: Job, folder: Path) -> bool:
    """Whether there is something to go on with; what was begun with data at another place is thrown away."""
    if not (folder / LAST).exists():
        return False
    same = (folder / CONFIG).exists() and RunConfig.of(read_config(folder / CONFIG)).same_run(job.config)
    if not same:
        (folder / LAST).unlink()
    return same


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed mustn't look like an answer
    torch.set_num_threads(1)
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    busy = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            told.put(line.strip())
        told.put(None)
        if busy.is_set():
            os.kill(os.getpid(), signal.SIGTERM)  # which the training loop takes as a wish

    threading.Thread(target=listen, daemon=True).start()
    while (folder := told.get()) is not None:
        busy.set()
        answer = run(Path(folder))
        busy.clear()
        print(json.dumps({"failed": answer}), file=answers, flush=True)


if __name__ == "__main__":
    try:
        _serve()
    except KeyboardInterrupt:
        sys.exit(130)
