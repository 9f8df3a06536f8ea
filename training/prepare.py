"""Pack a manifest's faces: aligned crops in one array, and the manifest of just those rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track

from clef_rt.align import face_template
from clef_rt.detect.landmarks import LandmarkNet
from clef_rt.errors import ConfigError
from training.crops import MIN_PRESENCE, cut_face
from training.manifest import read_manifest, validate
from training.pictures import PictureReader
from training.teacher import AuTeacher

__all__ = ["Prepared", "prepare"]

CROPS: Final = "crops.npy"
MANIFEST: Final = "manifest.parquet"
FACTS: Final = "prepared.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a prepared folder holds."""

    dataset: str
    size: int
    rows: int
    faces_unseen: int
    teacher: str
    teacher_missed: int


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A prepared dataset.

    Attributes:
        crops: (n, S, S, 1) uint8, memory-mapped.
        table: the manifest, row by row of the crops; `presence` is the landmark network's.
        facts: what `prepared.json` says.
    """

    crops: NDArray[np.uint8]
    table: pd.DataFrame
    facts: Facts

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a folder that `prepare` wrote.

        Raises:
            ConfigError: it isn't one.
        """
        try:
            facts = Facts(**json.loads((folder / FACTS).read_text()))
            crops = np.load(folder / CROPS, mmap_mode="r")
        except (OSError, TypeError, ValueError) as error:
            raise ConfigError(
                f"{folder} isn't prepared: {error}.", "Make it with `python -m training prepare`."
            ) from None
        table = read_manifest(folder / MANIFEST)
        if crops.shape != (len(table), facts.size, facts.size, 1):
            raise ConfigError(f"{folder}: {CROPS} is {crops.shape}, but the manifest has {len(table)} rows.")
        return cls(crops, table, facts)


def prepare(
    table: pd.DataFrame, root: Path, out: Path, *, dataset: str, size: int, teacher: AuTeacher | None = None
) -> Prepared:
    """Align every face of a manifest, and label its Action Units where a teacher is given.

    Rows of the training split without a face that the landmark network sees are left out; of the other splits they
    stay, cut by the picture's frame, so that figures are over all pictures.

    Args:
        table: the manifest.
        root: the folder that its paths are relative to.
        out: the folder to write; what is there is replaced.
        dataset: the dataset's name.
        size: side of the crops, px.
        teacher: gives raw Action Unit values, which become soft labels (`training.teacher`).

    Raises:
        ConfigError: the manifest is wrong, or a picture can't be read.
    """
    validate(table, dataset)
    reader, net, template = PictureReader(root), LandmarkNet(), face_template(size)
    crops = np.zeros((len(table), size, size, 1), np.uint8)
    presence = np.zeros(len(table), np.float32)
    values: list[NDArray[np.float32] | None] = []
    for row, path in enumerate(track(table["path"], description=f"{dataset}: aligning", transient=True)):
        picture = reader.read(path)
        presence[row], _ = cut_face(picture, net, template, crops[row : row + 1])
        if teacher is not None:
            values.append(teacher.values(picture))
    seen = presence >= MIN_PRESENCE
    table = table.assign(presence=presence)
    missed = 0
    if teacher is not None:
        missed = sum(value is None for value in values)
        table = table.assign(**teacher.soft_labels(values, table))
    keep = np.flatnonzero(seen | (table["split"] != "train").to_numpy())
    table = table.iloc[keep].reset_index(drop=True)
    facts = Facts(
        dataset=dataset,
        size=size,
        rows=len(table),
        faces_unseen=int((~seen).sum()),
        teacher=teacher.name if teacher is not None else "",
        teacher_missed=missed,
    )
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / CROPS, crops[keep])
    table.to_parquet(out / MANIFEST)
    (out / FACTS).write_text(json.dumps(asdict(facts), indent=1) + "\n")
    return Prepared.load(out)
