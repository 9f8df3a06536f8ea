"""Runs of a table, some at a time: each in a process with one thread, which is how small networks train fastest."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from training.tables.cells import JOB, RESULT, Job, run_folder

__all__ = ["Process", "run_jobs", "unfinished"]

Done = Callable[[Job, str], None]
"""Told of each run that ended, and in a line why it failed, or nothing."""


def unfinished(jobs: Mapping[str, Job], out: Path) -> dict[str, Job]:
    """Those that a table still needs: a stage 1 whose cells are all there isn't run again."""
    left = {name: job for name, job in jobs.items() if not (run_folder(out, name) / RESULT).exists()}
    needed = {job.needs for job in left.values()}
    return {name: job for name, job in left.items() if job.exam is not None or name in needed}


def run_jobs(jobs: Mapping[str, Job], out: Path, *, workers: int, done: Done) -> dict[str, str]:
    """Run all, each as soon as what it starts from is there.

    Args:
        jobs: unfinished ones, in the order to take them in.
        out: the table's folder.
        workers: processes; 0 to run one after the other in this process, with all its threads.
        done: called for each, from any thread.

    Returns:
        By digest, in a line each, why runs failed. The others went on.

    Raises:
        KeyboardInterrupt: Ctrl-C; finished runs and what the others have learnt are kept.
    """
    for name, job in jobs.items():
        folder = run_folder(out, name)
        folder.mkdir(parents=True, exist_ok=True)
        start = run_folder(out, job.needs) if job.needs else None
        ready = job.model_copy(update={"config": job.config.model_copy(update={"start": start})})
        (folder / JOB).write_text(ready.model_dump_json(indent=1) + "\n", encoding="utf-8")
    queue = _Queue(jobs, out, done)
    if workers == 0:
        from training.tables.worker import run

        queue.work(run)
    else:
        _in_processes(queue, min(workers, max(len(jobs), 1)), out)
    return queue.failures


class Process:
    """A worker process: begun when it is first needed, and anew when it died.

    Args:
        log: where what it prints goes.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def run(self, folder: Path) -> str:
        """Run a folder's job; why it failed, or nothing."""
        process = self._process or self._begin()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = ""
        if answer:
            return str(json.loads(answer)["failed"])
        code, self._process = process.wait(), None
        _close(process)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"its process {how}; {self._log} may say why"

    def stop(self) -> None:
        """Let it stop between two steps; what its run has learnt is kept."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self) -> None:
        """Stop it, and wait."""
        process = self._process
        if process is None:
            return
        self.stop()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)

    def _begin(self) -> subprocess.Popen[str]:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "training.tables.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | threads,
                start_new_session=True,  # Ctrl-C is this process's to hear
            )
        return self._process


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class _Queue:
    """The runs in order; hands out the first whose stage 1 is there."""

    def __init__(self, jobs: Mapping[str, Job], out: Path, done: Done) -> None:
        self._waiting, self._out, self._done = dict(jobs), out, done
        self._changed = threading.Condition()
        self.failures: dict[str, str] = {}
        self.stopped = False

    def work(self, run: Callable[[Path], str]) -> None:
        """Run one after the other until none is left."""
        while (taken := self._take()) is not None:
            name, job = taken
            ended = False
            try:
                why = run(run_folder(self._out, name).resolve())
                ended = True
            finally:
                if not ended:
                    self.stop()
            self._end(name, job, why)

    def stop(self) -> None:
        """Hand out no more."""
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def _take(self) -> tuple[str, Job] | None:
        with self._changed:
            while self._waiting and not self.stopped:
                for name, job in self._waiting.items():
                    if job.needs is None or (run_folder(self._out, job.needs) / RESULT).exists():
                        return name, self._waiting.pop(name)
                self._changed.wait()
            return None

    def _end(self, name: str, job: Job, why: str) -> None:
        ended = [(job, why)]
        with self._changed:
            if self.stopped and why:
                return  # it was stopped with the others
            if why:
                self.failures[name] = why
                for other in [key for key, each in self._waiting.items() if each.needs == name]:
                    self.failures[other] = "its stage 1 failed"
                    ended.append((self._waiting.pop(other), self.failures[other]))
            self._changed.notify_all()
        for each in ended:
            self._done(*each)


def _in_processes(queue: _Queue, workers: int, out: Path) -> None:
    processes = [Process(out / f"worker-{number}.log") for number in range(workers)]
    threads = [threading.Thread(target=queue.work, args=(process.run,), daemon=True) for process in processes]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # so that Ctrl-C is heard
    finally:
        queue.stop()
        for process in processes:
            process.stop()
        for process in processes:
            process.end()
