from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.emfacs import prototype_votes
from training.manifest import EXPRESSIONS


def face(**units: float) -> dict[str, float]:
    numbers = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 45)
    known = dict.fromkeys([f"AU{number:02d}" for number in numbers], 0.0)
    return {f"{name}_intensity": value for name, value in (known | units).items()}


@pytest.mark.parametrize(
    ("units", "expression"),
    [
        ({}, "neutral"),
        ({"AU12": 0.9, "AU45": 5.0}, "neutral"),
        ({"AU12": 1.5}, None),
        ({"AU06": 3.0, "AU12": 3.0, "AU25": 2.0}, "happiness"),
        ({"AU01": 3.0, "AU04": 2.0, "AU15": 3.0}, "sadness"),
        ({"AU01": 3.0, "AU02": 3.0, "AU05": 3.0, "AU26": 2.0}, "surprise"),
        ({"AU01": 3.0, "AU02": 3.0, "AU04": 3.0, "AU05": 3.0, "AU20": 3.0}, "fear"),
        ({"AU09": 3.0, "AU17": 2.0}, "disgust"),
        ({"AU04": 3.0, "AU07": 3.0, "AU23": 3.0}, "anger"),
        ({"AU04": 3.0}, None),
        ({"AU12": 3.0, "AU15": 2.5}, None),
        ({"AU12": 3.0, "AU12_L": 3.0, "AU12_R": 0.0}, "contempt"),
        ({"AU14": 3.0, "AU14_L": 3.0, "AU14_R": 0.5}, "contempt"),
        ({"AU14": 3.0, "AU14_L": 3.0, "AU14_R": 2.5}, None),
    ],
)
def test_prototypes(units: dict[str, float], expression: str | None) -> None:
    votes = prototype_votes(pd.DataFrame([face(**units)]))[0]
    if expression is None:
        assert np.isnan(votes).all()
    else:
        assert EXPRESSIONS[int(votes.argmax())] == expression
        assert votes.sum() == 1


def test_each_row_for_itself_and_nothing_known_is_nothing_said() -> None:
    votes = prototype_votes(pd.DataFrame([face(), face(AU12=4.0), face(AU04=4.0)]))
    assert votes.shape == (3, len(EXPRESSIONS))
    assert np.isnan(votes[2]).all()
    assert np.isnan(prototype_votes(pd.DataFrame({"path": ["a"]}))).all()
