"""Manifests: what is accepted, and what is refused with its row and cause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.errors import ConfigError
from training.manifest import (
    EXPRESSIONS,
    SPLITS,
    au_columns,
    expression_columns,
    intensity_columns,
    labels,
    read_manifest,
    validate,
)


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
    made = table(
        AU12=[0.9, np.nan], AU01_L=[0, 1], AU12_intensity=[3, 0], happiness=[1, 0], neutral=[0, 1], mood=[3, 3]
    )
    assert au_columns(made) == ["AU01_L", "AU12"]
    assert intensity_columns(made) == ["AU12_intensity"]
    assert expression_columns(made) == ["neutral", "happiness"]
    assert np.isnan(labels(made, ["AU12", "AU45"])).tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reads_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"m{suffix}"
    made = table(AU12=[0.9, np.nan], subject=["007", "011"], activity=["1", "2"])
    made.to_csv(path, index=False) if suffix == ".csv" else made.to_parquet(path)
    read = read_manifest(path)
    assert labels(read, ["AU12"])[0] == pytest.approx(0.9)
    assert read["subject"].tolist() == ["007", "011"]
    assert read["activity"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("columns", "row", "says"),
    [
        ({"path": ["a.png", " "]}, 1, "path is empty"),
        ({"path": ["a.png", None]}, 1, "path is empty"),
        ({"path": ["a.png", "a.png"]}, 1, "twice"),
        ({"activity": ["happiness", None]}, 1, "activity is empty"),
        ({"activity": ["  ", "neutral"]}, 0, "activity is empty"),
        ({"activity": ["", ""]}, 0, "activity is empty"),
        ({"activity": [1, 2]}, 0, "no text"),
        ({"split": ["train", "dev"]}, 1, "'dev'; it must be train, val, test"),
        ({"split": ["train", None]}, 1, "split is empty"),
        ({"split": [None, "train"], "fold": [np.nan, 0]}, 0, "split is empty"),
        ({"fold": [0, -1]}, 1, "fold must be"),
        ({"fold": [0.5, 0]}, 0, "fold must be"),
        ({"fold": [0, np.inf]}, 1, "fold must be"),
        ({"fold": ["one", 0]}, 0, "'one', which is no number"),
        ({"fold": [0, 1], "subject": ["s1", None]}, 1, "no subject"),
        ({"subject": ["s1", "s1"]}, 1, "subject s1 is in the splits train and test"),
        ({"subject": ["s1", "s1"], "split": None, "fold": [0, 1]}, 1, "subject s1 is in the folds 0 and 1"),
        ({"AU12": [0.5, 1.5]}, 1, "AU12 is 1.5; it must be 0–1"),
        ({"AU12": [-0.1, 0]}, 0, "AU12 is -0.1"),
        ({"AU12": [0, np.inf]}, 1, "AU12 is inf"),
        ({"AU12": ["0.5", "yes"]}, 1, "AU12 is 'yes', which is no number"),
        ({"AU12_intensity": [5, 5.5]}, 1, "AU12_intensity is 5.5; it must be 0–5"),
        ({"neutral": [0.5, 0.5], "happiness": [0.5, 0.4]}, 1, "sum to 1"),
        ({"neutral": [1, 1], "happiness": [0, np.nan]}, 1, "some expressions are empty"),
        ({"box_x": [1, 1], "box_y": [1, 1], "box_w": [9, 9], "box_h": [9, np.nan]}, 1, "incomplete"),
        ({"box_x": [1, 1], "box_y": [1, 1], "box_w": [0, 9], "box_h": [9, 9]}, 0, "no size"),
    ],
)
def test_refuses_what_is_wrong_and_names_the_row(columns: dict[str, object], row: int, says: str) -> None:
    made = table(**columns)
    with pytest.raises(ConfigError) as caught:
        validate(made, "m.csv")
    assert str(caught.value).startswith(f"m.csv: row {row} ({made['path'][row]}): ")
    assert says in str(caught.value)


def test_counts_the_rows_that_are_wrong_alike() -> None:
    with pytest.raises(ConfigError, match=r"row 0 \(a\.png\): AU12 is 2; .* The same holds for 1 more rows\."):
        validate(table(AU12=[2, 3]), "m.csv")


@pytest.mark.parametrize(
    "columns",
    [
        {"activity": None},
        {"activity": [np.nan, np.nan]},
        {"subject": None},
        {"split": None, "fold": [0, 1]},
        {"split": ["train", "train"], "fold": [1, 0]},
        {"neutral": [1, np.nan], "happiness": [0, np.nan]},
        {"AU12": [np.nan, np.nan], "AU12_intensity": [0, 5]},
        {"box_x": [-3, np.nan], "box_y": [0, np.nan], "box_w": [9, np.nan], "box_h": [9, np.nan]},
    ],
)
def test_accepts_what_is_unknown(columns: dict[str, object]) -> None:
    assert validate(table(**columns), "m.csv") is not None


def test_refuses_a_missing_column_an_empty_table_and_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column activity"):
        validate(table().drop(columns="activity"), "m.csv")
    with pytest.raises(ConfigError, match=r"no column box_w, box_h"):
        validate(table(box_x=1, box_y=1), "m.csv")
    with pytest.raises(ConfigError, match="no rows"):
        validate(table().iloc[:0], "m.csv")
    with pytest.raises(ConfigError, match="no such manifest"):
        read_manifest(tmp_path / "none.parquet")
    for name in ("broken.parquet", "empty.csv"):
        (tmp_path / name).write_bytes(b"PAR1 no" if name.startswith("b") else b"")
        with pytest.raises(ConfigError, match="no table"):
            read_manifest(tmp_path / name)


def test_rows_are_counted_from_0_whatever_the_index() -> None:
    made = table(AU12=[0, 2]).set_axis([7, 7], axis=0)
    with pytest.raises(ConfigError, match=r"row 1 \(b\.png\)"):
        validate(made, "m.csv")
    shared = table(subject=["s1", "s1"]).set_axis([7, 7], axis=0)
    with pytest.raises(ConfigError, match=r"row 1 \(b\.png\): subject s1"):
        validate(shared, "m.csv")


def test_a_sentence_with_a_comma_needs_quotes(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("path,subject,sequence,frame,activity,split\na.png,s1,1,0,Wait, then smile.,train\n")
    with pytest.raises(ConfigError, match=r"row 0 has more fields than the header\. Put a sentence"):
        read_manifest(path)


@st.composite
def manifests(draw: st.DrawFn) -> pd.DataFrame:
    """A right manifest: subjects keep to a split and a fold; some labels are unknown."""
    rows = draw(st.integers(1, 12))
    who = draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
    homes = draw(st.lists(st.sampled_from(SPLITS), min_size=5, max_size=5))
    activities = draw(st.booleans())
    probability = st.one_of(st.just(float("nan")), st.floats(0, 1))
    votes = np.array(draw(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=rows, max_size=rows)))
    with np.errstate(invalid="ignore"):
        shares = votes / votes.sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(rows)],
            "subject": [f"s{one}" for one in who],
            "sequence": "",
            "frame": range(rows),
            "activity": ["smile at somebody"] * rows if activities else None,
            "split": [homes[one] for one in who],
            "fold": [one % 3 for one in who],
            "AU12": draw(st.lists(probability, min_size=rows, max_size=rows)),
            "AU12_intensity": draw(st.lists(st.floats(0, 5), min_size=rows, max_size=rows)),
            **dict(zip(EXPRESSIONS[:3], shares.T, strict=True)),
        }
    )


@given(manifests())
def test_right_manifests_are_taken_as_they_are(made: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(validate(made.copy(), "made"), made)


@given(
    manifests(),
    st.data(),
    st.sampled_from(
        [("AU12", 1.01), ("AU12", -1), ("AU12_intensity", 6), ("fold", -2), ("neutral", 2), ("split", "?")]
    ),
)
def test_one_wrong_cell_is_found_and_its_row_named(
    made: pd.DataFrame, data: st.DataObject, cell: tuple[str, object]
) -> None:
    row = data.draw(st.integers(0, len(made) - 1))
    name, value = cell
    made[name] = made[name].astype(object)
    made.loc[row, name] = value
    with pytest.raises(ConfigError) as caught:
        validate(made, "made")
    assert f"made: row {row} ({row}.png): " in str(caught.value)
