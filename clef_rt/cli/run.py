"""Runs `live`, `demo` and `subscribe`: publisher, stream, subscriber and output, up and down in order."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Sequence

from rich.text import Text

from clef_rt.analyzer import load
from clef_rt.cli.interrupts import Interrupts
from clef_rt.cli.outputs import OutputKind, choose
from clef_rt.cli.session import Consumer, Producer, attend
from clef_rt.cli.tally import Tally
from clef_rt.cli.terminal import log_to, stderr_console, tolerant_of_closed_pipes
from clef_rt.config import LiveSettings
from clef_rt.errors import ConfigError, SourceTimeout
from clef_rt.publish import Publisher
from clef_rt.stream import stream
from clef_rt.subscribe import subscribe
from clef_rt.wire.endpoint import Endpoint

__all__ = ["run_live", "run_subscribe"]


def run_live(settings: LiveSettings, title: str) -> None:
    """Analyse, publish and show until it ends. For the main thread.

    Args:
        settings: what to do.
        title: of the view.

    Raises:
        ClefError: something can't be used, or a source has failed.
    """
    sources = settings.resolved()
    if not sources:
        raise ConfigError("There is no source.", "Give a webcam's number, a URL or a file, such as: clef-rt live 0")
    if settings.publish.endpoint.startswith("connect:") and settings.output != "quiet":
        raise ConfigError(
            f"What goes to {settings.publish.endpoint} can't be watched from here.",
            "Add --quiet, and watch with clef-rt subscribe where it comes out.",
        )
    with Interrupts() as interrupts, tolerant_of_closed_pipes(), contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher(settings.publish.endpoint, format=settings.publish.format))
        with _busy("Loading the model …"):
            analyzer = load(
                settings.bundle,
                detector=settings.detector,
                engine=settings.engine,
                variant=settings.variant,
                threads=settings.threads,
                detect_every=settings.detect_every,
                max_faces=settings.max_faces,
            )
        spec = analyzer.bundle.spec
        output = choose(
            settings.output,
            f"{title} · {publisher.endpoint} · {spec.name} {spec.version} · {analyzer.encoder.description}",
            "Ctrl-C ends",
        )
        log_to(output.console if output else None)
        consumer: Consumer | None = None
        if output is not None:
            subscription = stack.enter_context(subscribe(_within_reach(publisher.endpoint), latest=False))
            consumer = Consumer(subscription, Tally(same_host=True, from_start=True), output)
            consumer.start()

        with _busy(f"Opening {', '.join(str(source.uri) for source in sources)} …"):
            opened = stack.enter_context(
                stream(
                    [source.uri for source in sources],
                    analyzer=analyzer,
                    cameras=[source.camera for source in sources],
                    options=[source.options for source in sources],
                    on_status=publisher.status,
                    latest={"auto": None, "latest": True, "lossless": False}[settings.policy],
                    retry_first=settings.retry,
                )
            )
        for camera in opened.cameras:
            publisher.hello(analyzer.hello(camera))
        producer = Producer(opened, publisher, consumer.writing if consumer else threading.Lock())
        if consumer is not None:
            consumer.wait_introduced(opened.cameras)
        interrupts.patient()
        producer.start()
        try:
            attend(interrupts, consumer, running=lambda: producer.running, duration_s=settings.duration_s)
        finally:
            producer.close()
            if consumer is not None:
                consumer.finish(
                    producer.published,
                    opened.cameras,
                    hurried=lambda: interrupts.asked,
                    wire=f"Published {producer.published} observations at {publisher.endpoint}, "
                    f"{publisher.counts.dropped} dropped.",
                )
        for error in (producer.error, consumer.error if consumer else None):
            if error is not None:
                raise error


def run_subscribe(
    endpoint: str,
    *,
    cameras: Sequence[str] | None,
    latest: bool,
    timeout_s: float | None,
    duration_s: float | None,
    kind: OutputKind,
) -> None:
    """Show what a publisher sends until somebody ends it. For the main thread.

    Args:
        endpoint: the publisher's.
        cameras: only these; all if None.
        latest: as for `clef_rt.subscribe`.
        timeout_s: end when nothing comes for so long.
        duration_s: end after so long.
        kind: of output.

    Raises:
        ClefError: the endpoint is wrong.
        SourceTimeout: nothing came for `timeout_s`, though not all cameras have told their end.
    """
    with Interrupts() as interrupts, tolerant_of_closed_pipes(), contextlib.ExitStack() as stack:
        output = choose(kind, f"clef-rt subscribe · {endpoint}", "Ctrl-C ends")
        assert output is not None, "quiet is no way to subscribe"
        log_to(output.console)
        subscription = stack.enter_context(subscribe(endpoint, cameras=cameras, latest=latest, timeout_s=timeout_s))
        same_host = Endpoint.parse(endpoint, default="connect").is_local
        consumer = Consumer(subscription, Tally(same_host=same_host, from_start=False), output)
        interrupts.patient()
        consumer.start()
        try:
            attend(interrupts, consumer, running=lambda: consumer.running, duration_s=duration_s)
        finally:
            counts = subscription.counts
            refused = f" {counts.invalid} messages were refused." if counts.invalid else ""
            consumer.finish(
                0,
                (),
                hurried=lambda: interrupts.asked,
                wire=f"Received {counts.received} messages, passed over {counts.skipped} observations.{refused}",
            )
        if consumer.error is not None and not (isinstance(consumer.error, SourceTimeout) and consumer.all_stopped):
            raise consumer.error


@contextlib.contextmanager
def _busy(what: str) -> Iterator[None]:
    """Say on a terminal what takes its time."""
    console = stderr_console()
    with console.status(Text(what)) if console.is_terminal else contextlib.nullcontext():
        yield


def _within_reach(endpoint: str) -> str:
    """Where a subscriber on this machine finds what was bound to this address."""
    return re.sub(r"^tcp://(?:0\.0\.0\.0|\*)(?=:)", "tcp://127.0.0.1", endpoint).replace("tcp://[::]:", "tcp://[::1]:")
