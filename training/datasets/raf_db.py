"""RAF-DB's basic emotions: 15,339 photographs from the web, seven expressions by forty raters (Li et al., 2017).

```
EmoLabel/list_patition_label.txt      train_00001.jpg 5: the file and its label; 1 surprise 2 fear 3 disgust
                                      4 happiness 5 sadness 6 anger 7 neutral
Image/aligned/train_00001_aligned.jpg 100 × 100 px, the face fills it; or Image/aligned.zip, as distributed
```

Source: public readers of RAF-DB, which name these files and read them so.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
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
    keep_present,
    list_pictures,
    one_hot,
)

__all__ = ["RAF_DB"]

LABELS: Final = "EmoLabel/list_patition_label.txt"
PICTURES: Final = "Image/aligned"
CLASSES: Final = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
VAL_SHARE: Final = 0.1
_PUBLISHED: Final = {"train pictures": 12_271, "test pictures": 3_068}


def read(root: Path) -> ReadResult:
    """The manifest of RAF-DB's basic emotions.

    There is no official validation split: about a tenth of the training pictures, drawn by their names' checksum, is
    val. Subjects aren't known, so a person may be in more than one split. There are no activities.

    Args:
        root: the folder that holds `EmoLabel` and `Image`, or the one above it (`basic`, `RAF-DB/basic`, …).

    Raises:
        ConfigError: the layout is another, or a label is wrong: names the line.
    """
    home, _ = find_home(root, ("basic", "RAF-DB/basic", "RAF-DB", "raf_db", "raf-basic", "basic/basic"), (LABELS,))
    file = root / home / LABELS
    names, labels = _read_labels(file)
    present = list_pictures(root, home + PICTURES)
    if not present:
        raise ConfigError(
            f"{root / home / PICTURES} isn't there, or holds no picture.",
            "It comes as Image/aligned.zip; docs/training.md has the layout.",
        )
    where = {PurePosixPath(name).name: path for name, path in present.items()}
    aligned = [f"{name.removesuffix('.jpg')}_aligned.jpg" for name in names]
    train = np.array([name.startswith("train") for name in names])
    split = np.where(train, np.where(draw_val(names, VAL_SHARE), "val", "train"), "test")
    table = pd.DataFrame(
        {
            "path": [where.get(name, f"{home}{PICTURES}/{name}") for name in aligned],
            "subject": None,
            "sequence": [name.removesuffix(".jpg") for name in names],
            "frame": 0,
            "activity": None,
            "split": split,
        }
    ).assign(**one_hot(labels, CLASSES))
    counts = {"train pictures": int(train.sum()), "test pictures": int((~train).sum())}
    table, notes = keep_present(table, where.values())
    return ReadResult(table, (*notes, *compare_counts(counts, _PUBLISHED)))


def _read_labels(file: Path) -> tuple[list[str], list[str]]:
    """The files' names and their expressions."""
    names, labels = [], []
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        name, _, label = line.strip().partition(" ")
        if not name:
            continue
        if not name.startswith(("train", "test")):
            raise ConfigError(f"{file}: line {number}: {name} is neither train_… nor test_….")
        if label.strip() not in map(str, range(1, len(CLASSES) + 1)):
            raise ConfigError(f"{file}: line {number} ({name}): the label is {label!r}; it must be 1–{len(CLASSES)}.")
        names.append(name)
        labels.append(CLASSES[int(label) - 1])
    if not names:
        raise ConfigError(f"{file} is empty.")
    return names, labels


RAF_DB: Final = Dataset("raf_db", read, "tight")
