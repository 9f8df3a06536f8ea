"""The threads behind `live`: what they do while the output is stuck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from clef_rt.analyzer import Analyzer, load
from clef_rt.cli.session import Consumer, Producer
from clef_rt.cli.tally import Snapshot, Tally
from clef_rt.frame import Observation
from clef_rt.publish import Publisher
from clef_rt.sources import SourceOptions
from clef_rt.stream import stream
from clef_rt.subscribe import subscribe
from clef_rt.wire import Event
from tests.cli.conftest import FILM_FRAMES


class StuckOutput:
    """Takes nothing until it is released."""

    def __init__(self) -> None:
        self.console = Console()
        self.released = threading.Event()
        self.taken: list[int] = []
        self.summary: Snapshot | None = None

    def event(self, event: Event) -> None:
        if isinstance(event, Observation):
            self.released.wait(20)
            self.taken.append(event.seq)

    def tick(self, snapshot: Snapshot) -> None: ...

    def close(self, summary: Snapshot | None, wire: str) -> None:
        self.summary = summary


@pytest.fixture(scope="module")
def analyzer(bundle: Path) -> Analyzer:
    return load(bundle, threads=1)


@pytest.fixture
def run(analyzer: Analyzer, film: Path) -> Iterator[Callable[..., tuple[Producer, Consumer, StuckOutput]]]:
    closing: list[Any] = []

    def run(options: SourceOptions) -> tuple[Producer, Consumer, StuckOutput]:
        publisher = Publisher("tcp://127.0.0.1:0")
        output = StuckOutput()
        subscription = subscribe(publisher.endpoint, latest=False)
        consumer = Consumer(subscription, Tally(same_host=True, from_start=True), output)
        consumer.start()
        opened = stream(film, analyzer=analyzer, cameras=["door"], options=options)
        publisher.hello(analyzer.hello("door"))
        consumer.wait_introduced(["door"])
        producer = Producer(opened, publisher, consumer.writing)
        producer.start()
        closing.extend([producer, subscription, publisher])
        return producer, consumer, output

    yield run
    for part in closing:
        part.close()


def ended(producer: Producer, timeout_s: float = 20.0) -> bool:
    end_s = time.monotonic() + timeout_s
    while producer.running and time.monotonic() < end_s:
        time.sleep(0.02)
    return not producer.running


def test_a_film_waits_for_a_reader_that_is_stuck_and_loses_nothing(run: Any) -> None:
    producer, consumer, output = run(SourceOptions())
    assert not ended(producer, 2.0)
    assert producer.published < 5
    output.released.set()
    assert ended(producer)
    consumer.finish(producer.published, [], hurried=lambda: False)
    assert output.taken == list(range(FILM_FRAMES))
    assert output.summary is not None
    assert output.summary.cameras[0].frames == FILM_FRAMES


def test_a_live_source_waits_for_nobody(run: Any) -> None:
    producer, consumer, output = run(SourceOptions(realtime=True))
    assert ended(producer)
    assert producer.published > FILM_FRAMES // 4
    assert output.taken == []
    # Nobody is in a hurry, so the end waits for the output.
    threading.Timer(1.5, output.released.set).start()
    consumer.finish(producer.published, ["door"], hurried=lambda: False)
    assert len(output.taken) == producer.published


def test_waiting_for_the_labels_to_come(analyzer: Analyzer) -> None:
    with Publisher("tcp://127.0.0.1:0") as publisher, subscribe(publisher.endpoint, latest=False) as subscription:
        consumer = Consumer(subscription, Tally(same_host=True, from_start=True), StuckOutput())
        consumer.start()
        threading.Timer(0.3, publisher.hello, [analyzer.hello("door")]).start()
        consumer.wait_introduced(["door"])
        assert "door" in subscription.hellos


def test_whoever_is_in_a_hurry_does_not_wait_for_an_output_that_is_stuck(run: Any) -> None:
    producer, consumer, output = run(SourceOptions(realtime=True))
    assert ended(producer)
    begun = time.monotonic()
    consumer.finish(producer.published, ["door"], hurried=lambda: True)
    assert time.monotonic() - begun < 2
    assert output.taken == []
    output.released.set()


def test_error_of_the_stream_is_kept_for_the_main_thread(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> Any:
        raise ValueError("broken on purpose")

    monkeypatch.setattr(Analyzer, "observe", fail)
    producer, _, output = run(SourceOptions())
    output.released.set()
    assert ended(producer)
    assert isinstance(producer.error, ValueError)
