"""The counting of losses and the noticing of silence; both pure, so both by example and exactly."""

from hypothesis import given
from hypothesis import strategies as st

from clef_rt.wire.liveness import SILENCE_S, Liveness
from clef_rt.wire.loss import LossCount
from tests.rigs.messages import observation


@given(
    fates=st.lists(st.sampled_from(["arrives", "dropped before analysis", "lost", "passed over"]), max_size=40),
)
def test_exactly_the_lost_are_counted_as_lost(fates: list[str]) -> None:
    loss, dropped, skipped, lost = LossCount(), 0, 0, 0
    loss.add(observation(seq=0, dropped=0))
    pending_lost = 0
    for seq, fate in enumerate(fates, start=1):
        dropped += fate == "dropped before analysis"
        skipped += fate == "passed over"
        pending_lost += fate == "lost"
        if fate == "arrives":
            loss.add(observation(seq=seq, dropped=dropped), skipped=skipped)
            lost, pending_lost, skipped = lost + pending_lost, 0, 0
    assert loss.lost.get("door", 0) == lost


def test_a_publisher_that_begins_anew_is_no_loss() -> None:
    loss = LossCount()
    loss.add(observation(seq=1000, dropped=50))
    loss.add(observation(seq=3, dropped=0))
    loss.add(observation(seq=4, dropped=0))
    assert loss.lost == {}


def test_a_known_restart_is_no_loss_even_where_the_numbers_go_up() -> None:
    loss = LossCount()
    loss.add(observation(seq=10))
    loss.restart("door")
    loss.add(observation(seq=500))
    assert loss.lost == {}


def test_a_restart_that_is_told_late_takes_back_its_jump_and_nothing_else() -> None:
    loss = LossCount()
    loss.add(observation(seq=10))
    loss.add(observation(seq=13))
    assert loss.lost == {"door": 2}
    loss.settle("door")  # the same publisher's hello
    loss.add(observation(seq=100_000))  # another publisher's, before its hello
    loss.restart("door")
    loss.add(observation(seq=100_003))
    assert loss.lost == {"door": 2}


def test_cameras_are_counted_apart() -> None:
    loss = LossCount()
    for camera, seq in [("door", 0), ("gate", 0), ("door", 3), ("gate", 1)]:
        loss.add(observation(camera, seq))
    assert loss.lost == {"door": 2}


def test_a_camera_is_silent_after_three_seconds_and_it_is_told_once() -> None:
    liveness = Liveness([], 0.0)
    liveness.heard("door", 10.0)
    assert liveness.fallen_silent(10.0 + SILENCE_S) == []
    assert liveness.fallen_silent(10.1 + SILENCE_S) == ["door"]
    assert liveness.fallen_silent(60.0) == []
    liveness.heard("door", 61.0)
    assert liveness.fallen_silent(70.0) == ["door"]


def test_a_camera_that_was_expected_is_missed_though_it_never_spoke() -> None:
    assert Liveness(["door"], 0.0).fallen_silent(3.5) == ["door"]


def test_a_camera_that_took_its_leave_is_not_missed_though_its_hellos_go_on() -> None:
    liveness = Liveness([], 0.0)
    liveness.heard("door", 1.0)
    liveness.ended("door")
    liveness.repeated("door", 2.0)
    assert liveness.fallen_silent(9.0) == []
    liveness.heard("door", 10.0)
    liveness.repeated("door", 11.0)
    assert liveness.fallen_silent(13.5) == []
    assert liveness.fallen_silent(14.5) == ["door"]
