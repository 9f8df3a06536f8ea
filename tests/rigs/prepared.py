"""Folders as `python -m training prepare` writes them, of given crops and labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.prepare import CROPS, FACTS, MANIFEST, Facts


def write_prepared(folder: Path, crops: NDArray[np.uint8], splits: Sequence[str], **columns: Any) -> Path:
    """Write (n, S, S, C) uint8 crops, of as many people, with their splits and labels."""
    rows = len(crops)
    table = pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(rows)],
            "subject": [f"s{row}" for row in range(rows)],
            "sequence": "",
            "frame": 0,
            "activity": "neutral",
            "split": list(splits),
            **columns,
        }
    )
    folder.mkdir(parents=True)
    np.save(folder / CROPS, crops)
    table.to_parquet(folder / MANIFEST)
    facts = Facts(
        dataset=folder.name, size=crops.shape[1], channels=crops.shape[3], rows=rows, faces_unseen=0, teacher="",
        teacher_missed=0,
    )  # fmt: skip
    (folder / FACTS).write_text(json.dumps(asdict(facts)))
    return folder
