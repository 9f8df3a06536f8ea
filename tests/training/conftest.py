"""Small made-up datasets: faces of a few strokes, whose mouths tell what they feel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from training.manifest import EXPRESSIONS
from training.prepare import CROPS, FACTS, MANIFEST, Facts

SIZE = 32


def draw_face(smile: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A (32, 32, 1) face: two eyes and a mouth that bends up or down."""
    face = np.full((SIZE, SIZE), int(rng.integers(120, 180)), np.uint8)
    for x in (11, 21):
        cv2.circle(face, (x, 13), 2, 30, -1)
    arc = (20, 160) if smile else (200, 340)
    cv2.ellipse(face, (16, 22 if smile else 27), (7, 5), 0, *arc, 20, 2)
    return np.clip(face + rng.normal(0, 6, face.shape), 0, 255).astype(np.uint8)[..., None]


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a prepared folder of `rows` faces: happiness with AU12, sadness with AU15."""

    def make(rows: int = 240, name: str = "made-up", votes: bool = True, aus: bool = True) -> Path:
        rng = np.random.default_rng(0)
        smiles = rng.random(rows) < 0.5
        split = np.array(["train", "train", "train", "val", "test"])[np.arange(rows) % 5]
        table = pd.DataFrame(
            {
                "path": [f"{i}.png" for i in range(rows)],
                "subject": [f"s{i}" for i in range(rows)],
                "sequence": "",
                "frame": 0,
                "activity": np.where(smiles, "happiness", "sadness"),
                "split": split,
                "presence": 1.0,
            }
        )
        if aus:
            table = table.assign(AU12=np.where(smiles, 0.95, 0.05), AU15=np.where(smiles, 0.05, 0.95))
        if votes:
            shares = dict.fromkeys(EXPRESSIONS, 0.0) | {"happiness": smiles * 1.0, "sadness": (~smiles) * 1.0}
            table = table.assign(**shares)
        folder = tmp_path_factory.mktemp("prepared") / name
        folder.mkdir()
        np.save(folder / CROPS, np.stack([draw_face(bool(smile), rng) for smile in smiles]))
        table.to_parquet(folder / MANIFEST)
        facts = Facts(dataset=name, size=SIZE, rows=rows, faces_unseen=0, teacher="", teacher_missed=0)
        (folder / FACTS).write_text(json.dumps(asdict(facts)))
        return folder

    return make
