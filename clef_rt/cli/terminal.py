"""Where messages go, and what happens when nobody reads them."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.logging import RichHandler

__all__ = ["LOG_WIDTH", "log_to", "stderr_console", "stdout_console", "tolerant_of_closed_pipes"]

LOG_WIDTH = 120


def stderr_console() -> Console:
    """Writes to stderr; in a file, lines are longer than the 80 columns that Rich would take."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else LOG_WIDTH)


def stdout_console() -> Console:
    """Writes to stdout what may come from anywhere: as it is, without Rich's markup."""
    return Console(width=None if sys.stdout.isatty() else LOG_WIDTH, markup=False, highlight=False)


def log_to(console: Console | None) -> None:
    """Send warnings of the library to this console, above a view that is drawn there; to stderr if it's None."""
    handler: logging.Handler
    if console is not None and console.is_terminal:
        handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S")
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s: %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("clef_rt")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.WARNING)


@contextlib.contextmanager
def tolerant_of_closed_pipes() -> Iterator[None]:
    """End quietly when nobody reads stdout any more, as in `… | head`."""
    try:
        yield
    except BrokenPipeError:
        # What Python still holds for stdout has to go somewhere when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
