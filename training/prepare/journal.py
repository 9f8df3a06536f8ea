"""What is done of a preparation, in a folder beside the result, so that the same command can go on with it."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from clef_rt.errors import ConfigError
from clef_rt.files import whole_file

__all__ = ["PARTIAL", "Done", "Journal"]

PARTIAL: Final = "partial"
_SETTINGS: Final = "settings.json"


@dataclass(frozen=True, slots=True)
class Done:
    """A chunk that was gone through.

    Attributes:
        start: its first row in the manifest.
        stop: the row behind its last.
        kept: the rows whose crops were written, ascending.
        presence: the landmark network's, of each row of the chunk; None where there was nothing to look at.
        values: the teacher's raw values, likewise; None where it saw no face, empty without a teacher.
        rejected: rows left out, and why: no face.
        bad: rows whose picture can't be read, and why.
        bad_skipped: whether they were meant to be left out.
    """

    start: int
    stop: int
    kept: list[int]
    presence: list[float | None]
    values: list[list[float] | None]
    rejected: list[tuple[int, str]]
    bad: list[tuple[int, str]]
    bad_skipped: bool

    def write(self, folder: Path) -> None:
        """Write it down, whole."""
        with whole_file(folder / f"{self.start:09}.json") as path:
            path.write_text(json.dumps(asdict(self)))


class Journal:
    """A folder `partial` with the settings, and for each chunk done its crops, raw, and a `Done`.

    Args:
        out: the folder to prepare.
        settings: all that the result hangs on; plain values.
        restart: throw away what is there.

    Raises:
        ConfigError: what is there was begun with other settings.
    """

    def __init__(self, out: Path, settings: dict[str, Any], *, restart: bool) -> None:
        self.folder = out / PARTIAL
        if restart and self.folder.exists():
            shutil.rmtree(self.folder)
        if self.folder.exists():
            begun = _read_settings(self.folder / _SETTINGS)
            if changed := [name for name in settings if begun.get(name) != settings[name]]:
                shown = ", ".join(
                    name if name == "manifest" else f"{name} {begun.get(name)}, now {settings[name]}"
                    for name in changed
                )
                raise ConfigError(
                    f"{out} was begun with another {shown}.",
                    "Give what it was begun with to go on, or --restart to throw away what is done.",
                )
            for left in self.folder.glob(".*"):  # half a file, from a run that was killed
                left.unlink(missing_ok=True)
        else:
            with whole_file(self.folder / _SETTINGS) as path:
                path.write_text(json.dumps(settings, indent=1) + "\n")

    def crops(self, start: int) -> Path:
        """Where the crops of the chunk that begins there are kept: (kept, S, S, C) uint8, without a header."""
        return self.folder / f"{start:09}.crops"

    def done(self) -> list[Done]:
        """The chunks done, in order."""
        found = []
        for path in sorted(self.folder.glob("*[0-9].json")):
            with suppress(ValueError, TypeError):  # cut short by a power failure: not done
                found.append(Done(**json.loads(path.read_text())))
        return found

    def forget(self, done: Done) -> None:
        """A chunk is to be done again."""
        (self.folder / f"{done.start:09}.json").unlink(missing_ok=True)

    def remove(self) -> None:
        """All is finished."""
        shutil.rmtree(self.folder)


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}
