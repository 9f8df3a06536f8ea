import select
import threading

import pytest

from clef_rt.mailbox import Mailbox


def readable(mailbox: Mailbox[int], timeout_s: float = 0) -> bool:
    return bool(select.select([mailbox.fileno()], [], [], timeout_s)[0])


def test_what_is_put_is_taken_in_order() -> None:
    mailbox: Mailbox[int] = Mailbox(8)
    assert all(mailbox.put(i) for i in range(3))
    assert mailbox.take() == [0, 1, 2]
    assert mailbox.take() == []
    mailbox.release()


def test_a_full_mailbox_drops_the_newest_and_counts_it() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    assert [mailbox.put(i) for i in range(4)] == [True, True, False, False]
    assert mailbox.dropped == 2
    assert mailbox.take() == [0, 1]
    assert mailbox.put(9)
    mailbox.release()


def test_it_is_readable_exactly_while_something_is_in_it() -> None:
    mailbox: Mailbox[int] = Mailbox(8)
    for _ in range(3):
        assert not readable(mailbox)
        mailbox.put(1)
        mailbox.put(2)
        assert readable(mailbox)
        mailbox.take()
    mailbox.release()


def test_closing_wakes_the_reader_and_keeps_what_is_there() -> None:
    mailbox: Mailbox[int] = Mailbox(8)
    mailbox.put(1)
    closer = threading.Timer(0.05, mailbox.close)
    assert mailbox.take() == [1]
    closer.start()
    assert readable(mailbox, timeout_s=5)
    assert mailbox.closed
    assert not mailbox.put(2)
    assert mailbox.dropped == 1
    mailbox.release()


def test_nothing_is_lost_or_doubled_between_threads() -> None:
    mailbox: Mailbox[int] = Mailbox(100_000)
    writers = [
        threading.Thread(target=lambda base=base: [mailbox.put(base + i) for i in range(2000)]) for base in (0, 10_000)
    ]
    taken: list[int] = []
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers) or len(mailbox):
        readable(mailbox, timeout_s=0.01)
        taken += mailbox.take()
    assert sorted(taken) == [*range(2000), *range(10_000, 12_000)]
    assert [i for i in taken if i < 10_000] == list(range(2000))
    mailbox.release()


def test_a_mailbox_for_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Mailbox(0)
