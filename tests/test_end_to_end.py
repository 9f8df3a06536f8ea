"""From the camera to the subscriber, over real sockets: nothing is lost on the way, and nothing gets old."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import clef_rt
from clef_rt import Analyzer, CameraState, Frame, Observation, Publisher, Status
from clef_rt.bundle import Bundle
from clef_rt.sources import SourceOptions
from tests.rigs import bundles, oracle
from tests.rigs.faces import make_face_video, portrait
from tests.rigs.rtsp import RtspServer

FRAMES = 25


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundles.make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    return make_face_video(folder / "faces.mp4", lambda i: [(150 + 5 * i, 180, 200)], frames=FRAMES)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher("tcp://127.0.0.1:0") as publisher:
        yield publisher


class Reading(Analyzer):
    """Reads the time that the camera drew into each frame, and is slower than the camera."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.drawn: dict[int, int] = {}

    def observe(self, frames: Sequence[Frame]) -> list[Observation]:
        for frame in frames:
            self.drawn[frame.seq] = oracle.read(frame.picture.gray())
        time.sleep(0.08)
        return super().observe(frames)


class Service:
    """Streams into a publisher in a thread, as a program would."""

    def __init__(self, stream: clef_rt.Stream, publisher: Publisher) -> None:
        self.sent: list[Observation] = []
        self._stream = stream
        self._publisher = publisher
        for camera in stream.cameras:
            publisher.hello(stream.analyzer.hello(camera))
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for observation in self._stream:
            self.sent.append(observation)
            self._publisher.publish(observation)

    def __enter__(self) -> Service:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._thread.join(5)
        assert not self._thread.is_alive()


def wait_for_subscriber(publisher: Publisher) -> None:
    end_s = time.monotonic() + 5
    while not publisher.counts.subscribers:
        assert time.monotonic() < end_s, "nobody subscribed"
        time.sleep(0.01)


def test_scores_of_a_video_arrive_as_they_were_made(bundle: Bundle, face_video: Path, publisher: Publisher) -> None:
    stream = clef_rt.stream(
        face_video,
        analyzer=Analyzer(bundle),
        cameras=["door"],
        options=SourceOptions(realtime=True),
        latest=False,
        on_status=publisher.status,
    )
    with clef_rt.subscribe(publisher.endpoint, cameras=["door"], latest=False, timeout_s=5) as subscription:
        wait_for_subscriber(publisher)
        with Service(stream, publisher) as service:
            heard: list[Observation] = []
            states: list[CameraState] = []
            for event in subscription.events():
                if isinstance(event, Observation):
                    heard.append(event)
                elif isinstance(event, Status) and (not states or states[-1] is not event.state):
                    states.append(event.state)
                if states[-1:] == [CameraState.STOPPED] and len(heard) == FRAMES:
                    break
        assert subscription.counts.lost == subscription.counts.invalid == 0
    assert states[-2:] == [CameraState.LIVE, CameraState.STOPPED]
    assert [observation.seq for observation in heard] == list(range(FRAMES))
    for got, made in zip(heard, service.sent, strict=True):
        [face], [original] = got.faces, made.faces
        assert face.track_id == original.track_id == 0
        assert dict(face.aus) == dict(original.aus)
        assert dict(face.expressions) == dict(original.expressions)
        assert np.array_equal(face.landmarks, original.landmarks)
        assert (got.pts_ns, got.captured_utc_ns, got.labels_hash) == (
            made.pts_ns,
            made.captured_utc_ns,
            made.labels_hash,
        )


@pytest.mark.parametrize("name", ["edge", "edge-clean"])
def test_the_embedded_bundles_see_a_smile(name: str) -> None:
    [face] = clef_rt.load(name).analyze(portrait())
    assert face.aus["AU12"] > 0.5
    assert min(face.aus["AU12_L"], face.aus["AU12_R"]) > 0.3
    assert face.expressions["happiness"] > 0.5


@pytest.mark.rtsp
def test_scores_of_a_live_camera_are_fresh_and_survive_its_restart(
    bundle: Bundle, publisher: Publisher, rtsp_camera: RtspServer
) -> None:
    analyzer = Reading(bundle)
    stream = clef_rt.stream(
        rtsp_camera.url,
        analyzer=analyzer,
        cameras=["door"],
        options=SourceOptions(open_timeout_s=2, read_timeout_s=2),
        on_status=publisher.status,
    )
    ages: list[int] = []
    states: list[CameraState] = []
    epochs: list[int] = []
    with (
        Service(stream, publisher),
        clef_rt.subscribe(publisher.endpoint, cameras=["door"], timeout_s=10) as subscription,
    ):
        for event in subscription.events():
            if isinstance(event, Status) and (not states or states[-1] is not event.state):
                states.append(event.state)
            if not isinstance(event, Observation):
                continue
            ages.append(oracle.age_ms(analyzer.drawn[event.seq]))
            epochs.append(event.epoch)
            if len(ages) == 40:
                rtsp_camera.kill()
                rtsp_camera.start()
            if epochs.count(epochs[-1]) >= 15 and epochs[-1] > 0:
                break
    assert epochs == sorted(epochs)
    assert [state for state in states if state in (CameraState.LIVE, CameraState.BACKOFF)][:3] == [
        CameraState.LIVE,
        CameraState.BACKOFF,
        CameraState.LIVE,
    ]
    # From the drawing in the camera's process to the subscriber. In a queue, the 40th would be 1.6 s old and more.
    assert statistics.median(ages[30:40]) < 1000
    assert statistics.median(ages[-10:]) < 1000
