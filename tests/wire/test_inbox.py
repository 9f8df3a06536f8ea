import threading
import time

import pytest

from clef_rt.frame import Observation
from clef_rt.wire.inbox import Inbox
from tests.rigs import messages


def seqs(inbox: Inbox) -> list[tuple[str, int]]:
    taken = iter(lambda: inbox.get(0), None)
    return [(event.camera, event.seq) for event in taken if isinstance(event, Observation)]


def test_latest_keeps_one_observation_a_camera() -> None:
    inbox = Inbox(latest=True, size=1)
    for seq in range(5):
        inbox.put(messages.observation("door", seq))
        inbox.put(messages.observation("gate", 100 + seq))
    assert inbox.pushed_out == {"door": 4, "gate": 4}
    assert seqs(inbox) == [("door", 4), ("gate", 104)]


def test_latest_keeps_statuses_and_hellos_beside_observations() -> None:
    inbox = Inbox(latest=True, size=1)
    kinds = [messages.hello(), messages.status(), messages.observation()]
    for event in kinds:
        inbox.put(event)
    assert [inbox.get(0) for _ in kinds] == kinds


def test_a_busy_camera_does_not_push_in_front_of_a_quiet_one() -> None:
    inbox = Inbox(latest=True, size=1)
    inbox.put(messages.observation("quiet", 1))
    for seq in range(9):
        inbox.put(messages.observation("busy", seq))
    inbox.put(messages.observation("quiet", 2))
    assert seqs(inbox) == [("quiet", 2), ("busy", 8)]


def test_otherwise_all_are_kept_in_order_and_the_oldest_goes_when_full() -> None:
    inbox = Inbox(latest=False, size=3)
    for seq in range(5):
        inbox.put(messages.observation("door", seq))
    assert inbox.pushed_out == {"door": 2}
    assert seqs(inbox) == [("door", 2), ("door", 3), ("door", 4)]


def test_getting_waits_for_as_long_as_told() -> None:
    start_s = time.monotonic()
    assert Inbox(latest=True, size=1).get(0.3) is None
    assert time.monotonic() - start_s >= 0.3


def test_closing_ends_the_wait_but_not_before_the_last_message_is_read() -> None:
    inbox = Inbox(latest=False, size=3)
    threading.Timer(0.05, inbox.close).start()
    assert inbox.get() is None
    inbox = Inbox(latest=False, size=3)
    inbox.put(messages.status())
    inbox.close()
    assert inbox.get() == messages.status()
    assert inbox.get() is None


def test_an_inbox_for_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Inbox(latest=False, size=0)
