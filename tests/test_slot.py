from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from clef_rt.slot import Policy, Slot


@given(st.lists(st.booleans(), max_size=60))
def test_the_newest_wins_and_every_item_is_either_taken_replaced_or_waiting(puts: list[bool]) -> None:
    slot: Slot[int] = Slot()
    put, taken = 0, []
    for do_put in puts:
        if do_put:
            put += 1
            assert slot.put(put)
        elif (item := slot.take()) is not None:
            assert item == put  # the newest
            taken.append(item)
    assert taken == sorted(set(taken))
    assert put == len(taken) + slot.dropped + slot.full


def test_a_lossless_slot_hands_over_every_item_in_order() -> None:
    slot: Slot[int] = Slot(policy=Policy.LOSSLESS)
    producer = threading.Thread(target=lambda: [slot.put(item) for item in range(200)])
    producer.start()
    taken = []
    while len(taken) < 200:
        with slot.wake:
            assert slot.wake.wait_for(lambda: slot.full, timeout=5)
            item = slot.take()
        taken.append(item)
    producer.join(5)
    assert taken == list(range(200))
    assert slot.dropped == 0


def test_a_lossless_put_waits_until_the_item_before_is_taken() -> None:
    slot: Slot[int] = Slot(policy=Policy.LOSSLESS)
    slot.put(1)
    done = threading.Event()
    threading.Thread(target=lambda: (slot.put(2), done.set())).start()
    assert not done.wait(0.2)
    assert slot.take() == 1
    assert done.wait(5)
    assert slot.take() == 2


def test_closing_releases_a_waiting_put_and_keeps_what_is_there() -> None:
    slot: Slot[int] = Slot(policy=Policy.LOSSLESS)
    slot.put(1)
    results: list[bool] = []
    producer = threading.Thread(target=lambda: results.append(slot.put(2)))
    producer.start()
    time.sleep(0.05)
    slot.close()
    producer.join(5)
    assert results == [False]
    assert slot.take() == 1
    assert slot.put(3) is False
    assert slot.take() is None


def test_one_consumer_waits_for_many_slots_and_no_wake_up_is_lost() -> None:
    wake = threading.Condition()
    slots: list[Slot[int]] = [Slot(wake, Policy.LOSSLESS) for _ in range(4)]
    producers = [threading.Thread(target=lambda slot=slot: [slot.put(i) for i in range(100)]) for slot in slots]
    for producer in producers:
        producer.start()
    counts = [0] * 4
    while sum(counts) < 400:
        with wake:
            assert wake.wait_for(lambda: any(slot.full for slot in slots), timeout=5)
            for index, slot in enumerate(slots):
                item = slot.take()
                if item is not None:
                    assert item == counts[index]
                    counts[index] += 1
    for producer in producers:
        producer.join(5)
    assert counts == [100] * 4
