"""Photographs of faces with one emotion word each: press pictures, mostly, with subject ids."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

import pandas as pd

from clef_rt.errors import ConfigError
from training.datasets.base import Dataset, ReadResult, find_home, keep_present

__all__ = ["REAL_FACES"]

FILE: Final = "real_faces.zip"


def read(root: Path) -> ReadResult:
    """The manifest of `real_faces`.

    The word is one annotator's and noisy, so it is an activity, a coarse description (CLEF, stage 1), and no
    expression label.

    Args:
        root: the folder that holds `real_faces.zip`, or the one that holds it in `real_faces`: `labels.csv` (file,
            subject, label, split) and `images/`.

    Raises:
        ConfigError: the file is missing or isn't laid out so.
    """
    home, _ = find_home(root, ("real_faces",), (FILE,))
    file = home + FILE
    try:
        with zipfile.ZipFile(root / file) as archive:
            rows = pd.read_csv(io.BytesIO(archive.read("labels.csv")), dtype=str)
            present = {
                f"{file}!{name}" for name in archive.namelist() if name.startswith("images/") and name[-1] != "/"
            }
        table = pd.DataFrame(
            {
                "path": f"{file}!images/" + rows["file"],
                "subject": "real_faces-" + rows["subject"],
                "sequence": rows["file"].str.removesuffix(".jpg"),
                "frame": 0,
                "activity": rows["label"],
                "split": rows["split"],
            }
        )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{root / file} isn't real_faces: {error}.", "See docs/training.md for its layout.") from None
    table, notes = keep_present(table, present - {f"{file}!images/"})
    return ReadResult(table, tuple(notes))


REAL_FACES: Final = Dataset("real_faces", read, "tight")
