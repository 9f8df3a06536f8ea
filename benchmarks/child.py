"""Processes that measure: started with one line of JSON, heard line by line, ended by closing their input.

Ctrl-C reaches the parent alone, which then ends its children in order. Should it die, they see their input end.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel

from clef_rt.errors import ClefError

__all__ = ["Child", "Events", "begin", "expect", "on_stop", "say"]

Events = queue.Queue[tuple[str, dict[str, Any]]]
"""What children say: the module's name and the message. `event` is `error` and `exit` where a child fails and ends."""

_ROOT: Final = Path(__file__).parents[1]
_PATIENCE_S: Final = 5.0

S = TypeVar("S", bound=BaseModel)


class Child:
    """One process, from the parent's side. In a `with` block; there is none left behind it.

    Attributes:
        ended: set when it has done its work, or has failed.

    Args:
        module: what it runs.
        spec: what it is told.
        events: where what it says goes.
    """

    def __init__(self, module: str, spec: BaseModel, events: Events) -> None:
        self.module = module
        self.ended = threading.Event()
        self._events = events
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],  # -P: nothing from the folder that the user happens to be in
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.getenv("PYTHONPATH")])])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(spec.model_dump_json() + "\n")
        self._process.stdin.flush()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end. It says what it has left to say."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        try:
            self._process.wait(0.1 if kind else _PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                message = json.loads(line)
                self._events.put((self.module, message))
                if message["event"] in ("done", "error"):
                    self.ended.set()
        self._events.put((self.module, {"event": "exit", "code": self._process.wait()}))
        self.ended.set()


def expect(events: Events, module: str, event: str, timeout_s: float) -> dict[str, Any]:
    """Wait until a child says something; what the others say meanwhile is passed over.

    Raises:
        ClefError: a child has failed, has ended without saying it, or takes too long.
    """
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            speaker, message = events.get(timeout=max(0.0, end_s - time.monotonic()))
        except queue.Empty:
            what = f"{module} did not get to {event!r} within {timeout_s:g} s."
            raise ClefError(what, "Is the machine busy?") from None
        if message["event"] == "error":
            raise ClefError(message["what"], message["hint"])
        if (speaker, message["event"]) == (module, event):
            return message
        if message["event"] == "done" and event != "done":
            raise ClefError("The source ended before anything could be measured.", "Give a longer one.")
        if message["event"] == "exit" and (speaker == module or message["code"] != 0):
            raise ClefError(f"{speaker} ended unexpectedly, with code {message['code']}.", "Its own words are above.")


def say(event: str, **facts: Any) -> None:
    """For a child: tell the parent. Where there is none any more, there is nothing left to do."""
    try:
        print(json.dumps({"event": event, **facts}), flush=True)
    except BrokenPipeError:
        os._exit(1)


def begin(spec: type[S], work: Callable[[S], None]) -> None:
    """For a child: do what the parent asks; errors of ours are told."""
    sys.setswitchinterval(0.0005)  # as `clef-rt` does
    try:
        work(spec.model_validate_json(sys.stdin.readline()))
    except ClefError as error:
        say("error", what=error.what, hint=error.hint)
        sys.exit(2)


def on_stop(act: Callable[[], None]) -> None:
    """For a child: do this, in a thread, once the parent asks to end."""

    def wait() -> None:
        # Not sys.stdin.read(): a thread that holds its lock at the interpreter's end is fatal.
        while os.read(0, 1024):
            pass
        act()

    threading.Thread(target=wait, daemon=True).start()
