"""Pack a manifest's faces: by several processes, so that it can be stopped and gone on with."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pandas as pd
from rich.console import Console
from rich.markup import escape

from clef_rt import __version__
from clef_rt.cores import usable_cores
from clef_rt.detect.landmarks import MODEL
from clef_rt.errors import ConfigError
from clef_rt.files import sha256_of
from training.manifest import validate
from training.pictures import Channels, absent
from training.prepare.chunks import Row, chunks, rows_of
from training.prepare.finish import finish, training_rows
from training.prepare.folder import FACTS, Prepared
from training.prepare.journal import Done, Journal
from training.prepare.pool import work_through
from training.prepare.progress import faces_progress
from training.prepare.worker import Job

if TYPE_CHECKING:
    from training.datasets.base import Framing

__all__ = ["prepare"]

_NAMED: Final = 10  # bad rows named in an error
_WORTH: Final = 4  # chunks a worker, at least
_SPARE: Final = 1 << 27  # bytes left free besides the crops


def prepare(
    table: pd.DataFrame,
    root: Path,
    out: Path,
    *,
    dataset: str,
    size: int,
    channels: Channels = 1,
    framing: Framing = "tight",
    detector: str = "auto",
    teacher: Path | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    restart: bool = False,
    console: Console | None = None,
) -> Prepared:
    """Align every face of a manifest, and label its Action Units where a teacher is given.

    Rows of the training split without a face that the landmark network sees are left out; of the other splits they
    stay, cut by the picture's frame or the box, so that figures are over all pictures. Without a box and in whole
    frames there is nothing to cut by: such rows are left out of any split. All that is left out is in `rejected.csv`.

    What is done is kept in `out/partial`. The same call goes on with it, after an interruption or an error. The folder
    takes its new contents at the end. The result doesn't depend on the number of workers.

    Args:
        table: the manifest.
        root: the folder that its paths are relative to.
        out: the folder to write.
        dataset: the dataset's name.
        size: side of the crops, px.
        channels: 1 for luminance, 3 for RGB.
        framing: where to look for the face if the manifest has no box for it: `tight`, it fills most of the picture;
            `frame`, anywhere.
        detector: finds faces in frames; a name of `clef_rt.detect.load_detector`.
        teacher: MediaPipe's `face_landmarker.task`: gives soft labels (`training.teacher`) for the Action Units that
            the manifest lacks.
        workers: processes; by default as many as there are cores to use, fewer for little work.
        skip_bad: leave pictures out that can't be read, rather than stop.
        restart: throw away what is there.
        console: for the progress; none by default.

    Raises:
        ConfigError: the manifest is wrong, pictures can't be read, the disk is full, or the folder was made or begun
            with other settings.
        ClefError: the detector can't be loaded.
    """
    console = console or Console(quiet=True)
    validate(table, dataset)
    table = table.reset_index(drop=True)
    rows = rows_of(table, dataset)
    framed = framing == "frame" and any(row.box is None for row in rows)
    if teacher is not None:
        _has_neutral(table, dataset)
    settings = {
        "dataset": dataset,
        "manifest": _digest(table),
        "root": str(root.resolve()),
        "size": size,
        "channels": channels,
        "framing": framing,
        "detector": detector if framed else None,
        "teacher": sha256_of(teacher) if teacher is not None and teacher.is_file() else None,
        "landmark network": sha256_of(MODEL),
        "version": __version__,
    }
    fingerprint = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
    if not restart and _is_whole(out, fingerprint):
        console.print(f"{escape(str(out))} is prepared already; --restart makes it anew.", highlight=False)
        return Prepared.load(out)
    if not skip_bad:
        _all_there(rows, root, dataset)
    journal = Journal(out, settings, restart=restart)
    job = Job(root, journal.folder, size, channels, detector if framed else None, teacher, skip_bad)
    try:
        _go_through(rows, job, journal, workers, dataset, console)
        if not skip_bad:
            _none_bad([pair for chunk in journal.done() for pair in chunk.bad], rows, dataset)
        finish(
            out,
            table,
            journal,
            dataset=dataset,
            size=size,
            channels=channels,
            framing=framing,
            teacher=teacher is not None,
            fingerprint=fingerprint,
        )
    except KeyboardInterrupt:
        kept = sum(chunk.stop - chunk.start for chunk in journal.done())
        console.print(
            f"Stopped. {kept:,} of {len(rows):,} rows are kept in {escape(str(journal.folder))}; "
            "the same command goes on.",
            highlight=False,
        )
        raise
    except OSError as error:
        raise ConfigError(
            f"{out} can't be written: {error.strerror or error}.",
            "What is done is kept: once that is mended, the same command goes on.",
        ) from None
    return Prepared.load(out)


def _go_through(
    rows: list[Row], job: Job, journal: Journal, workers: int | None, dataset: str, console: Console
) -> None:
    """Do the chunks that aren't done."""
    done = {}
    for chunk in journal.done():
        if chunk.bad and not (job.skip_bad and chunk.bad_skipped):
            journal.forget(chunk)  # the pictures may have been mended since
        else:
            done[chunk.start] = chunk
    tasks = [(part, journal.crops(part[0].number)) for part in chunks(rows) if part[0].number not in done]
    before = sum(chunk.stop - chunk.start for chunk in done.values())
    if before:
        console.print(f"going on behind {before:,} of {len(rows):,} rows", highlight=False)
    _enough_room(journal.folder, (len(rows) - before) * job.size**2 * job.channels)
    seen: list[Done] = list(done.values())
    with faces_progress(console) as progress:
        task = progress.add_task(escape(f"{dataset}: aligning"), total=len(rows), completed=before)
        if not tasks:
            return
        # A process takes a second or more to start, so unless told, only for work of several chunks.
        several = min(workers or min(usable_cores(), len(tasks) // _WORTH), len(tasks))
        results = work_through(job, tasks, max(several, 1), lambda count: progress.advance(task, count))
        try:
            for chunk in results:
                seen.append(chunk)
                bad = [pair for each in seen for pair in each.bad]
                if not job.skip_bad and len(bad) == sum(each.stop - each.start for each in seen):
                    _none_bad(bad, rows, dataset)  # not one could be read so far: something is wrong as a whole
        finally:
            results.close()


def _is_whole(out: Path, fingerprint: str) -> bool:
    """Whether the folder is prepared already, just so.

    Raises:
        ConfigError: it is prepared otherwise.
    """
    found: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        found = cast(dict[str, Any], json.loads((out / FACTS).read_text()))
    if not found:
        return False
    if found.get("fingerprint") == fingerprint:
        return True
    raise ConfigError(
        f"{out} holds {found.get('dataset')}, {found.get('size')} px, from another manifest or other settings.",
        "Give another --out, or --restart to replace it.",
    )


def _all_there(rows: list[Row], root: Path, dataset: str) -> None:
    """Name missing files before the work begins."""
    _none_bad(list(absent([row.path for row in rows], root)), rows, dataset)


def _has_neutral(table: pd.DataFrame, dataset: str) -> None:
    training = training_rows(table)
    if not ((training["split"] == "train") & (training["activity"] == "neutral")).any():
        raise ConfigError(
            f"{dataset}: no face of the training split has the activity neutral: the teacher sets its scale on those.",
            "Leave --teacher out.",
        )


def _none_bad(bad: list[tuple[int, str]], rows: list[Row], dataset: str) -> None:
    if not bad:
        return
    named = [f"  row {row} ({rows[row].path}): {why}" for row, why in islice(sorted(bad), _NAMED)]
    more = [f"  and {len(bad) - _NAMED:,} more"] if len(bad) > _NAMED else []
    raise ConfigError(
        "\n".join([f"{dataset}: {len(bad):,} of {len(rows):,} pictures can't be read:", *named, *more, ""]),
        "Mend them and give the same command again, or leave them out with --skip-bad. Is --data the right folder?",
    )


def _enough_room(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need + _SPARE:
        raise ConfigError(
            f"{folder.parent} needs {(need + _SPARE) / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.",
            "Free some space, take another --out, or a smaller --size.",
        )


def _digest(table: pd.DataFrame) -> str:
    digest = hashlib.sha256(json.dumps([str(name) for name in table.columns]).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()
