"""RAF-DB, AffectNet, FERPlus and real_faces, from small trees in their original layouts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from clef_rt.errors import ConfigError
from training.datasets import DATASETS, ReadResult
from training.manifest import EXPRESSIONS, expression_columns, labels, validate
from training.pictures import PictureReader

VOTED = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def read(name: str, root: Path) -> ReadResult:
    made = DATASETS[name].read(root)
    validate(made.table, name)
    return made


def jpeg(path: Path, value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".jpg", np.full((20, 20, 3), value, np.uint8))[1].tobytes())


def expressions(made: ReadResult) -> list[str]:
    """Each row's one expression."""
    names = expression_columns(made.table)
    return [names[index] for index in labels(made.table, names).argmax(axis=1)]


# RAF-DB

VAL = [f"train_{number:05d}" for number in (8, 22, 37, 47, 52)]


def raf_db(root: Path, train: int = 7, test: int = 2) -> Path:
    """Labels 1, 2, … in turn."""
    names = [f"train_{n:05d}" for n in range(1, train + 1)] + [f"test_{n:04d}" for n in range(1, test + 1)]
    for name in names:
        jpeg(root / f"Image/aligned/{name}_aligned.jpg")
    (root / "EmoLabel").mkdir()
    rows = [f"{name}.jpg {index % 7 + 1}" for index, name in enumerate(names)]
    (root / "EmoLabel/list_patition_label.txt").write_text("\n".join(rows) + "\n")
    return root


def test_raf_db_by_its_layout(tmp_path: Path) -> None:
    made = read("raf_db", raf_db(tmp_path))
    assert expression_columns(made.table) == list(EXPRESSIONS[:7])  # no contempt
    assert expressions(made) == [
        *("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral", "surprise", "fear")
    ]
    assert made.table["path"][0] == "Image/aligned/train_00001_aligned.jpg"
    assert made.table["split"][7:].tolist() == ["test", "test"]
    assert set(made.table["split"][:7]) <= {"train", "val"}
    assert made.table[["activity", "subject"]].isna().all(axis=None)
    assert made.notes == ("train pictures: 12,271 published, 7 found", "test pictures: 3,068 published, 2 found")
    assert PictureReader(tmp_path).read(made.table["path"][8]).shape == (20, 20)


def test_raf_db_draws_the_same_tenth_whatever_else_is_there(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    (tmp_path / "few").mkdir()
    many = read("raf_db", raf_db(tmp_path / "many", 300)).table.set_index("sequence")["split"]
    some = read("raf_db", raf_db(tmp_path / "few", 60)).table.set_index("sequence")["split"]
    assert some.equals(many[some.index])
    assert some[some == "val"].index.tolist() == VAL  # in every process, on every machine


def test_raf_db_as_distributed_in_an_archive(tmp_path: Path) -> None:
    raf_db(tmp_path / "basic")
    with zipfile.ZipFile(tmp_path / "basic/Image/aligned.zip", "w") as archive:
        for file in sorted((tmp_path / "basic/Image/aligned").iterdir()):
            archive.write(file, f"aligned/{file.name}")
            file.unlink()
    (tmp_path / "basic/Image/aligned").rmdir()
    made = read("raf_db", tmp_path).table
    assert made["path"][0] == "basic/Image/aligned.zip!aligned/train_00001_aligned.jpg"
    assert PictureReader(tmp_path).read(made["path"][0]).shape == (20, 20)


def test_raf_db_says_what_differs(tmp_path: Path) -> None:
    raf_db(tmp_path)
    (tmp_path / "Image/aligned/train_00003_aligned.jpg").unlink()
    jpeg(tmp_path / "Image/aligned/test_9999_aligned.jpg")
    made = read("raf_db", tmp_path)
    assert "1 label without a picture, left out: Image/aligned/train_00003_aligned.jpg" in made.notes
    assert "1 picture without a label, left out: Image/aligned/test_9999_aligned.jpg" in made.notes
    assert len(made.table) == 8


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train_00008.jpg 8", r"line 10 \(train_00008\.jpg\): the label is '8'; it must be 1–7"),
        ("train_00008.jpg 0", "the label is '0'"),
        ("train_00008.jpg", "the label is ''"),
        ("valid_00008.jpg 1", r"valid_00008\.jpg is neither train_… nor test_…"),
    ],
)
def test_raf_db_labels_that_are_wrong_are_named(tmp_path: Path, line: str, says: str) -> None:
    file = raf_db(tmp_path) / "EmoLabel/list_patition_label.txt"
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(ConfigError, match=says) as caught:
        read("raf_db", tmp_path)
    assert str(file) in str(caught.value)


def test_raf_db_layouts_that_are_wrong_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"EmoLabel/list_patition_label\.txt isn't there.*docs/training\.md"):
        read("raf_db", tmp_path)
    raf_db(tmp_path)
    (tmp_path / "Image/aligned").rename(tmp_path / "Image/original")
    with pytest.raises(ConfigError, match="Image/aligned isn't there, or holds no picture"):
        read("raf_db", tmp_path)
    (tmp_path / "EmoLabel/list_patition_label.txt").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        read("raf_db", tmp_path)
    jpeg(tmp_path / "Image/aligned/train_00001.jpg")  # not the aligned ones
    (tmp_path / "EmoLabel/list_patition_label.txt").write_text("train_00001.jpg 5\n")
    with pytest.raises(ConfigError, match="None of 1 labelled pictures is there"):
        read("raf_db", tmp_path)


# AffectNet


def affectnet_lists(root: Path) -> Path:
    """Expressions 0 to 10 in turn, in train and in test; the validation list has no header, as some copies."""
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    for name, first in (("training", header), ("validation", "")):
        rows = []
        for code in range(11):
            path = f"{code}/{name}{code}.JPG"
            jpeg(root / "Manually_Annotated_Images" / path)
            box = {3: "NULL,NULL,NULL,NULL", 4: "1,2,0,9"}.get(code, f"{code},2,10,12")
            rows.append(f"{path},{box},1.0;2.0;3.0,{code},0.1,-2\n")
        file = root / f"Manually_Annotated_file_lists/{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(first + "".join(rows))
    return root


def affectnet_folders(root: Path) -> Path:
    """The smaller download: expressions 0 to 7 in turn, as text and as numbers."""
    for name in ("train_set", "val_set"):
        for code in range(8):
            jpeg(root / name / f"images/{10 + code}.jpg")
            (root / name / "annotations").mkdir(parents=True, exist_ok=True)
            np.save(root / name / f"annotations/{10 + code}_exp.npy", str(code) if code % 2 else code)
            np.save(root / name / f"annotations/{10 + code}_val.npy", "0.5")
    return root


@pytest.mark.parametrize(("name", "classes"), [("affectnet7", 7), ("affectnet8", 8)])
def test_affectnet_by_its_lists(tmp_path: Path, name: str, classes: int) -> None:
    made = read(name, affectnet_lists(tmp_path))
    table = made.table
    assert expression_columns(table) == list(EXPRESSIONS[:classes])
    assert expressions(made) == list(EXPRESSIONS[:classes]) * 2
    assert table["path"][0] == "Manually_Annotated_Images/0/training0.JPG"
    assert set(table["split"][:classes]) <= {"train", "val"}
    assert set(table["split"][classes:]) == {"test"}
    assert table.loc[2, ["box_x", "box_y", "box_w", "box_h"]].tolist() == [2, 2, 10, 12]
    assert table.loc[3:4, ["box_x", "box_y", "box_w", "box_h"]].isna().all(axis=None)
    assert table[["activity", "subject"]].isna().all(axis=None)
    assert "2 pictures labelled uncertain, left out" in made.notes
    assert ("2 pictures labelled contempt, left out" in made.notes) == (classes == 7)
    assert "train happiness: 134,415 published, 1 found" in made.notes
    assert "test anger: 500 published, 1 found" in made.notes
    assert any("contempt: 3,750 published" in note for note in made.notes) == (classes == 8)
    assert PictureReader(tmp_path).read(table["path"][1]).shape == (20, 20)


@pytest.mark.parametrize(("name", "classes"), [("affectnet7", 7), ("affectnet8", 8)])
def test_affectnet_by_its_folders(tmp_path: Path, name: str, classes: int) -> None:
    affectnet_folders(tmp_path / "AffectNet")
    made = read(name, tmp_path)
    assert expressions(made) == list(EXPRESSIONS[:classes]) * 2
    assert made.table["path"][1] == "AffectNet/train_set/images/11.jpg"
    assert made.table["sequence"][1] == "train_set/11"
    assert set(made.table["split"][classes:]) == {"test"}
    assert "box_x" not in made.table.columns
    assert "test fear: 500 published, 1 found" in made.notes


def test_affectnet_lists_say_what_differs(tmp_path: Path) -> None:
    affectnet_lists(tmp_path)
    training = tmp_path / "Manually_Annotated_file_lists/training.csv"
    training.write_text(
        training.read_text() + "1/training1.JPG,0,0,9,9,,1,0,0\nbroken row\n9/gone.jpg,0,0,9,9,,1,0,0\n"
    )
    jpeg(tmp_path / "Manually_Annotated_Images/9/spare.jpg")
    made = read("affectnet8", tmp_path)
    assert "training.csv: 1 row without a path or an expression, left out: 12" in made.notes
    assert "1 row of pictures listed before, left out: Manually_Annotated_Images/1/training1.JPG" in made.notes
    assert "1 label without a picture, left out: Manually_Annotated_Images/9/gone.jpg" in made.notes
    assert "1 picture without a label, left out: Manually_Annotated_Images/9/spare.jpg" in made.notes


def test_affectnet_folders_say_what_differs(tmp_path: Path) -> None:
    affectnet_folders(tmp_path)
    (tmp_path / "train_set/images/12.jpg").unlink()
    (tmp_path / "val_set/annotations/13_exp.npy").unlink()
    made = read("affectnet8", tmp_path)
    assert "train_set: 1 annotation without a picture, left out: 12" in made.notes
    assert "val_set: 1 picture without an annotation, left out: 13" in made.notes
    assert len(made.table) == 14


def test_affectnet_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"isn't there.*docs/training\.md"):
        read("affectnet8", tmp_path)
    affectnet_lists(tmp_path / "a")
    file = tmp_path / "a/Manually_Annotated_file_lists/validation.csv"
    file.write_text(file.read_text().replace(",8,0.1", ",11,0.1"))
    with pytest.raises(ConfigError, match=r"validation\.csv: row 8 \(8/validation8\.JPG\): the expression is 11"):
        read("affectnet7", tmp_path / "a")
    file.unlink()
    with pytest.raises(ConfigError, match=r"validation\.csv isn't there"):
        read("affectnet7", tmp_path / "a")
    affectnet_folders(tmp_path / "b")
    np.save(tmp_path / "b/val_set/annotations/11_exp.npy", 8)
    with pytest.raises(ConfigError, match=r"11_exp\.npy: the expression is 8; it must be 0–7"):
        read("affectnet8", tmp_path / "b")
    (tmp_path / "b/val_set/annotations/11_exp.npy").write_bytes(b"no array")
    with pytest.raises(ConfigError, match=r"11_exp\.npy can't be read"):
        read("affectnet8", tmp_path / "b")


# FERPlus

VOTES = (
    "Training,fer0000000.png,6,3,0,0,1,0,0,0,0,0",  # the single vote for anger is an outlier
    "PrivateTest,fer0000001.png,0,0,0,1,2,0,0,0,7,0",  # unknown is left out
    "Training,,0,0,0,0,0,0,0,0,0,10",  # no face, no name
    "PublicTest,fer0000003.png,0,4,4,0,0,0,0,0,0,2",  # a tie
    "Training,fer0000004.png,0,0,0,0,0,0,0,0,0,10",  # named, but nobody gave an expression
)


def ferplus(root: Path) -> Path:
    """As Kaggle and the FERPlus repository give it; the pixels of row r are r, r + 1, …"""
    (root / "fer2013new.csv").write_text(f"Usage,Image name,{VOTED}\n" + "\n".join(VOTES) + "\n")
    rows = []
    for row, votes in enumerate(VOTES):
        pixels = " ".join(str((row + pixel) % 256) for pixel in range(48 * 48))
        rows.append(f"{row % 7},{pixels},{votes.split(',')[0]}")
    (root / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    return root


def test_ferplus_by_its_layout(tmp_path: Path) -> None:
    made = read("ferplus", ferplus(tmp_path))
    assert made.table["split"].tolist() == ["train", "test", "val"]
    assert made.table["activity"].tolist() == ["neutral", "anger", "happiness"]
    shares = labels(made.table, EXPRESSIONS)
    assert shares[0, :2].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert shares[1, EXPRESSIONS.index("anger")] == 1
    assert shares[2, [EXPRESSIONS.index(name) for name in ("happiness", "surprise")]].tolist() == [0.5, 0.5]
    assert made.notes == (
        "ferplus_48.npz made from fer2013.csv and fer2013new.csv",
        "pictures with a name: 35,714 published, 4 found",
        "1 picture that nobody gave an expression, left out",
    )
    pictures = [PictureReader(tmp_path).read(path) for path in made.table["path"]]
    assert [int(picture[0, 0]) for picture in pictures] == [0, 1, 3]  # by the votes' rows
    assert pictures[2][1, 0] == 3 + 48
    assert pictures[0].shape == (48, 48)
    again = read("ferplus", tmp_path)
    assert again.table.equals(made.table)
    assert "made from" not in again.notes[0]


def test_ferplus_by_majority(tmp_path: Path) -> None:
    (tmp_path / "ferplus").mkdir()
    ferplus(tmp_path / "ferplus")
    made = read("ferplus_majority", tmp_path)
    assert expressions(made) == ["neutral", "anger", "happiness"]  # the tie falls to the first column
    assert labels(made.table, EXPRESSIONS).max(axis=1).tolist() == [1, 1, 1]
    assert made.table["activity"].isna().all()
    assert made.table["path"][0] == "ferplus/ferplus_48.npz!0"


def test_ferplus_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"isn't there.*docs/training\.md"):
        read("ferplus", tmp_path)
    ferplus(tmp_path)
    votes, pictures = tmp_path / "fer2013new.csv", tmp_path / "fer2013.csv"
    right = votes.read_text(), pictures.read_text()
    faults = [
        (votes, right[0].replace("contempt", "scorn"), "isn't FERPlus"),
        (votes, right[0].replace("PublicTest", "Test"), "row 3: the Usage or a number"),
        (votes, right[0].replace("6,3,0", "6,300,0"), "row 0: the Usage or a number"),
        (votes, right[0].replace("6,3,0", "6,x,0"), "isn't FERPlus"),
        (pictures, right[1].replace("pixels", "picture"), "isn't FER2013"),
        (pictures, right[1].replace("0 1 2 3 4 ", "0 1 2 ", 1), "row 0: the pixels aren't 2,304 numbers"),
        (
            pictures,
            right[1].replace("1 2 3 4 5 6 ", "1 2 300 4 5 6 ", 1),
            "row 0: the pixels aren't 2,304 numbers",
        ),
        (pictures, "\n".join(right[1].splitlines()[:-1]), r"fer2013\.csv has 4 rows, but .* has 5"),
        (pictures, right[1].replace("PublicTest", "Training"), r"Row 3 of .*: the Usage differs"),
    ]
    for file, text, says in faults:
        votes.write_text(right[0])
        pictures.write_text(right[1])
        file.write_text(text)
        with pytest.raises(ConfigError, match=says):
            read("ferplus", tmp_path)
        assert not (tmp_path / "ferplus_48.npz").exists()
    (tmp_path / "ferplus_48.npz").write_bytes(b"PK no")
    with pytest.raises(ConfigError, match=r"ferplus_48\.npz isn't FERPlus"):
        read("ferplus", tmp_path)
    names = np.array(VOTED.split(","))
    np.savez(
        tmp_path / "ferplus_48.npz",
        images=np.zeros((2, 48, 48), np.uint8),
        votes=np.ones((2, 10), np.uint8),
        vote_names=names,
        split=np.array([0, 3]),
    )
    with pytest.raises(ConfigError, match="don't fit"):
        read("ferplus", tmp_path)


# real_faces


def real_faces(root: Path, *names: str) -> Path:
    (root / "real_faces").mkdir()
    with zipfile.ZipFile(root / "real_faces/real_faces.zip", "w") as archive:
        archive.writestr("labels.csv", "file,subject,label,split\nx.jpg,007,happiness,val\ny.jpg,011,anger,train\n")
        archive.writestr("images/", b"")
        for name in names:
            archive.writestr(f"images/{name}", cv2.imencode(".jpg", np.full((20, 30), 77, np.uint8))[1].tobytes())
    return root


def test_real_faces_by_its_layout(tmp_path: Path) -> None:
    made = read("real_faces", real_faces(tmp_path, "x.jpg", "y.jpg"))
    assert made.table.iloc[0][["subject", "activity", "split"]].tolist() == ["real_faces-007", "happiness", "val"]
    assert PictureReader(tmp_path).read(made.table["path"][0]).shape == (20, 30)
    assert made.notes == ()


def test_real_faces_says_what_differs(tmp_path: Path) -> None:
    made = read("real_faces", real_faces(tmp_path, "x.jpg", "z.jpg"))
    assert "1 label without a picture, left out: real_faces/real_faces.zip!images/y.jpg" in made.notes
    assert "1 picture without a label, left out: real_faces/real_faces.zip!images/z.jpg" in made.notes
    (tmp_path / "real_faces/real_faces.zip").write_bytes(b"no")
    with pytest.raises(ConfigError, match="isn't real_faces"):
        read("real_faces", tmp_path)


# All


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_that_is_elsewhere_says_what_was_looked_for(name: str, tmp_path: Path) -> None:
    assert DATASETS[name].name == name
    with pytest.raises(ConfigError, match=r"isn't there\. Give the folder that holds .*; docs/training\.md"):
        read(name, tmp_path)


def test_the_real_datasets(shared_data: Path) -> None:
    ferplus, majority, faces = (read(name, shared_data) for name in ("ferplus", "ferplus_majority", "real_faces"))
    for made in (ferplus, majority):
        assert made.table["split"].value_counts().to_dict() == {"train": 28556, "val": 3579, "test": 3572}
        assert "3 pictures that nobody gave an expression, left out" in made.notes
    counts = dict(zip(*np.unique(expressions(majority), return_counts=True), strict=True))
    assert [counts[name] for name in EXPRESSIONS] == [13011, 9367, 4414, 4493, 825, 253, 3123, 221]
    assert faces.table["split"].value_counts().to_dict() == {"train": 9305, "test": 1284, "val": 947}
    assert faces.notes == ()
