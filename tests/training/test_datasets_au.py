"""BP4D, BP4D+ and DISFA, from small trees in their original layouts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from clef_rt.errors import ConfigError
from training.datasets import DATASETS, ReadResult
from training.datasets.bp4d import _FOLDS as BP4D_FOLDS
from training.datasets.bp4d_plus import _FOLDS as PLUS_FOLDS
from training.datasets.disfa import _FOLDS as DISFA_FOLDS
from training.manifest import au_columns, intensity_columns, validate
from training.pictures import PictureReader

# The columns of the real files: a 0 for the frame, then 34 Action Units.
HEADER = "0,1,2,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,22,23,24,27,28,29,30,31,32,33,34,35,36,37,38,39"
BP4D_AUS = [f"AU{au:02d}" for au in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)]


def read(name: str, root: Path) -> ReadResult:
    made = DATASETS[name].read(root)
    validate(made.table, name)
    return made


def jpeg(value: int) -> bytes:
    return cv2.imencode(".jpg", np.full((24, 32, 3), value, np.uint8))[1].tobytes()


def occurrence(frames: range, **present: str) -> str:
    """A coded table: 0 everywhere, but the Action Units of `present`, such as AU12="019", one character a frame."""
    names = HEADER.split(",")[1:]
    rows = [HEADER]
    for index, frame in enumerate(frames):
        codes = [present.get(f"AU{int(name):02d}", "0" * len(frames))[index] for name in names]
        rows.append(",".join([str(frame), *codes]))
    return "\n".join(rows) + "\n"


def bp4d(root: Path, pictures: str = "2D+3D") -> Path:
    """F001 and M003 in T1 and T8: frames 2440 to 2442 are coded, 2443 is there as well."""
    for subject in ("F001", "M003"):
        for task in ("T1", "T8"):
            folder = root / pictures / subject / task
            folder.mkdir(parents=True)
            for frame in range(2440, 2444):
                (folder / f"{frame}.jpg").write_bytes(jpeg(frame - 2400))
            (folder / "2440.mtl").touch()  # the 3D models lie beside
            write(root, f"AU_OCC/{subject}_{task}.csv", occurrence(range(2440, 2443), AU12="119", AU24="100"))
            for au in ("06", "10", "12", "14", "17"):
                write(root, f"AU_INT/AU{au}/{subject}_{task}_AU{au}.csv", "2440,5\n2441,0\n2442,9\n")
    return root


def write(root: Path, name: str, text: str) -> None:
    file = root / "AUCoding" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_folds_are_those_of_the_literature() -> None:
    for folds, women, men in ((BP4D_FOLDS, 23, 18), (PLUS_FOLDS, 82, 58)):
        subjects = " ".join(folds).split()
        assert sorted(subjects) == [f"F{n:03d}" for n in range(1, women + 1)] + [f"M{n:03d}" for n in range(1, men + 1)]
    assert [len(fold.split()) for fold in PLUS_FOLDS] == [35] * 4
    assert [len(fold.split()) for fold in DISFA_FOLDS] == [9] * 3
    assert len(set(" ".join(DISFA_FOLDS).split())) == 27


@pytest.mark.parametrize("pictures", ["2D+3D", "Sequences(2D+3D)"])
def test_bp4d_by_its_layout(tmp_path: Path, pictures: str) -> None:
    made = read("bp4d", bp4d(tmp_path, pictures)).table
    assert len(made) == 2 * 2 * 3
    assert au_columns(made) == BP4D_AUS
    assert intensity_columns(made) == [f"AU{au:02d}_intensity" for au in (6, 10, 12, 14, 17)]
    first = made.iloc[0]
    assert first["path"] == f"{pictures}/F001/T1/2440.jpg"
    assert first[["subject", "sequence", "frame", "activity", "fold"]].tolist() == [
        "bp4d-F001",
        "F001_T1",
        2440,
        "T1",
        0,
    ]
    assert made["split"].isna().all()
    assert set(zip(made["subject"], made["fold"], strict=True)) == {("bp4d-F001", 0), ("bp4d-M003", 2)}
    session = made[made["sequence"] == "M003_T8"]
    assert session["activity"].tolist() == ["T8"] * 3
    assert session["AU12"].tolist() == pytest.approx([1, 1, np.nan], nan_ok=True)  # 9 is unknown
    assert session["AU24"].tolist() == [1, 0, 0]
    assert session["AU12_intensity"].tolist() == pytest.approx([5, 0, np.nan], nan_ok=True)
    assert PictureReader(tmp_path).read(session["path"].iloc[2]).mean() == pytest.approx(42, abs=1)


def test_bp4d_in_the_folder_above(tmp_path: Path) -> None:
    bp4d(tmp_path / "BP4D")
    assert read("bp4d", tmp_path).table["path"][0] == "BP4D/2D+3D/F001/T1/2440.jpg"


def test_bp4d_pictures_with_padded_names_in_archives(tmp_path: Path) -> None:
    write(tmp_path, "AU_OCC/F001_T1.csv", occurrence(range(7, 9)))
    (tmp_path / "2D+3D").mkdir()
    with zipfile.ZipFile(tmp_path / "2D+3D/F001.zip", "w") as archive:
        for frame in (7, 8):
            archive.writestr(f"F001/T1/{frame:04d}.jpg", jpeg(frame))
    made = read("bp4d", tmp_path)
    assert made.table["path"].tolist() == [f"2D+3D/F001.zip!F001/T1/000{frame}.jpg" for frame in (7, 8)]
    assert PictureReader(tmp_path).read(made.table["path"][1]).shape == (24, 32)
    (tmp_path / "2D+3D/F001.zip").write_bytes(b"PK no")
    with pytest.raises(ConfigError, match=r"F001\.zip can't be read"):
        read("bp4d", tmp_path)


def test_bp4d_says_what_differs(tmp_path: Path) -> None:
    bp4d(tmp_path)
    (tmp_path / "AUCoding/AU_OCC/M003_T8.csv").unlink()
    (tmp_path / "AUCoding/AU_INT/AU06/F001_T1_AU06.csv").unlink()
    (tmp_path / "AUCoding/AU_INT/AU10/F001_T1_AU10.csv").write_text("2440,1\n2441,1\n2442,1\n2443,1\n")
    (tmp_path / "2D+3D/F001/T1/2441.jpg").unlink()
    for picture in (tmp_path / "2D+3D/F001/T8").iterdir():
        picture.unlink()
    write(tmp_path, "AU_OCC/F099_T1.csv", occurrence(range(1, 2)))
    (tmp_path / "AUCoding/AU_INT/AU12/F001_T1_AU12.csv").write_text("2442,4\n2440,3\n")
    made = read("bp4d", tmp_path)
    notes = "\n".join(made.notes)
    assert "41 subjects published, 2 found; missing: F002, F003, F004, F005, F006 and 34 more" in notes
    assert "subjects that aren't published, left out: F099" in notes
    assert "13 coded tables missing: AUCoding/AU_OCC/F001_T2.csv" in notes
    assert "1 table of intensities missing: AUCoding/AU_INT/AU06/F001_T1_AU06.csv" in notes
    assert (
        "1 intensity value of frames without occurrences, left out: AUCoding/AU_INT/AU10/F001_T1_AU10.csv (1)" in notes
    )
    assert "1 coded frame without a picture, left out: F001_T1 (1)" in notes
    assert "1 session without any picture: F001_T8" in notes
    assert "coded frames: 146,847 published, 9 found" in notes
    assert "coded sessions: 328 published, 3 found" in notes
    kept = made.table[made.table["sequence"] == "F001_T1"]
    assert kept["frame"].tolist() == [2440, 2442]
    assert kept["AU06_intensity"].isna().all()
    assert kept["AU12_intensity"].tolist() == [3, 4]  # by their frames
    assert set(made.table["sequence"]) == {"F001_T1", "M003_T1"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (occurrence(range(1, 3), AU12="07"), r"row 1 \(frame 2\): column 12 is 7; it must be 0, 1, or 9"),
        (occurrence(range(1, 3)).replace("2,0,", "2,,"), r"row 1 \(frame 2\): column 1 is nan"),
        (occurrence(range(1, 3)).replace("\n2,", "\nx,"), r"row 1: x is no frame number"),
        (occurrence(range(1, 3)).replace("\n2,", "\n1,"), r"row 1: frame 1 is there twice"),
        ("0,1,2\n1,0,0\n", "no column for AU 4, 6, 7, 10"),
        ("0\n1\n", "single column"),
        ("", "can't be read"),
        ("0,1\n1,0,0,0\n2,0\n3,0,0,0,0,0\n", "can't be read"),
    ],
)
def test_bp4d_tables_that_are_wrong_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = bp4d(tmp_path) / "AUCoding/AU_OCC/F001_T1.csv"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        read("bp4d", tmp_path)
    assert str(file) in str(caught.value)


def test_bp4d_intensities_that_are_wrong_are_named(tmp_path: Path) -> None:
    (bp4d(tmp_path) / "AUCoding/AU_INT/AU14/M003_T1_AU14.csv").write_text("2440,5\n2441,6\n")
    with pytest.raises(
        ConfigError, match=r"M003_T1_AU14\.csv: row 1 \(frame 2441\): the code is 6; it must be 0, 1, 2"
    ):
        read("bp4d", tmp_path)


def test_bp4d_layouts_that_are_wrong_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"AUCoding/AU_OCC isn't there.*docs/training\.md"):
        read("bp4d", tmp_path)
    write(tmp_path, "AU_OCC/F001_T1.csv", occurrence(range(1, 2)))
    with pytest.raises(ConfigError, match=r"2D\+3D isn't there"):
        read("bp4d", tmp_path)
    (tmp_path / "2D+3D").mkdir()
    with pytest.raises(ConfigError, match="no picture of a coded frame"):
        read("bp4d", tmp_path)


def test_bp4d_plus_counts_pictures_from_0_and_takes_uncoded_tasks(tmp_path: Path) -> None:
    write(tmp_path, "AU_OCC/F082_T1.csv", occurrence(range(1, 4), AU01="100"))
    for task, count in (("T1", 4), ("T10", 21)):
        (tmp_path / "2D+3D/F082" / task).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "2D+3D/F082" / task / f"{number:04d}.jpg").write_bytes(jpeg(number))
    made = read("bp4d_plus", tmp_path)
    coded = made.table[made.table["activity"] == "T1"]
    assert coded["path"].tolist() == [f"2D+3D/F082/T1/{number:04d}.jpg" for number in range(3)]
    assert coded["frame"].tolist() == [1, 2, 3]
    assert coded["AU01"].tolist() == [1, 0, 0]
    rest = made.table[made.table["activity"] == "T10"]
    assert rest["path"].tolist() == [f"2D+3D/F082/T10/{number:04d}.jpg" for number in (0, 10, 20)]
    assert rest[BP4D_AUS].isna().all(axis=None)
    assert set(made.table["subject"]) == {"bp4d_plus-F082"}
    assert set(made.table["fold"]) == {3}
    assert "coded sessions: 560 published, 1 found" in made.notes


def disfa(root: Path, frames: int = 12) -> Path:
    """SN001 and SN032 with labels of frames 1 to `frames`, intensity = frame modulo 6; each video has 12 frames."""
    (root / "Videos_LeftCamera").mkdir(parents=True)
    for subject in ("SN001", "SN032"):
        folder = root / "ActionUnit_Labels" / subject
        folder.mkdir(parents=True)
        for au in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26):
            rows = "".join(f"{frame},{frame % 6}\n" for frame in range(1, frames + 1))
            (folder / f"{subject}_au{au}.txt").write_text(rows)
        with av.open(str(root / f"Videos_LeftCamera/LeftVideo{subject}_comp.avi"), "w") as file:
            stream = file.add_stream("mpeg4", rate=20)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.max_b_frames = 2  # stored in another order than shown
            for value in range(12):
                picture = np.full((48, 64, 3), 20 * value, np.uint8)
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
            file.mux(stream.encode(None))
    return root


def test_disfa_by_its_layout(tmp_path: Path) -> None:
    made = read("disfa", disfa(tmp_path)).table
    assert len(made) == 24
    assert au_columns(made) == [f"AU{au:02d}" for au in (1, 2, 4, 6, 9, 12, 25, 26)]
    assert intensity_columns(made) == [f"{name}_intensity" for name in au_columns(made)]
    assert made["path"][:2].tolist() == [f"Videos_LeftCamera/LeftVideoSN001_comp.avi!{frame}" for frame in (0, 1)]
    assert made["frame"][:2].tolist() == [0, 1]
    assert made["AU26_intensity"][:6].tolist() == [1, 2, 3, 4, 5, 0]
    assert made["AU26"][:6].tolist() == [0, 1, 1, 1, 1, 0]  # present from 2 on
    assert set(zip(made["subject"], made["fold"], strict=True)) == {("disfa-SN001", 0), ("disfa-SN032", 0)}
    assert made["activity"].isna().all()
    assert made["split"].isna().all()
    assert PictureReader(tmp_path).read(made["path"][5]).mean() == pytest.approx(100, abs=8)


def test_disfa_says_what_differs(tmp_path: Path) -> None:
    disfa(tmp_path, frames=14)
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au9.txt").unlink()
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au4.txt").write_text("1,0\n2,3\n")
    (tmp_path / "Videos_LeftCamera/LeftVideoSN032_comp.avi").unlink()
    (tmp_path / "ActionUnit_Labels/SN099").mkdir()
    made = read("disfa", tmp_path)
    assert "27 subjects published, 2 found; missing: SN002, SN003, SN004, SN005, SN006 and 20 more" in made.notes
    assert "subjects that aren't published, left out: SN099" in made.notes
    assert "ActionUnit_Labels/SN001/SN001_au9.txt is missing: AU 9 unknown for SN001" in made.notes
    assert "ActionUnit_Labels/SN001: fewer frames than in other files for AU04" in made.notes
    assert "Videos_LeftCamera/LeftVideoSN032_comp.avi is missing, with 14 coded frames" in made.notes
    assert "Videos_LeftCamera/LeftVideoSN001_comp.avi has 12 frames: 2 labels beyond them, left out" in made.notes
    assert "coded frames: 130,814 published, 28 found" in made.notes
    assert made.table["AU09"].isna().all()
    assert made.table["AU04"].tolist() == pytest.approx([0, 1] + [np.nan] * 10, nan_ok=True)


def test_disfa_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ActionUnit_Labels isn't there.*docs/training\.md"):
        read("disfa", tmp_path)
    disfa(tmp_path)
    labels = tmp_path / "ActionUnit_Labels/SN001/SN001_au6.txt"
    labels.write_text("1,0\n2,7\n")
    with pytest.raises(ConfigError, match=r"SN001_au6\.txt: row 1 \(frame 2\): the code is 7"):
        read("disfa", tmp_path)
    labels.write_text("1,0\n")
    (tmp_path / "Videos_LeftCamera/LeftVideoSN001_comp.avi").write_bytes(b"no video")
    with pytest.raises(ConfigError, match=r"LeftVideoSN001_comp\.avi can't be read"):
        read("disfa", tmp_path)
    for video in (tmp_path / "Videos_LeftCamera").iterdir():
        video.unlink()
    with pytest.raises(ConfigError, match="no subject with labels and a video"):
        read("disfa", tmp_path)
