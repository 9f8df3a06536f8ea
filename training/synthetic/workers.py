"""Film a plan's subjects by several processes; the pictures are the same, however many."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.synthetic.dataset import Plan, film_subject
from training.synthetic.studio import Studio

__all__ = ["film_by_many"]

_mine: tuple[Studio, Plan] | None = None  # of a worker's process
_open = ExitStack()


def film_by_many(
    facekit: Path, size: int, plan: Plan, workers: int
) -> Iterator[tuple[NDArray[np.uint8], pd.DataFrame]]:
    """Film every subject, in order; see `film_subject`.

    Args:
        facekit: the kit's file.
        size: side of the pictures, px.
        plan: what to render.
        workers: how many processes.

    Yields:
        A subject's pictures and manifest rows.
    """
    with _deaf_to_ctrl_c():
        # Not forked: neither OpenGL nor threads outlive that.
        pool = multiprocessing.get_context("spawn").Pool(workers, _start, (facekit, size, plan))
    with pool:
        yield from pool.imap(_film, range(plan.subjects))


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that start in this block don't hear Ctrl-C, which is their parent's, not even while they start."""
    if threading.current_thread() is not threading.main_thread():  # only there can it be set, and is it heard
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start(facekit: Path, size: int, plan: Plan) -> None:
    global _mine
    os.environ["LP_NUM_THREADS"] = "1"  # of Mesa: as many processes as cores leave it none
    cv2.setNumThreads(1)
    _mine = _open.enter_context(Studio.open(facekit, size)), plan


def _film(number: int) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    if _mine is None:
        raise RuntimeError("the process wasn't started by `film_by_many`")
    return film_subject(*_mine, number)
