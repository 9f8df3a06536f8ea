"""Manifests: what is accepted, and what is refused with its cause."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from clef_rt.errors import ConfigError
from training.datasets import DATASETS
from training.manifest import EXPRESSIONS, au_columns, expression_columns, labels, read_manifest, validate
from training.pictures import PictureReader


def table(**columns: object) -> pd.DataFrame:
    base: dict[str, object] = {
        "path": ["a.png", "b.png"],
        "subject": ["s1", "s2"],
        "sequence": ["1", "2"],
        "frame": [0, 0],
        "activity": ["happiness", "neutral"],
        "split": ["train", "test"],
    }
    return pd.DataFrame(base | columns)


def test_label_columns_are_found_by_name() -> None:
    made = table(AU12=[0.9, np.nan], AU01_L=[0, 1], happiness=[1, 0], neutral=[0, 1], mood=[3, 3])
    assert au_columns(made) == ["AU01_L", "AU12"]
    assert expression_columns(made) == ["neutral", "happiness"]
    assert np.isnan(labels(made, ["AU12", "AU45"])).tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reads_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"m{suffix}"
    made = table(AU12=[0.9, np.nan])
    made.to_csv(path, index=False) if suffix == ".csv" else made.to_parquet(path)
    assert labels(read_manifest(path), ["AU12"])[0] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"split": ["train", "dev"]}, "dev"),
        ({"AU12": [0.5, 1.5]}, "outside of 0–1"),
        ({"neutral": [0.5, 0.5], "happiness": [0.5, 0.4]}, "sum to 1"),
        ({"subject": ["s1", "s1"]}, "s1"),
    ],
)
def test_refuses_what_is_wrong(columns: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        validate(table(**columns), "m.csv")


def test_refuses_a_missing_column_and_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="activity"):
        validate(table().drop(columns="activity"), "m.csv")
    with pytest.raises(ConfigError, match="no such manifest"):
        read_manifest(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ConfigError, match="no table"):
        read_manifest(tmp_path / "broken.parquet")


def test_ferplus_by_its_layout(tmp_path: Path) -> None:
    names = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
    votes = np.zeros((3, 10), np.uint8)
    votes[0, [0, 1, 4]] = (6, 3, 1)  # the single vote for anger is an outlier
    votes[1, [4, 8]] = (2, 8)  # unknown is left out
    votes[2, 9] = 10  # not a face: no row
    (tmp_path / "ferplus").mkdir()
    np.savez(
        tmp_path / "ferplus/ferplus_48.npz",
        images=np.arange(3 * 48 * 48, dtype=np.uint32).reshape(3, 48, 48).astype(np.uint8),
        votes=votes,
        vote_names=np.array(names),
        split=np.array([0, 2, 1], np.int8),
    )
    made = validate(DATASETS["ferplus"].read(tmp_path).table, "ferplus")
    assert list(made["split"]) == ["train", "test"]
    assert list(made["activity"]) == ["neutral", "anger"]
    shares = labels(made, EXPRESSIONS)
    assert shares[0, :2].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert shares[1, EXPRESSIONS.index("anger")] == 1
    assert PictureReader(tmp_path).read(made["path"][1])[0, 0] == (48 * 48) % 256


def test_real_faces_by_its_layout(tmp_path: Path) -> None:
    (tmp_path / "real_faces").mkdir()
    with zipfile.ZipFile(tmp_path / "real_faces/real_faces.zip", "w") as archive:
        archive.writestr("labels.csv", "file,subject,label,split\nx.jpg,007,happiness,val\n")
        archive.writestr("images/x.jpg", cv2.imencode(".jpg", np.full((20, 30), 77, np.uint8))[1].tobytes())
    made = validate(DATASETS["real_faces"].read(tmp_path).table, "real_faces")
    assert made.iloc[0][["subject", "activity", "split"]].tolist() == ["real_faces-007", "happiness", "val"]
    assert PictureReader(tmp_path).read(made["path"][0]).shape == (20, 30)


def test_datasets_elsewhere_say_so(tmp_path: Path) -> None:
    for dataset in DATASETS.values():
        with pytest.raises(ConfigError, match=r"docs/training\.md"):
            dataset.read(tmp_path)


def test_pictures_that_cannot_be_read(tmp_path: Path) -> None:
    reader = PictureReader(tmp_path)
    (tmp_path / "no.png").write_bytes(b"no picture")
    (tmp_path / "empty.png").touch()
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((1, 4, 4), np.uint8))
    (tmp_path / "a.npz").write_bytes(buffer.getvalue())
    for path in ("gone.png", "no.png", "empty.png", "gone.zip!x", "no.png!x", "a.npz!7", "a.npz!x"):
        with pytest.raises(ConfigError, match="can't be"):
            reader.read(path)


def test_the_real_datasets(shared_data: Path) -> None:
    ferplus, faces = (validate(DATASETS[name].read(shared_data).table, name) for name in ("ferplus", "real_faces"))
    assert ferplus["split"].value_counts().to_dict() == {"train": 28556, "val": 3579, "test": 3572}
    assert faces["split"].value_counts().to_dict() == {"train": 9305, "test": 1284, "val": 947}
