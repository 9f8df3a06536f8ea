"""The publisher, over real sockets, read by plain ZeroMQ where what it sends matters."""

from __future__ import annotations

import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from clef_rt.errors import PublishError, WireError
from clef_rt.publish import Publisher
from clef_rt.status import CameraState
from clef_rt.wire.curve import CurveKeys
from tests.rigs import messages

ROOT = Path(__file__).parents[1]
LOCAL = "tcp://127.0.0.1:0"


class Plain:
    """A subscriber that knows nothing of clef_rt."""

    def __init__(self, endpoint: str, *prefixes: str, receive: int = 1000, server_key: str = "") -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = receive
        if server_key:
            CurveKeys.generate().join(self.socket, server_key)
        for prefix in prefixes:
            self.socket.subscribe(prefix)
        self.socket.connect(endpoint)

    def read(self, timeout_s: float = 5) -> tuple[str, dict[str, Any]]:
        assert self.socket.poll(int(timeout_s * 1e3)), "nothing came"
        topic, payload = self.socket.recv_multipart()
        return topic.decode(), msgpack.unpackb(payload)

    def read_until(self, kind: str, timeout_s: float = 5) -> dict[str, Any]:
        end_s = time.monotonic() + timeout_s
        while True:
            _, message = self.read(end_s - time.monotonic())
            if message["kind"] == kind:
                return message

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)


def wait_for(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it never came to be"
        time.sleep(0.005)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(LOCAL, hellos=[messages.hello()]) as publisher:
        yield publisher


def test_an_observation_arrives_under_its_topic(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1.obs.door.") as reader:
        wait_for(lambda: publisher.counts.subscribers == 1)
        wait_for(lambda: publisher.counts.sent > 0)
        assert publisher.publish(messages.observation(seq=42))
        topic, message = reader.read()
    assert topic == "clef.v1.obs.door."
    assert message["seq"] == 42
    assert message["faces"][0]["au"][4] == pytest.approx(0.9)


def test_a_latecomer_gets_hello_and_the_last_status_within_half_a_second(publisher: Publisher) -> None:
    publisher.status(messages.status(state=CameraState.BACKOFF, reason="refused"))
    time.sleep(0.3)
    with Plain(publisher.endpoint, "clef.v1.") as reader:
        assert reader.read(0.5)[1]["au"] == list(messages.AUS)
        assert reader.read(0.5)[1]["reason"] == "refused"


def test_every_newcomer_gets_one_also_where_another_has_the_same_subscription(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1.") as first:
        first.read_until("hello")
        with Plain(publisher.endpoint, "clef.v1.") as second:
            second.read_until("hello", 0.5)


def test_hello_and_status_are_repeated_every_second(publisher: Publisher) -> None:
    publisher.status(messages.status())
    with Plain(publisher.endpoint, "clef.v1.hello.", "clef.v1.status.") as reader:
        times: dict[str, list[int]] = {"hello": [], "status": []}
        while min(map(len, times.values())) < 3:
            _, message = reader.read()
            times[message["kind"]].append(message["utc_ns"])
    for stamps in times.values():
        assert 0.9 < (stamps[2] - stamps[1]) / 1e9 < 1.8


def test_hellos_carry_the_publishers_id_and_each_publisher_has_its_own(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1.") as reader:
        assert reader.read_until("hello")["publisher"] == publisher.id
    with Publisher(LOCAL) as other:
        assert other.id != publisher.id


def test_with_nobody_there_nothing_is_packed(publisher: Publisher) -> None:
    for seq in range(10):
        publisher.publish(messages.observation(seq=seq))
    wait_for(lambda: publisher.counts.unread >= 10)
    assert publisher.counts.sent == 0


def test_subscribers_are_counted_as_they_come_and_go(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1."):
        wait_for(lambda: publisher.counts.subscribers == 1)
        with Plain(publisher.endpoint, "clef.v1.obs.door.", "clef.v1.hello.door."):
            wait_for(lambda: publisher.counts.subscribers == 2)
        wait_for(lambda: publisher.counts.subscribers == 1)
    wait_for(lambda: publisher.counts.subscribers == 0)
    time.sleep(0.1)  # a hello may be on its way still
    sent = publisher.counts.sent
    publisher.publish(messages.observation())
    time.sleep(0.1)
    assert publisher.counts.sent == sent


def test_a_subscriber_that_does_not_read_slows_nobody(publisher: Publisher) -> None:
    def median_publish_s() -> float:
        times = []
        for seq in range(400):
            observation = messages.observation(seq=seq, faces=50)  # 17 kB: fills buffers soon
            start_s = time.perf_counter()
            publisher.publish(observation)
            times.append(time.perf_counter() - start_s)
            time.sleep(0.002)
        return statistics.median(times)

    with Plain(publisher.endpoint, "clef.v1.hello.", "clef.v1.obs.") as reader:
        reader.read_until("hello")
        received: list[int] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                if reader.socket.poll(20):
                    message = msgpack.unpackb(reader.socket.recv_multipart()[1])
                    received.extend([message["seq"]] if message["kind"] == "obs" else [])

        thread = threading.Thread(target=read)
        thread.start()
        alone_s = median_publish_s()
        with Plain(publisher.endpoint, "clef.v1.obs.", receive=1) as stalled:
            wait_for(lambda: publisher.counts.subscribers == 2)
            beside_s = median_publish_s()
            wait_for(lambda: len(received) >= 2 * 400 * 0.99)
            # It read nothing all the while, and lost nearly all beyond the buffers.
            assert stalled.socket.poll(0)
        done.set()
        thread.join()
    assert beside_s < 3 * alone_s + 50e-6
    assert publisher.counts.dropped == 0


def test_a_full_mailbox_drops_the_newest_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = threading.Event()
    with Publisher(LOCAL, queue_size=4) as publisher:
        monkeypatch.setattr(publisher, "_send", lambda message: blocked.wait(5))
        publisher.publish(messages.observation())
        wait_for(lambda: len(publisher._mailbox) == 0)
        kept = [publisher.publish(messages.observation(seq=seq)) for seq in range(10)]
        assert kept == [True] * 4 + [False] * 6
        assert publisher.counts.dropped == 6
        blocked.set()


def test_a_status_that_found_no_room_goes_out_with_the_next_heartbeat() -> None:
    with Publisher(LOCAL, queue_size=1) as publisher, Plain(publisher.endpoint, "clef.v1.status.") as reader:
        wait_for(lambda: publisher.counts.subscribers == 1)
        for _ in range(200):
            publisher.publish(messages.observation())
        while publisher.status(messages.status(reason="the-last")):
            publisher.publish(messages.observation())
        assert reader.read_until("status", 3)["reason"] == "the-last"


def test_an_impossible_score_is_logged_once_and_never_sent(
    publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    with Plain(publisher.endpoint, "clef.v1.") as reader:
        reader.read_until("hello")
        for _ in range(3):
            broken = messages.observation()
            broken.faces[0].aus.values_array[:] = float("nan")
            publisher.publish(broken)
        publisher.publish(messages.observation(seq=7))
        assert reader.read_until("obs")["seq"] == 7
    assert publisher.counts.refused == 3
    assert sum("AU scores" in record.message for record in caplog.records) == 1


def test_a_hello_that_no_subscriber_would_take_is_refused_at_once(publisher: Publisher) -> None:
    with pytest.raises(WireError, match="twice"):
        publisher.hello(messages.hello(aus=("AU01", "AU01")))
    with pytest.raises(WireError, match="camera"):
        Publisher(LOCAL, hellos=[messages.hello("Front Door")])


def test_a_new_hello_replaces_the_old_one(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1.hello.") as reader:
        assert reader.read_until("hello")["bundle"] == "clef-small"
        publisher.hello(messages.hello(bundle="clef-large"))
        assert [reader.read_until("hello")["bundle"] for _ in range(2)] == ["clef-large"] * 2


def test_json_is_there_for_readers_that_have_nothing_else() -> None:
    with (
        Publisher(LOCAL, hellos=[messages.hello()], format="json") as publisher,
        Plain(publisher.endpoint, "") as reader,
    ):
        assert reader.socket.poll(5000)
        assert json.loads(reader.socket.recv_multipart()[1])["zero_shot"] == list(messages.ZERO_SHOT)


def test_an_address_in_use_is_one_clear_error(publisher: Publisher) -> None:
    with pytest.raises(PublishError, match="in use"):
        Publisher(publisher.endpoint)


def test_it_speaks_over_ipc_as_well(tmp_path: Path) -> None:
    with (
        Publisher(f"ipc://{tmp_path}/clef.sock", hellos=[messages.hello()]) as publisher,
        Plain(publisher.endpoint, "clef.v1.") as reader,
    ):
        reader.read_until("hello")


def test_it_connects_to_a_waiting_reader() -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as waiting:
        waiting.linger = 0
        waiting.subscribe("clef.v1.")
        port = waiting.bind_to_random_port("tcp://127.0.0.1")
        with Publisher(f"connect:tcp://127.0.0.1:{port}", hellos=[messages.hello()]) as publisher:
            assert waiting.poll(5000)
            assert waiting.recv_multipart()[0] == b"clef.v1.hello.door."
            assert publisher.counts.subscribers == 1


def test_being_open_to_the_network_is_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with Publisher("tcp://*:0"):
        assert "without encryption" in caplog.text
    caplog.clear()
    with Publisher("tcp://*:0", curve=CurveKeys.generate()), Publisher(LOCAL):
        assert "without encryption" not in caplog.text


def test_closing_sends_what_waits(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1.") as reader:
        reader.read_until("hello")
        for seq in range(20):
            publisher.publish(messages.observation(seq=seq))
        publisher.status(messages.status(state=CameraState.STOPPED))
        publisher.close()
        while (message := reader.read(1)[1]).get("state") != "stopped":
            last = message.get("seq")
        assert last == 19


def test_closing_takes_less_than_a_second_beside_a_stalled_subscriber(publisher: Publisher) -> None:
    with Plain(publisher.endpoint, "clef.v1.", receive=1):
        wait_for(lambda: publisher.counts.subscribers == 1)
        for seq in range(200):
            publisher.publish(messages.observation(seq=seq, faces=250))  # 80 kB each: more than the buffers hold
            time.sleep(0.001)
        start_s = time.monotonic()
        publisher.close()
        assert time.monotonic() - start_s < 1
        assert not publisher._thread.is_alive()


def test_after_closing_a_call_is_counted_and_does_nothing(publisher: Publisher) -> None:
    publisher.close()
    publisher.close()
    assert not publisher.publish(messages.observation())
    assert publisher.counts.dropped == 1


SCRIPT = """
import sys, time
from clef_rt.publish import Publisher
from tests.rigs import messages
with Publisher("tcp://127.0.0.1:0", hellos=[messages.hello()]) as publisher:
    print(publisher.endpoint, flush=True)
    try:
        while True:
            publisher.publish(messages.fresh(faces=4)); time.sleep(0.01)
    except KeyboardInterrupt:
        pass
print("closed", flush=True)
"""


def test_a_process_ends_within_three_seconds_of_ctrl_c_beside_a_frozen_subscriber() -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, Plain(process.stdout.readline().strip(), "clef.v1.", receive=1) as stalled:
        stalled.read_until("hello")
        time.sleep(0.5)
        start_s = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(3) == 0
        assert time.monotonic() - start_s < 3
        assert process.stdout.read() == "closed\n"


class TestCurve:
    def test_the_right_key_reads(self) -> None:
        keys = CurveKeys.generate()
        with (
            Publisher(LOCAL, hellos=[messages.hello()], curve=keys) as publisher,
            Plain(publisher.endpoint, "clef.v1.", server_key=keys.public) as reader,
        ):
            reader.read_until("hello")
            assert publisher.counts.handshake_failures == 0

    def test_a_reader_without_keys_reads_nothing_and_the_log_says_why_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        with (
            Publisher(LOCAL, hellos=[messages.hello()], curve=CurveKeys.generate()) as publisher,
            Plain(publisher.endpoint, "clef.v1.") as first,
            Plain(publisher.endpoint, "clef.v1.") as second,
        ):
            wait_for(lambda: publisher.counts.handshake_failures >= 2)
            assert not first.socket.poll(0)
            assert not second.socket.poll(0)
        assert sum("A handshake failed" in record.message for record in caplog.records) == 1
