"""What people do: in range, each their own, and nothing too rare to be learnt."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthetic.action_units import AUS, SIDED
from training.synthetic.activities import ACTIVITIES, PROTOTYPES
from training.synthetic.intensity import OCCURS
from training.synthetic.performance import perform
from training.synthetic.subjects import MONK, draw_subject
from training.texts import load_activities


@pytest.fixture(scope="module")
def acted() -> NDArray[np.float32]:
    """Intensities (recordings, 8 frames, Action Units, 2 sides) of 150 people at all activities."""
    shown = np.zeros((150 * len(ACTIVITIES), 8, len(AUS), 2), np.float32)
    for number in range(150):
        subject = draw_subject(np.random.default_rng((0, 2, number)))
        for sequence, activity in enumerate(ACTIVITIES):
            rng = np.random.default_rng((0, 3, number, sequence))
            for name, values in perform(activity, subject, 8, rng).intensities.items():
                shown[number * len(ACTIVITIES) + sequence, :, AUS.index(name)] = values
    return shown


def present(acted: NDArray[np.float32], *names: str) -> NDArray[np.bool_]:
    """(recordings, frames): all of these are present."""
    return np.asarray((acted[:, :, [AUS.index(name) for name in names]].max(axis=-1) >= OCCURS).all(axis=-1))


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_performances_are_in_range_and_differ_by_person(activity: str) -> None:
    shown = []
    for number in range(40):
        rng = np.random.default_rng(number)
        performance = perform(activity, draw_subject(rng), 6, rng)
        values = np.stack(list(performance.intensities.values()))
        assert values.shape[1:] == (6, 2)
        assert 0 <= values.min() <= values.max() <= 5
        assert np.abs(performance.turns).max() <= np.deg2rad(35) + 1e-6
        shown.append(frozenset(name for name, value in performance.intensities.items() if value.max() >= OCCURS))
    assert len(set(shown)) > 15
    # The most probable Action Unit is seen in more recordings than one that the activity doesn't bring about.
    expected = max(ACTIVITIES[activity], key=lambda name: ACTIVITIES[activity][name][0])
    strays = [name for name in AUS if name not in ACTIVITIES[activity] and name not in ("AU25", "AU45")]
    counts = {name: sum(name in seen for seen in shown) for name in AUS}
    assert counts[expected] > 1.5 * np.mean([counts[name] for name in strays])


def test_no_action_unit_is_rare_and_few_frames_are_neutral(acted: NDArray[np.float32]) -> None:
    shares = {name: float(present(acted, name).mean()) for name in AUS}
    assert min(shares.values()) >= 0.045, shares  # a twentieth, of as many people as it takes
    neutral = float((acted.max(axis=(2, 3)) == 0).mean())
    assert 0.08 < neutral < 0.18
    for emotion in (("AU01", "AU04"), ("AU04", "AU07"), ("AU06", "AU12")):
        assert present(acted, *emotion).mean() > 0.02, emotion
    for emotion in (("AU01", "AU04", "AU15"), ("AU09", "AU17"), ("AU04", "AU23"), ("AU01", "AU02", "AU04", "AU05")):
        assert present(acted, *emotion).mean() > 0.003, emotion


def test_what_a_model_mixes_up_is_seen_apart(acted: NDArray[np.float32]) -> None:
    """AU04 without AU01, AU15 without AU17, AU24 without AU23, and the other way round."""
    for one, other in (("AU04", "AU01"), ("AU15", "AU17"), ("AU24", "AU23"), ("AU10", "AU09"), ("AU02", "AU01")):
        mine, its = present(acted, one), present(acted, other)
        assert (mine & ~its).mean() > 0.02
        assert (its & ~mine).mean() > 0.02


def test_some_are_of_one_side(acted: NDArray[np.float32]) -> None:
    sides = acted[:, :, [AUS.index(name) for name in SIDED]] >= OCCURS
    asymmetric = np.abs(np.diff(acted[:, :, [AUS.index(name) for name in SIDED]], axis=-1))[..., 0] > 1.2
    one = (sides[..., 0] != sides[..., 1]) & asymmetric
    assert 0.18 < one.any(axis=(1, 2)).mean() < 0.32
    for index, name in enumerate(SIDED):
        for side in (0, 1):
            alone = sides[:, :, index, side] & ~sides[:, :, index, 1 - side]
            assert alone.mean() > 0.004, (name, side)


def test_lids_that_stay_closed_are_closed(acted: NDArray[np.float32]) -> None:
    held, blink = acted[:, :, AUS.index("AU43")], acted[:, :, AUS.index("AU45")]
    assert np.all(blink >= held)
    assert (held.max(axis=(1, 2)) >= OCCURS).mean() > 0.03


def test_draws_have_one_order_whatever_pythons_hashes() -> None:
    program = (
        "import numpy as np\n"
        "from training.synthetic.performance import perform\n"
        "from training.synthetic.subjects import draw_subject\n"
        "for n in range(40):\n"
        "    rng = np.random.default_rng(n)\n"
        "    acted = perform('insult', draw_subject(rng), 4, rng)\n"
        "    print([(k, v.tolist()) for k, v in acted.intensities.items()], acted.turns.tolist(), rng.random())\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_every_activity_has_its_sentence_and_prototypes() -> None:
    assert load_activities("rendered").keys() == ACTIVITIES.keys() == PROTOTYPES.keys()
    assert {name for sets in PROTOTYPES.values() for chosen in sets for name in chosen} <= set(AUS)


def test_people_are_of_the_whole_monk_scale_and_rest_differently() -> None:
    people = [draw_subject(np.random.default_rng(number)) for number in range(300)]
    tones = [person.look.tone for person in people]
    assert np.histogram(tones, bins=len(MONK) - 1, range=(1, len(MONK)))[0].min() > 5
    for shape in ("browDown_L", "mouthFrown_L", "eyeBlink_L"):
        assert np.std([person.rest[shape] for person in people]) > 0.05
    assert 0.15 < np.mean([person.glasses is not None for person in people]) < 0.3
    assert 0.2 < np.mean([person.long_hair is not None for person in people]) < 0.5
    assert 0.1 < np.mean([person.look.beard[0] > 0 for person in people]) < 0.3
