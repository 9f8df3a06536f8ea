"""The command line: `clef-rt`, or `python -m clef_rt`."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from clef_rt.cli.plain import one_line
from clef_rt.errors import ClefError

__all__ = ["main"]

EXIT_WRONG = 2
"""The exit code of whatever the user can mend: a wrong option, file, camera or address."""

EXIT_INTERRUPTED = 130
"""The exit code of what was broken off, as shells have it."""


def main() -> NoReturn:
    """Run the command line, and exit."""
    # A thread that computes in Python must not keep the one that stamps frames waiting for 5 ms at a time.
    sys.setswitchinterval(0.0005)
    try:
        from clef_rt.cli.app import app

        app(prog_name="clef-rt")
    except ClefError as error:
        print(f"clef-rt: {one_line(str(error))}", file=sys.stderr)
        sys.exit(EXIT_WRONG)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    finally:
        # Python's own handler would answer a Ctrl-C in the last milliseconds with a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(0)
