"""Bytes of released schemas, which every later reader must read. The files are never written anew, only added to."""

from pathlib import Path

import pytest

from clef_rt.wire import Decoder
from tests.rigs import messages

GOLDEN = Path(__file__).parent / "golden"


def decoder() -> Decoder:
    fresh = Decoder()
    fresh.decode((GOLDEN / "v1-hello.msgpack").read_bytes())
    return fresh


def test_the_first_hello_is_still_read() -> None:
    assert Decoder().decode((GOLDEN / "v1-hello.msgpack").read_bytes(), b"clef.v1.hello.door.") == messages.hello()


def test_the_first_status_is_still_read() -> None:
    assert decoder().decode((GOLDEN / "v1-status.msgpack").read_bytes(), b"clef.v1.status.door.") == messages.status()


@pytest.mark.parametrize("name", ["v1-obs.msgpack", "v1-obs.json"])
def test_the_first_observation_is_still_read(name: str) -> None:
    back = decoder().decode((GOLDEN / name).read_bytes(), b"clef.v1.obs.door.")
    assert messages.same(back, messages.observation(faces=2))  # type: ignore[arg-type]


def test_every_golden_message_is_read() -> None:
    files = sorted(GOLDEN.iterdir())
    assert len(files) >= 4
    for file in files:
        assert decoder().decode(file.read_bytes()) is not None, file.name
