"""The paper's tables and ours beside them, as text and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from training.datasets import DATASETS
from training.evaluation import action_units, beside, calibration, expressions, plots
from training.evaluation.bootstrap import resample
from training.evaluation.paper import ablation_sheet, load_paper, published_sheets, zero_shot_sheet
from training.evaluation.sheets import Sheet
from training.manifest import EXPRESSIONS


def au_figures(names: tuple[str, ...], noise: float = 0.3, n: int = 400) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    truth = (rng.random((n, len(names))) < 0.4).astype(np.float32)
    scores = np.clip(0.25 + 0.5 * truth + rng.normal(0, noise, truth.shape), 0, 1).astype(np.float32)
    who = (np.arange(n) % 14).astype(str).astype(object)
    return action_units.figures(scores, truth, names, {}, resample(who, 100), load_paper().action_units["disfa"].aus)


def expression_figures(names: tuple[str, ...] = EXPRESSIONS, n: int = 400, skill: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    votes = np.eye(len(names), dtype=np.float32)[rng.integers(0, len(names), n)]
    scores = rng.random(votes.shape).astype(np.float32) + skill * votes
    return expressions.figures(scores, votes, names, resample(np.full(n, None, object), 100))


def test_the_published_means_are_those_of_their_rows() -> None:
    tables = load_paper().action_units
    means = {name: np.mean(table.clef.per_au) for name, table in tables.items() if table.clef.per_au}
    assert means["bp4d"] == pytest.approx(65.9, abs=0.06)
    assert means["disfa"] == pytest.approx(64.8, abs=0.06)
    assert means["bp4d_plus"] == pytest.approx(62.7, abs=0.06)  # not the quoted 63.1: said in the note
    assert "62.7" in tables["bp4d_plus"].clef.note
    assert set(tables) | set(load_paper().expressions) <= set(DATASETS)


def test_the_ablation_and_the_tables_agree() -> None:
    paper = load_paper()
    whole = [row for row in paper.ablation.rows if len(row.parts) == 5]
    assert len(paper.ablation.rows) == 13
    assert [(row.bp4d, row.raf_db) for row in whole] == [
        (paper.action_units["bp4d"].clef.mean, paper.expressions["raf_db"].clef.accuracy)
    ]


def test_ours_stands_beside_the_papers() -> None:
    names = load_paper().action_units["disfa"].aus
    own, methods = beside.action_unit_sheets("disfa", au_figures((*names, "AU05")), "runs/x", ["Fold 0 alone."])
    assert own.rows[0][:2] == ("AU01", "64.3")
    assert float(own.rows[0][4]) == pytest.approx(float(own.rows[0][2]) - 64.3, abs=0.11)
    assert own.rows[-1][:2] == ("mean", "64.8")
    assert [row[0] for row in own.rows][-2] == "AU05"  # ours alone: shown, not in the mean
    assert f"mean: over {', '.join(names)}." in own.notes
    assert methods.rows[-1][0] == "runs/x"
    assert methods.rows[-2][0] == "CLEF"
    assert methods.rows[-1][2] == own.rows[-1][2]
    assert "Fold 0 alone." in methods.notes
    assert not any("Not comparable" in note for note in methods.notes)


def test_what_is_not_comparable_is_called_so() -> None:
    fewer = beside.action_unit_sheets("disfa", au_figures(("AU01", "AU12")), "x")
    assert any("Not comparable: ours is without AU02, AU04" in note for note in fewer[1].notes)
    assert fewer[0].rows[-1][1] == "–"  # another mean than the paper's
    (other,) = beside.action_unit_sheets("mine", au_figures(("AU01", "AU12")), "x")
    assert "Not comparable to the paper: other data." in other.notes
    assert "CLEF" not in other.columns
    (mine,) = beside.expression_sheets("mine", expression_figures(), "x")
    assert "Not comparable to the paper: other data." in mine.notes
    seven = beside.expression_sheets("ferplus", expression_figures(EXPRESSIONS[:7]), "x")[1]
    assert any("these faces have 7 expressions, the paper's 8" in note for note in seven.notes)


def test_an_unverified_figure_is_called_so() -> None:
    methods = beside.expression_sheets("ferplus", expression_figures(), "x")[1]
    assert ("CLEF", "", "89.74", "", "unverified") in methods.rows
    assert any("unverified" in note for note in methods.notes)


def test_our_rows_of_the_ablation_find_theirs() -> None:
    sheet = ablation_sheet({frozenset({"I", "N", "D"}): "71.2", frozenset({"PA", "I"}): "60.0"}, notes=["Seeds 0–2."])
    assert [row[0] for row in sheet.rows if row[-1] == "71.2"] == ["CLIP"]
    assert sheet.rows[-1] == ("", "✓", "", "✓", "", "", "", "", "60.0")
    assert "Seeds 0–2." in sheet.notes
    zero = zero_shot_sheet({("Action Units", "ferplus"): "25.0", ("Action Units", "mine"): "1.0"})
    assert [row[3] for row in zero.rows if row[4] == "25.0"] == ["24.90"]
    assert zero.rows[-1][:2] == ("Action Units", "mine")


def test_tables_are_the_same_in_markdown_and_in_the_terminal() -> None:
    sheet = Sheet("A [b] | c", ("head", "x"), (("a|b", "1.0"), ("[red]", "2.0")), ("A note.",), strong=(1,))
    assert sheet.markdown(2).splitlines() == [
        "## A [b] | c",
        "",
        "| head | x |",
        "| --- | ---: |",
        "| a\\|b | 1.0 |",
        "| **[red]** | **2.0** |",
        "",
        "A note.",
    ]
    console = Console(width=80, record=True)
    for each in (sheet, *published_sheets(), ablation_sheet(), zero_shot_sheet()):
        console.print(each.rich())
    text = console.export_text()
    assert "A [b] | c" in text
    assert "[red]" in text
    assert "90.09" in text


def picture(path: Path) -> NDArray[np.uint8]:
    found = cv2.imread(str(path))
    assert found is not None
    return np.asarray(found, np.uint8)


def share_of(image: NDArray[np.uint8], colour: str) -> float:
    bgr = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
    return float((np.abs(image.astype(int) - bgr) <= 3).all(axis=-1).mean())


def test_bars_are_as_high_as_the_figures(tmp_path: Path) -> None:
    names = load_paper().action_units["disfa"].aus
    good, bad = au_figures(names, noise=0.1), au_figures(names, noise=2.0)
    for name, own, paper in (("good", good, None), ("bad", bad, {"AU01": 64.3})):
        plots.au_bars_png(tmp_path / f"{name}.png", own, "Action Units, DISFA", "n = 400", paper)
    images = {name: picture(tmp_path / f"{name}.png") for name in ("good", "bad")}
    assert images["good"].shape == images["bad"].shape
    ratio = share_of(images["good"], plots._BLUE) / share_of(images["bad"], plots._BLUE)
    f1 = [np.mean([each["f1"] for each in own["labels"].values()]) for own in (good, bad)]
    assert ratio == pytest.approx(f1[0] / f1[1], rel=0.08)
    assert share_of(images["good"], plots._RED) == 0
    assert share_of(images["bad"], plots._RED) > 0


def test_a_confusion_is_darkest_where_it_is_surest(tmp_path: Path) -> None:
    for name, skill in (("sure", 9.0), ("blind", 0.0)):
        own = expression_figures(skill=skill)
        plots.confusion_png(tmp_path / f"{name}.png", own["confusion"], "Expressions, mine", "n = 400")
    dark = {name: (picture(tmp_path / f"{name}.png").mean(axis=-1) < 90).mean() for name in ("sure", "blind")}
    assert dark["sure"] > 2 * dark["blind"]


def test_what_is_undefined_is_drawn_without(tmp_path: Path) -> None:
    nothing = np.zeros((3, 2), np.float32)
    own = action_units.figures(nothing, nothing, ["AU01", "AU12"], {}, resample(np.full(3, None, object)))
    plots.au_bars_png(tmp_path / "none.png", own, "Action Units", "n = 3")
    one = expressions.figures(
        np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)[[0, 0]], ["a", "b"], resample(np.full(2, None, object))
    )
    plots.confusion_png(tmp_path / "one.png", one["confusion"], "Expressions", "n = 2")
    reliability = calibration.action_units(nothing, nothing)
    assert reliability is not None
    plots.reliability_png(tmp_path / "calibration.png", {"action_units": reliability}, "Calibration", "n = 3")
    assert all(picture(path).std() > 0 for path in tmp_path.glob("*.png"))
    assert len(list(tmp_path.glob("*.png"))) == 3
