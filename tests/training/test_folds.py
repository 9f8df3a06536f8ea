"""Folds: whole subjects, always the same ones."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clef_rt.errors import ConfigError
from training.folds import by_fold, draw_subjects
from training.manifest import validate


def table(subjects: int = 12, folds: int = 3, rows: int = 4) -> pd.DataFrame:
    who = [one for one in range(subjects) for _ in range(rows)]
    return pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(len(who))],
            "subject": [f"s{one:02d}" for one in who],
            "sequence": "",
            "frame": 0,
            "activity": None,
            "split": None,
            "fold": [one % folds for one in who],
        }
    )


@given(st.integers(6, 40), st.integers(2, 4), st.integers(0, 3), st.floats(0.01, 0.5), st.integers(0, 5))
def test_subjects_keep_to_one_split(subjects: int, folds: int, fold: int, share: float, seed: int) -> None:
    made = table(subjects, folds)
    split = validate(by_fold(made, fold % folds, val_share=share, seed=seed), "made")
    assert (split["split"] == "test").equals(made["fold"] == fold % folds)
    assert split.groupby("subject")["split"].nunique().eq(1).all()
    rest = split[split["split"] != "test"]
    drawn = rest.loc[rest["split"] == "val", "subject"].nunique()
    assert drawn == max(1, round(share * rest["subject"].nunique()))


def test_the_draw_is_the_same_whatever_the_order_of_the_rows() -> None:
    made = table()
    one, other = by_fold(made, 1), by_fold(made.sample(frac=1, random_state=1), 1)
    pd.testing.assert_frame_equal(one, other.sort_index())
    assert made["split"].isna().all()  # a copy was made
    assert not by_fold(made, 1, seed=1)["split"].equals(one["split"])
    assert set(by_fold(made, 1, val_share=0)["split"]) == {"train", "test"}


def test_refuses_what_it_cannot_split() -> None:
    with pytest.raises(ConfigError, match="no folds"):
        by_fold(table().drop(columns="fold"), 0)
    with pytest.raises(ConfigError, match=r"There is no fold 3\. There are 0, 1, 2\."):
        by_fold(table(), 3)
    with pytest.raises(ConfigError, match=r"Row 5 \(5\.png\)"):
        by_fold(table().assign(fold=lambda made: made["fold"].where(made.index != 5)), 0)
    with pytest.raises(ConfigError, match="too few"):
        by_fold(table(subjects=2, folds=2), 0)


def test_draws_about_the_share() -> None:
    assert draw_subjects([], 0.5, 0) == frozenset()
    assert draw_subjects(["a", "b"], 0, 0) == frozenset()
    assert len(draw_subjects(["a", "b", "a"], 0.01, 0)) == 1
    assert draw_subjects("hgfedcbaab", 0.4, 0) == draw_subjects("abcdefgh", 0.4, 0)
    assert len(draw_subjects(map(str, range(100)), 0.15, 0)) == 15
