"""Worse pictures, groups of people, and video: each figure hand-checked; the command on a small run."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import clef_rt
from tests.training.test_evaluation_run import EACH, SUBJECTS, checkpoint, prepare, refused, run
from training.evaluation import fairness, robustness, temporal
from training.evaluation.audit_sheets import worst_labels
from training.evaluation.bootstrap import Floats, Statistic, resample
from training.evaluation.card_sections import kept_up_to
from training.evaluation.perturb import PERTURBATIONS
from training.evaluation.scoring import Predictions
from training.evaluation.stills import as_frames, cross_fade, noisy_video, photographs
from training.manifest import EXPRESSIONS


def faces(n: int = 4, side: int = 40, channels: int = 1) -> NDArray[np.uint8]:
    """Smooth faces of strokes, all different."""
    rng = np.random.default_rng(0)
    found = np.full((n, side, side, channels), 150, np.uint8)
    for face in found:
        plane = np.ascontiguousarray(face)
        for x in (12, 28):
            cv2.circle(plane, (x + int(rng.integers(-2, 3)), 16), 3, (40,) * channels, -1)
        cv2.ellipse(plane, (20, 30), (8, 4), 0, 0, 180, (70,) * channels, 2)
        face[:] = plane.reshape(face.shape)
    return found


RNG = np.random.default_rng


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_stronger_change_changes_more(name: str, channels: int) -> None:
    own, way = faces(channels=channels), PERTURBATIONS[name]
    at = {"brightness": 0.0, "contrast": 1.0}.get(name)
    levels = [level for level in way.levels if at is None or level > at]
    changes = [np.abs(way.apply(own, level, RNG(0)).astype(int) - own).mean() for level in levels]
    assert all(a < b for a, b in itertools.pairwise(changes)), changes
    worse = way.apply(own, levels[0], RNG(0))
    assert (worse.shape, worse.dtype) == (own.shape, own.dtype)
    assert way.apply(own[:0], levels[0], RNG(0)).shape == own[:0].shape
    if name not in ("jpeg", "size"):
        np.testing.assert_array_equal(way.apply(own, way.unchanged, RNG(0)), own)


def test_light_is_in_stops_and_contrast_keeps_the_mean() -> None:
    own = np.full((1, 4, 4, 1), 50, np.uint8)
    assert PERTURBATIONS["brightness"].apply(own, 1, RNG(0)).max() == 100
    assert PERTURBATIONS["brightness"].apply(own, 3, RNG(0)).max() == 255
    own[0, :2], own[0, 2:] = 100, 200
    flat = PERTURBATIONS["contrast"].apply(own, 0.5, RNG(0))
    assert sorted(set(flat.ravel().tolist())) == [125, 175]


def test_bars_cover_the_eyes_or_the_mouth() -> None:
    own = faces()
    for name, row in (("upper", 16), ("lower", 30)):
        covered = PERTURBATIONS[name].apply(own, 20, RNG(0))
        changed = (covered != own).any(axis=(0, 2, 3))
        assert changed[row]
        assert (covered[:, row] == covered[:, row, :1]).all()  # one grey
        assert changed.sum() <= 8


def test_faces_turn_both_ways() -> None:
    own = np.repeat(faces(1), 2, axis=0)
    turned = PERTURBATIONS["rotation"].apply(own, 20, RNG(0))
    back = [PERTURBATIONS["rotation"].apply(turned[[i, i]], 20, RNG(0))[1 - i] for i in (0, 1)]
    middle = (slice(10, 30), slice(10, 30))
    for each in back:
        assert np.abs(each[middle].astype(int) - own[0][middle]).mean() < 6
    assert np.abs(turned[0].astype(int) - turned[1]).mean() > 3


def examples(folder: Path, dataset: str = "mine", teacher: str = "a teacher", **columns: Any) -> Any:
    from training.data import load_examples

    split = np.array(["train", "val", "test"])[np.arange(SUBJECTS * EACH) // EACH % 3]
    data = prepare(folder, dataset, teacher, fold=np.nan, split=split, **columns)
    return load_examples([data], "test")


def test_rare_words_are_kept_whole(tmp_path: Path) -> None:
    words = np.array(["happiness"] * 3 + ["neutral"] * 5)[np.arange(SUBJECTS * EACH) % 8]
    words[np.arange(len(words)) % 24 == 16] = "fear"
    own = examples(tmp_path / "data", activity=words)
    rows = robustness.chosen(own, 24)
    picked = pd.Series(own.activities[rows]).value_counts()
    everything = pd.Series(own.activities).value_counts()
    assert picked["fear"] == everything["fear"]
    assert abs(picked["happiness"] - picked["neutral"]) <= 1
    assert 20 <= len(rows) <= 24
    assert len(set(rows.tolist())) == len(rows)
    np.testing.assert_array_equal(robustness.chosen(own, 10_000), np.arange(len(own)))


def by_light(own: NDArray[np.uint8]) -> Predictions:
    """AU12 by how bright a face is, as `prepare` makes them; AU04 by nothing."""
    light = own.reshape(len(own), -1).mean(axis=1).astype(np.float32)
    aus = np.stack([np.full(len(own), 0.5, np.float32), light / 255], axis=1)
    return Predictions(aus, np.zeros((len(own), 0), np.float32), np.full_like(aus, np.nan))


def test_a_curve_is_the_figure_of_the_changed_faces(tmp_path: Path) -> None:
    own = examples(tmp_path / "data")
    ways = {name: PERTURBATIONS[name] for name in ("brightness", "noise")}
    found = robustness.curves(by_light, {"mine": own}, {}, perturbations=ways, draws=50)
    happy = own.activities == "happiness"
    light = np.asarray(own.faces[: len(own)])
    assert found["unchanged"]["mine"]["proxy"]["value"] == pytest.approx(
        roc_auc_score(happy, light.reshape(len(light), -1).mean(axis=1))
    )
    white = np.clip(np.rint(light.astype(np.float32) * 4), 0, 255).reshape(len(light), -1).mean(axis=1)
    at = ways["brightness"].levels.index(2)
    point = found["curves"]["brightness"]["figures"]["mine"]["proxy"][at]
    assert point["value"] == pytest.approx(roc_auc_score(happy, white.astype(np.float32) / 255))
    assert point["interval"][0] <= point["value"] <= point["interval"][1]
    assert found["faces"] == {"mine": len(own)}


def test_poses_are_told_by_bin(tmp_path: Path) -> None:
    own = examples(tmp_path / "data", "rendered", "")
    yaw = np.where(np.arange(len(own)) < 44, -5.0, 25.0)
    found = robustness.pose_curves(by_light(own.faces[: len(own)]), own, {"yaw": yaw}, {"AU12": 0.5}, draws=20)
    # 64 faces: 44 of the first bin, and 20 of a bin that is too small alone
    assert found == {}
    yaw = np.where(np.arange(len(own)) % 2, -5.0, 25.0)
    twice = own.subset(np.concatenate([np.arange(len(own))] * 2))
    bins = robustness.pose_curves(
        by_light(twice.faces[: len(twice)]), twice, {"yaw": np.tile(yaw, 2)}, {"AU12": 0.5}, draws=20
    )["yaw"]
    assert [(each["from"], each["to"], each["faces"]) for each in bins] == [(0, 10, 64), (20, 30, 64)]
    assert {"f1", "auc"} == set(bins[0]["figures"])


def share(right: NDArray[np.float64], codes: NDArray[np.intp]) -> Statistic:
    """The share of right faces, by weights of subjects."""

    def values(weights: Floats) -> Floats:
        sums, counts = (
            np.bincount(codes, weights=own, minlength=weights.shape[1]) for own in (right, np.ones_like(right))
        )
        return ((weights @ sums) / (weights @ counts))[:, None]

    return values


def test_groups_and_their_gap() -> None:
    who = np.repeat(np.arange(30), 10).astype(str).astype(object)
    groups = np.where(np.repeat(np.arange(30), 10) < 15, "a", "b").astype(object)
    right = np.where(groups == "a", np.arange(300) % 10 < 9, np.arange(300) % 10 < 4).astype(float)
    resamples = resample(who, 200)
    found = fairness.by_group(share(right, resamples.codes), groups, resamples)
    assert found is not None
    assert {name: own["value"] for name, own in found["groups"].items()} == {
        "a": pytest.approx(0.9),
        "b": pytest.approx(0.4),
    }
    assert found["groups"]["a"]["subjects"] == 15
    gap = found["gap"]
    assert (gap["value"], gap["best"], gap["worst"]) == (pytest.approx(0.5), "a", "b")
    assert gap["interval"] == [pytest.approx(0.5), pytest.approx(0.5)]  # all subjects of a group are alike
    assert 0 < gap["chance"] < 0.3


def test_a_gap_that_is_chance_is_told_as_such() -> None:
    rng = RNG(1)
    who = np.repeat(np.arange(40), 5).astype(str).astype(object)
    groups = np.array(["a", "b"], object)[np.repeat(np.arange(40), 5) % 2]
    right = (rng.random(200) < 0.5).astype(float)
    resamples = resample(who, 200)
    found = fairness.by_group(share(right, resamples.codes), groups, resamples)
    assert found is not None
    assert found["gap"]["value"] < found["gap"]["chance"]
    few = np.where(np.repeat(np.arange(40), 5) < 3, "a", "b").astype(object)
    assert fairness.by_group(share(right, resamples.codes), few, resamples) is None


def test_attributes_are_those_of_the_manifest() -> None:
    table = pd.DataFrame(
        {"skin_tone": [1.0, 3.9, 4.0, 9.5, None], "glasses": [True, False, False, True, False], "bald": 0.0}
    )
    found = fairness.attributes(table)
    assert set(found) == {"skin_tone", "glasses"}  # nobody is bald: no groups
    assert found["skin_tone"].tolist() == ["Monk 1–3", "Monk 1–3", "Monk 4–6", "Monk 7–10", None]
    assert found["glasses"].tolist() == ["glasses", "no glasses", "no glasses", "glasses", "no glasses"]
    assert fairness.attributes(pd.DataFrame({"path": ["a"]})) == {}


def test_the_cheek_is_where_it_should_be() -> None:
    own = np.zeros((3, 80, 80, 1), np.uint8)
    own[1, 44:50, 20:28] = 255  # a part of the right cheek
    own[2, :30] = 255  # the forehead
    light = fairness.cheek_luminance(own)
    assert light[0] == light[2] == 0
    assert light[1] > 0
    groups, names = fairness.luminance_groups(np.arange(9.0))
    assert groups.tolist() == [name for name in names for _ in range(3)]


def test_worst_labels_are_named() -> None:
    labels = {"AU01": {"a": 0.9, "b": 0.7}, "AU02": {"a": 0.8, "b": None}, "AU04": {"a": 0.5, "b": 0.9}}
    assert worst_labels(labels) == "AU04 0.40 (worst: a), AU01 0.20 (worst: b)"


def test_how_much_is_kept() -> None:
    assert kept_up_to([1, 2, 3], [0.95, 0.91, 0.7], 1.0, 0) == "2"
    assert kept_up_to([1, 2, 3], [0.5, 0.99, 0.99], 1.0, 0) == "as is"
    assert kept_up_to([-2, -1, 1, 2], [0.5, 0.95, 0.95, 0.95], 1.0, 2) == "-1 to 2"
    assert kept_up_to([1], [0.92], 1.0, 0, chance=0.5) == "as is"  # 0.42 of 0.5 is less than nine tenths
    assert kept_up_to([1], [None], None, 0) == "–"


def test_steadiness_by_hand() -> None:
    still, wavering = np.full((4, 2), 0.4, np.float32), np.array([[0.4, 0.2], [0.4, 0.8]] * 2, np.float32)
    found = temporal.steadiness([still, wavering], ["AU01", "AU12"], np.float32([0.5, 0.5]))
    assert found["labels"]["AU01"]["deviation"] == 0
    own = found["labels"]["AU12"]
    assert own["deviation"] == pytest.approx(0.15)  # 0 and 0.3
    assert own["worst"] == pytest.approx(0.3)
    assert own["flips"] == pytest.approx((0 + 3 * 30 / 4) / 2)
    assert found["deviation"] == pytest.approx(0.075)


def test_half_way_is_interpolated() -> None:
    assert temporal.half_way(np.float32([0, 0, 1, 1])) == pytest.approx(1.5)
    assert temporal.half_way(np.float32([0, 0.25, 0.75, 1])) == pytest.approx(1.5)
    assert temporal.half_way(np.float32([0, 0.9, 0.1, 1])) == pytest.approx(2 + 0.4 / 0.9)  # for good
    assert temporal.half_way(np.float32([1, 1, 1])) is None


def test_stills_waver_as_cameras_do() -> None:
    still = cv2.cvtColor(
        cv2.GaussianBlur(RNG(0).integers(0, 255, (60, 80), dtype=np.uint8), (0, 0), 4), cv2.COLOR_GRAY2BGR
    )
    video = list(noisy_video(np.asarray(still, np.uint8), 5, RNG(0)))
    assert len(video) == 5
    assert all(0.5 < np.abs(image.astype(int) - still).mean() < 8 for image in video)
    assert (video[0] != video[1]).any()
    frames = list(as_frames(video, "x"))
    assert np.diff([frame.pts_ns for frame in frames]).tolist() == pytest.approx([1e9 / 30] * 4, abs=1)


def test_a_fade_goes_from_the_one_to_the_other() -> None:
    before, after = np.full((20, 20, 1), 40, np.uint8), np.full((20, 20, 1), 200, np.uint8)
    video = list(cross_fade(before, after, [0, 0.5, 1]))
    assert [int(image[30, 40, 0]) for image in video] == [40, 120, 200]
    assert video[0].shape == (60, 80, 3)
    colour = np.zeros((20, 20, 3), np.uint8)
    colour[..., 0] = 250  # red
    assert next(cross_fade(colour, colour, [0]))[30, 40].tolist() == [0, 0, 250]  # BGR


def test_photographs_are_found_by_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a/x.png"), np.full((100, 2000, 3), 9, np.uint8))
    (tmp_path / "a/y.txt").write_text("no picture")
    found = photographs([tmp_path])
    assert found["a/x.png"].shape == (48, 960, 3)
    assert not any(name.startswith("a/y") for name in found)


def test_a_still_face_through_the_runtime() -> None:
    pytest.importorskip("skimage.data")
    stills = {name: image for name, image in photographs().items() if "astronaut" in name}
    analyzer = clef_rt.load(threads=1)
    found = temporal.flicker(analyzer, stills, frames=6)
    assert (found["photographs"], found["faces"], found["frames"]) == (1, 1, 6)
    for way in ("followed", "alone"):
        assert set(found[way]["labels"]) == {*analyzer.labels.au.names, *analyzer.labels.expression.names}
        assert 0 < found[way]["deviation"] < 0.1
    assert found == temporal.flicker(analyzer, stills, frames=6)  # the same, for nothing is random but by the seed


def test_the_audit_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    rows = SUBJECTS * EACH
    shares = pd.DataFrame(np.eye(8)[rng.integers(0, 3, rows)], columns=list(EXPRESSIONS))
    split = np.array(["train", "val", "test"])[np.arange(rows) // EACH % 3]
    real = prepare(tmp_path / "real", "mine", "a teacher", fold=np.nan, split=split, **shares)
    tone = 1 + 9 * ((np.arange(rows) // EACH) % 12) / 12  # of each subject; test subjects 2, 5, 8 …
    drawn = prepare(tmp_path / "drawn", "rendered", fold=np.nan, split=split, skin_tone=tone)
    own = checkpoint(tmp_path / "run", real, expressions=True)
    assert "isn't evaluated" in refused(capsys, "audit", own, real)
    run("evaluate", own, real, drawn, "--draws", 20)
    assert "no audit nonsense" in refused(capsys, "audit", own, real, "--only", "nonsense")
    before = (own / "MODEL_CARD.md").read_text()
    assert "### Worse pictures" not in before
    run("audit", own, real, drawn, "--draws", 20, "--faces", 50)
    found = {name: json.loads((own / f"{name}.json").read_text()) for name in ("fairness", "robustness")}
    assert set(found["robustness"]["unchanged"]["mine"]) == {"accuracy", "proxy"}
    assert set(found["robustness"]["unchanged"]["rendered"]) == {"f1", "auc"}
    assert "cheek_luminance" in found["fairness"]["mine"]
    assert not (own / "temporal.json").exists()  # there was no bundle
    card = (own / "MODEL_CARD.md").read_text()
    assert "### Worse pictures" in card
    assert "### Groups of people" in card
    assert "### In video" not in card
    assert "How steady its scores are in video wasn't measured" in card
    assert "rendered" in (own / "audit.md").read_text()
    assert (own / "robustness.png").stat().st_size > 1000
    report = (own / "report.md").read_text()
    assert "emotion words, rendered" not in report  # what rendered people do is no emotion's word
    run("card", own, "--out", tmp_path / "CARD.md")
    assert (tmp_path / "CARD.md").read_text() == card
    assert len(card.splitlines()) < 250
