"""AffectNet's manually annotated part: photographs from the web, eight expressions (Mollahosseini et al., 2019).

The whole set, with the faces' boxes:

```
Manually_Annotated_file_lists/training.csv     subDirectory_filePath, face_x, face_y, face_width, face_height,
Manually_Annotated_file_lists/validation.csv   facial_landmarks, expression, valence, arousal
Manually_Annotated_Images/103/29a3….jpg        or Manually_Annotated/Manually_Annotated_Images/…
```

or the smaller download, of faces cut to 224 × 224 px:

```
train_set/images/0.jpg        train_set/annotations/0_exp.npy       the expression as text or a number
val_set/images/0.jpg          val_set/annotations/0_exp.npy
```

Expressions are 0 neutral 1 happiness 2 sadness 3 surprise 4 fear 5 disgust 6 anger 7 contempt, which is the order of
`training.manifest.EXPRESSIONS`; 8 none, 9 uncertain and 10 no face are left out. Source: public readers of AffectNet,
which name these files and read them so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from clef_rt.errors import ConfigError
from training.datasets.base import (
    Dataset,
    ReadResult,
    compare_counts,
    draw_val,
    find_home,
    follow,
    keep_present,
    list_pictures,
    listed,
    number_of,
    one_hot,
)
from training.manifest import BOX, EXPRESSIONS

__all__ = ["AFFECTNET7", "AFFECTNET8"]

LISTS: Final = "Manually_Annotated_file_lists"
COLUMNS: Final = (
    *("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height"),
    *("facial_landmarks", "expression", "valence", "arousal"),
)
LEFT_OUT: Final = {8: "none", 9: "uncertain", 10: "no face"}
VAL_SHARE: Final = 0.02
# Those of the published seven-class split, 283,901 in all; contempt from the 287,651 of eight.
_TRAIN: Final = (74_874, 134_415, 25_459, 14_090, 6_378, 3_803, 24_882, 3_750)
_TEST: Final = 500


def read(root: Path, *, classes: int) -> ReadResult:
    """The manifest of AffectNet.

    The official validation set is test, as in the literature, where the test set isn't public. Of the training
    pictures about a fiftieth, drawn by their names' checksum, is val. Subjects aren't known, so a person may be in
    more than one split. There are no activities.

    Args:
        root: the folder that holds the files above, or the one that holds it as `AffectNet`.
        classes: 8, or 7 without contempt.

    Raises:
        ConfigError: the layout is another, or a label is wrong: names the file and the row.
    """
    lists = [f"{LISTS}/{name}.csv" for name in ("training", "validation")]
    folders = [f"{name}_set/{part}" for name in ("train", "val") for part in ("images", "annotations")]
    home, layout = find_home(root, ("AffectNet", "affectnet"), lists, folders)
    table, notes = _read_lists(root, home) if layout == 0 else _read_folders(root, home)
    left = [*EXPRESSIONS[classes:], *LEFT_OUT.values()]
    for code, name in zip(range(classes, len(EXPRESSIONS) + len(LEFT_OUT)), left, strict=True):
        if count := int((table["expression"] == code).sum()):
            notes.append(f"{number_of(count, 'picture')} labelled {name}, left out")
    labelled = table[table["expression"] < classes].reset_index(drop=True)
    names = [EXPRESSIONS[code] for code in labelled["expression"]]
    counts = (labelled["split"] + " " + pd.Series(names, dtype=object)).value_counts()
    published = {f"train {name}": count for name, count in zip(EXPRESSIONS[:classes], _TRAIN, strict=False)}
    published |= {f"test {name}": _TEST for name in EXPRESSIONS[:classes]}
    drawn = (labelled["split"] == "train") & draw_val(labelled["sequence"], VAL_SHARE)
    labelled["split"] = labelled["split"].mask(drawn, "val")
    labelled = labelled.drop(columns="expression").assign(**one_hot(names, EXPRESSIONS[:classes]))
    return ReadResult(labelled, (*notes, *compare_counts(counts.to_dict(), published)))


def _rows(paths: Sequence[str], names: Sequence[str], split: str, labels: Sequence[int]) -> pd.DataFrame:
    rows = {"path": paths, "subject": None, "sequence": names, "frame": 0, "activity": None, "split": split}
    return pd.DataFrame(rows).assign(expression=np.asarray(labels, np.int64))


def _read_lists(root: Path, home: str) -> tuple[pd.DataFrame, list[str]]:
    """All labelled pictures of the whole set, with boxes, and notes."""
    places = (f"{home}Manually_Annotated_Images", f"{home}Manually_Annotated/Manually_Annotated_Images")
    place = next((place for place in places if (root / place).is_dir()), places[0])
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for name, split in (("training", "train"), ("validation", "test")):
        file = root / home / LISTS / f"{name}.csv"
        rows = _read_list(file, notes)
        paths = [f"{place}/{path}" for path in rows["subDirectory_filePath"]]
        part = _rows(paths, rows["subDirectory_filePath"].tolist(), split, rows["expression"].tolist())
        box = rows[["face_x", "face_y", "face_width", "face_height"]].apply(pd.to_numeric, errors="coerce")
        sized = (box[["face_width", "face_height"]] > 0).all(axis=1) & box.notna().all(axis=1)
        parts.append(part.join(box.where(sized).set_axis(list(BOX), axis=1).reset_index(drop=True)))
    table = pd.concat(parts, ignore_index=True)
    if (twice := table["path"].duplicated()).any():
        notes.append(listed(table["path"][twice].tolist(), "row", "of pictures listed before, left out"))
    table, missing = keep_present(table[~twice], list_pictures(root, place).values())
    return table, notes + missing


def _read_list(file: Path, notes: list[str]) -> pd.DataFrame:
    try:
        with file.open(encoding="utf-8") as opened:
            named = opened.readline().startswith(COLUMNS[0])
        rows = pd.read_csv(file, header=0 if named else None, names=None if named else list(COLUMNS), dtype=str)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} can't be read: {str(error).splitlines()[0]}.") from None
    if missing := [name for name in COLUMNS[:7] if name not in rows.columns]:
        raise ConfigError(f"{file} has no column {', '.join(missing)}.", "See docs/training.md for its layout.")
    codes = pd.to_numeric(rows["expression"], errors="coerce")
    broken = (codes.isna() | rows["subDirectory_filePath"].isna()).to_numpy()
    if broken.any():  # the official training.csv has such a row
        rows_broken = np.flatnonzero(broken).tolist()
        notes.append(f"{file.name}: {listed(rows_broken, 'row', 'without a path or an expression, left out')}")
    wrong = (~codes.isin(range(len(EXPRESSIONS) + len(LEFT_OUT)))).to_numpy() & ~broken
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConfigError(
            f"{file}: row {row} ({rows['subDirectory_filePath'][row]}): the expression is {rows['expression'][row]}; "
            f"it must be 0–{len(EXPRESSIONS) + len(LEFT_OUT) - 1}."
        )
    return rows[~broken].assign(expression=codes[~broken].astype(int)).reset_index(drop=True)


def _read_folders(root: Path, home: str) -> tuple[pd.DataFrame, list[str]]:
    """All labelled pictures of the smaller download, and notes."""
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for name, split in (("train", "train"), ("val", "test")):
        images = list_pictures(root, f"{home}{name}_set/images")
        folder = root / home / f"{name}_set/annotations"
        files = {path.name.removesuffix("_exp.npy"): path for path in folder.glob("*_exp.npy")}
        pictures = {Path(image).stem: path for image, path in images.items()}
        both = sorted(set(files) & set(pictures))
        if not both:
            raise ConfigError(f"{folder} has no annotation of a picture, such as 0_exp.npy for 0.jpg.")
        if spare := sorted(set(pictures) - set(files)):
            notes.append(f"{name}_set: {listed(spare, 'picture', 'without an annotation, left out')}")
        if spare := sorted(set(files) - set(pictures)):
            notes.append(f"{name}_set: {listed(spare, 'annotation', 'without a picture, left out')}")
        labels = [_read_label(files[key]) for key in follow(both, f"affectnet: {name}_set")]
        parts.append(_rows([pictures[key] for key in both], [f"{name}_set/{key}" for key in both], split, labels))
    return pd.concat(parts, ignore_index=True), notes


def _read_label(file: Path) -> int:
    try:
        label = int(np.load(file).item())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} can't be read: {error}.") from None
    if not 0 <= label < len(EXPRESSIONS):
        raise ConfigError(f"{file}: the expression is {label}; it must be 0–{len(EXPRESSIONS) - 1}.")
    return label


AFFECTNET7: Final = Dataset("affectnet7", partial(read, classes=7), "tight")
AFFECTNET8: Final = Dataset("affectnet8", partial(read, classes=8), "tight")
