from __future__ import annotations

from clef_rt.cli.sides import shown_aus


def test_sides_that_do_the_same_are_one() -> None:
    scores = {"AU04": 0.2, "AU12": 0.9, "AU12_L": 0.9, "AU12_R": 0.8, "AU25": 0.5}
    assert shown_aus(scores, 9) == [("AU12", 0.9), ("AU25", 0.5), ("AU04", 0.2)]
    assert shown_aus(scores, 1) == [("AU12", 0.9)]


def test_a_lopsided_smile_is_told_by_its_side() -> None:
    scores = {"AU12": 0.8, "AU12_L": 0.1, "AU12_R": 0.85, "AU45": 0.9}
    assert shown_aus(scores, 9) == [("AU45", 0.9), ("AU12_R", 0.85)]


def test_a_side_alone_stays() -> None:
    assert shown_aus({"AU14_L": 0.4, "AU12": 0.3}, 9) == [("AU14_L", 0.4), ("AU12", 0.3)]
    assert shown_aus({}, 3) == []
