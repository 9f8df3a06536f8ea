"""The subscription, against real publishers: ours, plain sockets, and processes that die."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from clef_rt.errors import ConfigError, PublishError, SourceTimeout
from clef_rt.frame import Observation
from clef_rt.publish import Publisher
from clef_rt.status import CameraState, Status
from clef_rt.subscribe import Subscription, subscribe
from clef_rt.wire import Event, Hello, encode, liveness, peers, topic_of
from clef_rt.wire.curve import CurveKeys
from tests.rigs import messages

ROOT = Path(__file__).parents[1]
LOCAL = "tcp://127.0.0.1:0"


def wait_for(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it never came to be"
        time.sleep(0.005)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    hellos = [messages.hello("door"), messages.hello("door2")]
    with Publisher(LOCAL, hellos=hellos) as publisher:
        yield publisher


def joined(publisher: Publisher, **options: object) -> Subscription:
    """A subscription that has its hello."""
    subscription = subscribe(publisher.endpoint, **({"timeout_s": 10} | options))  # type: ignore[arg-type]
    wait_for(lambda: len(subscription.hellos) > 0)
    return subscription


def first(events: Iterator[Event], wanted: Callable[[Event], bool]) -> Event:
    return next(event for event in events if wanted(event))


def test_observations_come_as_they_were_sent(publisher: Publisher) -> None:
    with joined(publisher, latest=False) as subscription:
        sent = [messages.fresh(seq=seq, faces=seq % 3) for seq in range(20)]
        for observation in sent:
            publisher.publish(observation)
        received = list(itertools.islice(subscription, 20))
    assert all(map(messages.same, sent, received))
    assert subscription.counts.lost == subscription.counts.unnamed == subscription.counts.invalid == 0


def test_events_bring_hello_once_then_statuses_and_observations(publisher: Publisher) -> None:
    publisher.status(messages.status())
    with joined(publisher, cameras=["door"], latest=False) as subscription:
        publisher.publish(messages.fresh())
        events = subscription.events()
        end_s, seen = time.monotonic() + 2.5, []
        while time.monotonic() < end_s:
            seen.append(next(events))
    assert sum(isinstance(event, Hello) for event in seen) == 1
    assert sum(isinstance(event, Observation) for event in seen) == 1
    assert sum(isinstance(event, Status) and event.state is CameraState.LIVE for event in seen) >= 2


def test_door_does_not_bring_door2(publisher: Publisher) -> None:
    with joined(publisher, cameras=["door"], latest=False) as subscription:
        for seq in range(3):
            publisher.publish(messages.fresh("door2", seq))
            publisher.publish(messages.fresh("door", seq))
        assert [event.camera for event in itertools.islice(subscription, 3)] == ["door"] * 3
        assert set(subscription.hellos) == {"door"}
        assert subscription.counts.received == 3 + 1


def test_a_single_name_will_do_for_one_camera(publisher: Publisher) -> None:
    with joined(publisher, cameras="door2") as subscription:
        assert set(subscription.hellos) == {"door2"}


def test_a_slow_reader_with_latest_reads_fresh_and_loses_nothing_unawares(publisher: Publisher) -> None:
    with joined(publisher) as subscription:
        observations = iter(subscription)
        for seq in range(300):
            publisher.publish(messages.fresh(seq=seq))
            time.sleep(0.002)
        wait_for(lambda: subscription.counts.received >= 300)
        publisher.publish(messages.fresh(seq=300))
        wait_for(lambda: subscription.counts.received >= 303)
        observation = next(observations)
    assert observation.seq == 300
    assert subscription.counts.skipped == 300
    assert subscription.counts.lost == 0


def test_without_latest_a_full_queue_loses_the_oldest_and_counts_them(publisher: Publisher) -> None:
    with joined(publisher, latest=False, queue_size=10, cameras=["door"]) as subscription:
        for seq in range(50):
            publisher.publish(messages.fresh(seq=seq))
        wait_for(lambda: subscription.counts.received >= 51)
        time.sleep(0.1)
        assert [event.seq for event in itertools.islice(subscription, 10)] == list(range(40, 50))
        assert subscription.lost == {"door": 40}


def test_gaps_are_counted_but_not_frames_that_were_dropped_before_analysis(publisher: Publisher) -> None:
    with joined(publisher, latest=False) as subscription:
        for seq, dropped in [(0, 0), (3, 2), (4, 2), (8, 4)]:
            publisher.publish(messages.fresh(seq=seq, dropped=dropped))
        list(itertools.islice(subscription, 4))
        assert subscription.lost == {"door": 1}


FOLLOW = """
import sys, time
from clef_rt.subscribe import subscribe
with subscribe(sys.argv[1]) as subscription:
    for observation in subscription:
        print(observation.seq, (time.time_ns() - observation.captured_utc_ns) / 1e9, flush=True)
"""


def test_a_process_that_was_suspended_reads_fresh_when_it_goes_on(publisher: Publisher) -> None:
    stop = threading.Event()

    def publish() -> None:
        for seq in itertools.count():
            if stop.wait(0.01):
                return
            publisher.publish(messages.fresh(seq=seq, faces=4))

    thread = threading.Thread(target=publish)
    thread.start()
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOW, publisher.endpoint], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        try:
            before = int(process.stdout.readline().split()[0])
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(2)
            os.kill(process.pid, signal.SIGCONT)
            # What it had in hand or in the pipe comes first; then no backlog of 200 may follow.
            ages = [float(process.stdout.readline().split()[1]) for _ in range(60)]
            last = int(process.stdout.readline().split()[0])
        finally:
            stop.set()
            thread.join()
            process.kill()
    assert max(ages[-30:]) < 0.5
    assert sum(age > 0.5 for age in ages) <= 10
    assert last > before + 200


PUBLISH = """
import itertools, sys, time
from clef_rt.publish import Publisher
from tests.rigs import messages
with Publisher(sys.argv[1], hellos=[messages.hello(bundle=sys.argv[2])]) as publisher:
    publisher.status(messages.status())
    print("up", flush=True)
    for seq in itertools.count(int(sys.argv[3])):
        publisher.publish(messages.fresh(seq=seq)); time.sleep(0.01)
"""


def publishing(endpoint: str, bundle: str, seq: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", PUBLISH, endpoint, bundle, str(seq)]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@pytest.fixture
def free_endpoint() -> str:
    with zmq.Context() as context, context.socket(zmq.PUB) as probe:
        return f"tcp://127.0.0.1:{probe.bind_to_random_port('tcp://127.0.0.1')}"


def test_a_publisher_that_is_killed_is_told_lost_and_is_read_again_once_back(
    free_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "SILENCE_S", 1.5)
    with subscribe(free_endpoint, cameras=["door"], timeout_s=15) as subscription:
        events = subscription.events()
        with publishing(free_endpoint, "one") as process:
            first(events, lambda event: isinstance(event, Observation) and event.seq > 20)
            before = subscription.hellos["door"]
            process.kill()
        lost = first(events, lambda event: isinstance(event, Status) and event.reason == "lost")
        assert isinstance(lost, Status)
        assert (lost.camera, lost.state, lost.epoch) == ("door", CameraState.STALLED, 3)
        # The new one's numbers begin far above: by itself a loss of 100,000.
        with publishing(free_endpoint, "two", 100_000) as process:
            first(events, lambda event: isinstance(event, Hello) and event.bundle == "two")
            first(events, lambda event: isinstance(event, Observation) and event.seq > 100_020)
            first(events, lambda event: isinstance(event, Status) and event.state is CameraState.LIVE)
            process.kill()
        assert subscription.hellos["door"].publisher != before.publisher
        assert subscription.counts.lost < 50


def test_a_camera_that_ended_is_not_called_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "SILENCE_S", 0.5)
    with Publisher(LOCAL, hellos=[messages.hello()]) as publisher, joined(publisher) as subscription:
        publisher.status(messages.status(state=CameraState.STOPPED, reason="ended"))
        events = subscription.events()
        first(events, lambda event: isinstance(event, Status))
        publisher.close()
        time.sleep(1.2)
        subscription.close()
        assert not [event for event in events if isinstance(event, Status) and event.reason == "lost"]


def test_a_named_camera_that_never_speaks_is_told_lost(
    free_endpoint: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(liveness, "SILENCE_S", 0.3)
    with subscribe(free_endpoint, cameras=["door"], timeout_s=5) as subscription:
        status = next(subscription.events())
    assert isinstance(status, Status)
    assert (status.camera, status.reason) == ("door", "lost")
    assert free_endpoint in status.detail


def test_iterating_gives_up_after_the_timeout_though_heartbeats_go_on(publisher: Publisher) -> None:
    publisher.status(messages.status())
    with joined(publisher, timeout_s=1.5) as subscription, pytest.raises(SourceTimeout, match="Is a publisher running"):
        next(iter(subscription))


def test_an_old_observation_is_worth_one_warning(publisher: Publisher, caplog: pytest.LogCaptureFixture) -> None:
    with joined(publisher, latest=False) as subscription:
        for seq in range(3):
            publisher.publish(messages.fresh(seq=seq, captured_utc_ns=time.time_ns() - 2_000_000_000))
        list(itertools.islice(subscription, 3))
    assert sum("2.0 s old" in record.message for record in caplog.records) == 1


def test_garbage_is_counted_and_the_rest_is_read(free_endpoint: str, caplog: pytest.LogCaptureFixture) -> None:
    good = messages.fresh(seq=5)
    with zmq.Context() as context, context.socket(zmq.XPUB) as rogue:
        rogue.linger = 0
        rogue.bind(free_endpoint)
        with subscribe(free_endpoint, timeout_s=5) as subscription:
            assert rogue.poll(5000)
            rogue.recv()
            rogue.send_multipart([topic_of(messages.hello()), encode(messages.hello())])
            rogue.send(b"clef.v1.obs.door.")
            rogue.send_multipart([b"clef.v1.obs.door.", b"\xdf\xff\xff\xff\xff"])
            wait_for(lambda: subscription.counts.invalid == 2)
            rogue.send_multipart([b"clef.v1.obs.gate.", encode(good)])
            wait_for(lambda: subscription.counts.invalid == 3)
            rogue.send_multipart([topic_of(good), encode(good), b"a later version's third part"])
            assert next(iter(subscription)).seq == 5
    assert sum("refused" in record.message for record in caplog.records) == 1


def test_a_message_longer_than_any_of_ours_is_not_received_and_does_not_end_it(
    free_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "_REVIVE_S", 0.5)
    with zmq.Context() as context, context.socket(zmq.XPUB) as rogue:
        rogue.linger = 0
        rogue.bind(free_endpoint)
        with subscribe(free_endpoint, timeout_s=5) as subscription:
            assert rogue.poll(5000)
            assert rogue.recv() == b"\1clef.v1."
            rogue.send_multipart([b"clef.v1.obs.door.", bytes(50_000_000)])
            assert rogue.poll(5000)
            assert rogue.recv() == b"\0clef.v1."  # it hung up; ZeroMQ by itself would never come back
            assert rogue.poll(5000)
            assert rogue.recv() == b"\1clef.v1."
            rogue.send_multipart([topic_of(messages.status()), encode(messages.status())])
            assert next(subscription.events()) == messages.status()
            assert subscription.counts.received == 1


def test_it_waits_for_publishers_that_connect(free_endpoint: str) -> None:
    with subscribe(f"bind:{free_endpoint}", timeout_s=5) as subscription:
        publishers = [Publisher(f"connect:{free_endpoint}", hellos=[messages.hello(name)]) for name in ("door", "gate")]
        wait_for(lambda: set(subscription.hellos) == {"door", "gate"})
        for publisher in publishers:
            publisher.close()


@pytest.mark.parametrize("endpoint", ["127.0.0.1:5599", "tcp://127.0.0.1:0", "tcp://127.0.0.1:70000"])
def test_a_bad_endpoint_is_a_clear_error(endpoint: str) -> None:
    with pytest.raises(PublishError, match="tcp://127"):
        subscribe(endpoint)


def test_a_bad_camera_name_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="can't be a camera's name"):
        subscribe("tcp://127.0.0.1:5599", cameras=["Front Door"])


def test_a_bad_key_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="not a CURVE key"):
        subscribe("tcp://127.0.0.1:5599", server_key="secret")


def test_closing_ends_an_iteration_in_another_thread(publisher: Publisher) -> None:
    subscription = joined(publisher, timeout_s=None)
    ended = threading.Thread(target=lambda: list(subscription))
    ended.start()
    subscription.close()
    subscription.close()
    ended.join(2)
    assert not ended.is_alive()


def test_a_loop_over_a_subscription_that_nobody_kept_leaves_no_thread(publisher: Publisher) -> None:
    threads = threading.active_count()

    def look() -> None:
        stop = threading.Event()
        sender = threading.Thread(
            target=lambda: [publisher.publish(messages.fresh(seq=seq)) for seq in range(500) if not stop.wait(0.01)]
        )
        sender.start()
        for _ in subscribe(publisher.endpoint, timeout_s=5):
            break
        stop.set()
        sender.join()

    look()
    gc.collect()
    wait_for(lambda: threading.active_count() == threads)


def test_ctrl_c_ends_a_waiting_reader_at_once_without_a_word(publisher: Publisher) -> None:
    script = """
import sys
from clef_rt.subscribe import subscribe
try:
    with subscribe(sys.argv[1]) as subscription:
        print("up", flush=True)
        for _ in subscription:
            pass
except KeyboardInterrupt:
    sys.exit(0)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, publisher.endpoint],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        assert process.stdout.readline() == "up\n"
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(3) == 0
        assert process.stderr.read() == ""


class TestCurve:
    def test_with_the_publishers_key_it_reads(self) -> None:
        keys = CurveKeys.generate()
        with (
            Publisher(LOCAL, hellos=[messages.hello()], curve=keys) as publisher,
            joined(publisher, server_key=keys.public) as subscription,
        ):
            publisher.publish(messages.fresh(seq=8))
            assert next(iter(subscription)).seq == 8

    @pytest.mark.parametrize("key", [CurveKeys.generate().public, None], ids=["a wrong key", "no key"])
    def test_without_it_nothing_comes_and_both_logs_say_so(
        self, key: str | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        with (
            Publisher(LOCAL, hellos=[messages.hello()], curve=CurveKeys.generate()) as publisher,
            subscribe(publisher.endpoint, server_key=key) as subscription,
        ):
            wait_for(lambda: publisher.counts.handshake_failures > 0 and subscription.counts.handshake_failures > 0)
            assert subscription.counts.received == 0
        assert sum("Both ends need CURVE or neither" in record.message for record in caplog.records) == 2
