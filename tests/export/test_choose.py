"""Which crops are compared on, and which calibrate: never the same, and never made-up ones to calibrate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clef_rt.bundle.spec import Groups, InputSpec
from clef_rt.errors import BundleError, ConfigError
from export.choose import choose_crops
from export.kinds import Variant
from export.variants import calibration_source
from tests.rigs.bundles import make_groups, make_spec
from tests.rigs.prepared import write_prepared

SPEC: InputSpec = make_spec().input
GROUPS: Groups = make_groups(())


def numbered(count: int, size: int = 16, channels: int = 1) -> NDArray[np.uint8]:
    """Crops that tell which they are."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, size, size, channels)).copy()


def numbers(crops: NDArray[np.uint8] | None) -> list[int]:
    assert crops is not None
    return [int(number) for number in crops[:, 0, 0, 0]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 prepared faces: each third to test on, each third but one to validate on; some of them labelled."""
    splits = ["train", "val", "test"] * 6 + ["train"] * 2
    happy = np.where(np.arange(20) % 2, 1.0, np.nan)
    return write_prepared(
        tmp_path / "faces", numbered(20), splits, AU01=happy, happiness=happy, neutral=1 - happy, sadness=1 - happy
    )


def test_of_a_prepared_folder_train_calibrates_and_test_is_compared(folder: Path) -> None:
    crops, calibration = choose_crops(folder, folder, SPEC, GROUPS)
    assert numbers(crops.faces) == [2, 5, 8, 11, 14, 17]
    assert numbers(calibration) == [0, 3, 6, 9, 12, 15, 18, 19]
    assert crops.source == "faces, split test"


def test_the_labels_of_a_prepared_folder_come_in_the_order_of_the_bundle(folder: Path) -> None:
    crops, _ = choose_crops(folder, None, SPEC, GROUPS)
    assert [label.name for label in GROUPS.au.labels] == ["AU01", "AU12_L"]
    assert np.array_equal(crops.aus, [[v, np.nan] for v in [np.nan, 1] * 3], equal_nan=True)
    assert np.array_equal(crops.votes, [[v - v, v, v - v] for v in [np.nan, 1] * 3], equal_nan=True)


def test_without_a_test_split_val_is_compared(tmp_path: Path) -> None:
    folder = write_prepared(tmp_path / "faces", numbered(6), ["train", "val"] * 3)
    assert numbers(choose_crops(folder, None, SPEC, GROUPS)[0].faces) == [1, 3, 5]


def test_without_either_it_is_said(tmp_path: Path) -> None:
    folder = write_prepared(tmp_path / "faces", numbered(6), ["train"] * 6)
    with pytest.raises(ConfigError, match="no face of the split test"):
        choose_crops(folder, None, SPEC, GROUPS)


def test_a_fold_decides_what_is_compared(tmp_path: Path) -> None:
    folder = write_prepared(tmp_path / "faces", numbered(12), [""] * 12, fold=[1, 2, 3] * 4)
    crops, calibration = choose_crops(folder, folder, SPEC, GROUPS, fold=2)
    assert numbers(crops.faces) == [1, 4, 7, 10]
    assert not set(numbers(calibration)) & {1, 4, 7, 10}
    with pytest.raises(ConfigError, match="is in 3 folds"):
        choose_crops(folder, None, SPEC, GROUPS)


def test_crops_that_are_given_for_calibration_alone_are_halved(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", numbered(9))
    crops, calibration = choose_crops(None, tmp_path / "a.npy", SPEC, GROUPS)
    assert numbers(calibration) == [0, 2, 4, 6, 8]
    assert numbers(crops.faces) == [1, 3, 5, 7]
    assert np.isnan(crops.aus).all()
    assert crops.aus.shape == (4, 2)
    (tmp_path / "x").mkdir()
    again, _ = choose_crops(tmp_path / "x" / ".." / "a.npy", tmp_path / "a.npy", SPEC, GROUPS)
    assert numbers(again.faces) == [1, 3, 5, 7]


def test_two_sources_are_taken_whole(tmp_path: Path, folder: Path) -> None:
    np.save(tmp_path / "a.npy", numbered(9))
    crops, calibration = choose_crops(tmp_path / "a.npy", folder, SPEC, GROUPS)
    assert numbers(crops.faces) == list(range(9))
    assert len(numbers(calibration)) == 8
    assert crops.source == "a.npy"


def test_nothing_given_is_made_up_and_calibrates_nothing() -> None:
    crops, calibration = choose_crops(None, None, SPEC, GROUPS)
    assert (len(crops.faces), crops.source, calibration) == (64, "made up", None)


def test_one_crop_is_too_few_for_both(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", numbered(1))
    with pytest.raises(BundleError, match="one crop can't be both"):
        choose_crops(None, tmp_path / "a.npy", SPEC, GROUPS)


def test_many_crops_are_thinned_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.choose.MAX_CROPS", 3)
    monkeypatch.setattr("export.choose.MAX_CALIBRATION", 4)
    folder = write_prepared(tmp_path / "faces", numbered(20), ["test", "train"] * 10)
    crops, calibration = choose_crops(folder, folder, SPEC, GROUPS)
    assert numbers(crops.faces) == [0, 8, 18]
    assert numbers(calibration) == [1, 7, 13, 19]


def test_larger_crops_are_shrunk_and_others_are_refused(tmp_path: Path) -> None:
    large = write_prepared(tmp_path / "large", numbered(4, 24), ["test"] * 4)
    assert choose_crops(large, None, SPEC, GROUPS)[0].faces.shape == (4, 16, 16, 1)
    small = write_prepared(tmp_path / "small", numbered(4, 8), ["test"] * 4)
    with pytest.raises(ConfigError, match="of 8 px, not 16"):
        choose_crops(small, None, SPEC, GROUPS)
    rgb = write_prepared(tmp_path / "rgb", numbered(4, 16, 3), ["test"] * 4)
    with pytest.raises(BundleError, match=r"3 channel\(s\); the encoder takes 1"):
        choose_crops(rgb, None, SPEC, GROUPS)


def test_int8_calibrates_on_what_is_given_for_it_else_on_what_is_compared() -> None:
    a, b = Path("a"), Path("b")
    assert calibration_source([Variant.INT8], a, b) == a
    assert calibration_source([Variant.FP16, Variant.INT8], None, b) == b
    assert calibration_source([Variant.FP16], None, b) is None


def test_int8_without_real_faces_names_the_mend() -> None:
    with pytest.raises(ConfigError, match=r"INT8 is calibrated on real faces.*Give --calibrate"):
        calibration_source([Variant.INT8], None, None)
    with pytest.raises(ConfigError, match=r"Only INT8 is calibrated.*--variant int8"):
        calibration_source([Variant.FP16], Path("a"), None)
