"""Chunks done one after the other, or by several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, Final

import cv2

from clef_rt.errors import ConfigError
from training.prepare.chunks import Row
from training.prepare.journal import Done
from training.prepare.worker import Job, Worker

__all__ = ["Task", "work_through"]

Task = tuple[list[Row], Path]
"""A chunk's rows, and where its crops go."""
_GLANCE: Final = 0.2  # seconds between two looks at the workers' progress


def work_through(
    job: Job, tasks: list[Task], workers: int, progress: Callable[[int], None]
) -> Generator[Done, None, None]:
    """Do chunks, in the order in which they get done.

    When the caller stops taking, or is interrupted, the workers stop within a picture, and what they had begun is lost.

    Args:
        job: what to do.
        tasks: the chunks.
        workers: processes; with 1, it is done in this one.
        progress: told how many rows were gone through since the last time.

    Raises:
        ConfigError: the disk is full, or a worker died.
        ClefError: the detector or the teacher can't be loaded.
    """
    with Worker(job) as worker:  # also with several, so that what can't be loaded is said once, here
        if workers == 1:
            for rows, crops in tasks:
                yield worker.run(rows, crops, lambda: progress(1))
            return
    yield from _in_processes(job, tasks, workers, progress)


def _in_processes(
    job: Job, tasks: list[Task], workers: int, progress: Callable[[int], None]
) -> Generator[Done, None, None]:
    context = multiprocessing.get_context("spawn")  # a fork would copy the inference engines' threads half
    count, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(job, count, stop))
    seen = 0
    try:
        with _uninterrupted():  # children inherit it, so Ctrl-C is for this process alone to handle
            waiting: set[Future[Done]] = {pool.submit(_run, *task) for task in tasks}
        while waiting:
            done, waiting = wait(waiting, timeout=_GLANCE, return_when=FIRST_COMPLETED)
            now = count.value
            progress(now - seen)
            seen = now
            for future in done:
                yield future.result()
    except BrokenProcessPool:
        raise ConfigError(
            "A worker process died.",
            "If memory ran out, take fewer --workers. What is done is kept: the same command goes on.",
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Stopped(Exception):
    """The main process wants no more."""


_worker: Worker
_tick: Callable[[], None]


def _start(job: Job, count: Any, stop: Any) -> None:
    """Set a worker process up."""
    global _worker, _tick

    def tick() -> None:
        if stop.is_set():
            raise _Stopped
        with count.get_lock():
            count.value += 1

    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _worker, _tick = Worker(job), tick


def _end_with_parent() -> None:
    """A main process that was killed can't end its workers, and they would wait for it forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _run(rows: list[Row], crops: Path) -> Done:
    return _worker.run(rows, crops, _tick)
