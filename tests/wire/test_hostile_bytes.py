"""Whatever bytes come in: a message, or a WireError, and little memory."""

import copy
import json
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clef_rt.errors import WireError
from clef_rt.frame import Observation
from clef_rt.status import Status
from clef_rt.wire import Decoder, Event, Hello, encode, to_map
from clef_rt.wire.codec import MAX_BYTES, unpack
from tests.rigs import messages

KINDS: list[Event] = [messages.observation(faces=2), messages.status(), messages.hello()]


def introduced() -> Decoder:
    decoder = Decoder()
    decoder.decode(encode(messages.hello()))
    return decoder


def survives(payload: bytes) -> bool:
    """Decode, and tell whether a message came of it; anything but a WireError goes through to the test."""
    try:
        event = introduced().decode(payload)
    except WireError:
        return False
    assert event is None or isinstance(event, Observation | Status | Hello)
    return True


@given(payload=st.binary(max_size=300))
@example(payload=b"")
@example(payload=b"{")
@example(payload=b"\xc1")
@example(payload=b"\xdf\xff\xff\xff\xff")
@example(payload=b"\xc7\x0c\xff" + b"\xff" * 12)  # a msgpack time stamp out of range
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_refused_and_nothing_worse(payload: bytes) -> None:
    assert not survives(payload)


@given(data=st.data(), which=st.sampled_from(KINDS), form=st.sampled_from(["msgpack", "json"]))
@settings(max_examples=300, deadline=None)
def test_valid_messages_with_bytes_changed_do_no_harm(data: st.DataObject, which: Event, form: Any) -> None:
    payload = bytearray(encode(which, format=form))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(payload))


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@given(data=st.data(), which=st.sampled_from(KINDS))
@settings(max_examples=300, deadline=None)
def test_valid_messages_with_a_value_replaced_do_no_harm(data: st.DataObject, which: Event) -> None:
    tree = copy.deepcopy(to_map(which))
    *path, last = data.draw(st.sampled_from(places(tree)[1:]))
    parent = tree
    for key in path:
        parent = parent[key]
    parent[last] = data.draw(anything)
    survives(msgpack.packb(tree))


@pytest.mark.parametrize("which", KINDS, ids=lambda message: type(message).__name__)
def test_every_truncation_is_refused(which: Event) -> None:
    for form in ("msgpack", "json"):
        payload = encode(which, format=form)  # type: ignore[arg-type]
        assert survives(payload)
        assert not any(survives(payload[:length]) for length in range(len(payload)))


@pytest.mark.parametrize("which", KINDS, ids=lambda message: type(message).__name__)
def test_trailing_bytes_are_refused(which: Event) -> None:
    assert not survives(encode(which) + b"\x00")
    assert not survives(encode(which, format="json") + b"}")


def attacks() -> dict[str, bytes]:
    allowed, promising = b"\xdd" + (2047).to_bytes(4, "big"), b"\xdd" + (400_000).to_bytes(4, "big")
    return {
        "an array that promises 4 billion places": b"\xdd\xff\xff\xff\xff" + b"\x01" * 1000,
        "arrays of the allowed length nested as deep as they go": (allowed * MAX_BYTES)[:MAX_BYTES],
        "arrays nested that each promise 3 MB of places": (promising * MAX_BYTES)[:MAX_BYTES],
        "maps nested as deep as they go": (b"\x81\xa1v" * MAX_BYTES)[:MAX_BYTES],
        "half a million empty maps": b"\xdc\x07\xff" + (b"\xdc\x07\xff" + b"\x80" * 2047) * 255,
        "a string that promises 4 GB": b"\x81\xdb\xff\xff\xff\xffabc",
        "bytes that promise 4 GB": b"\x81\xa1v\xc6\xff\xff\xff\xffabc",
        "an extension that promises 4 GB": b"\x81\xa1v\xc9\xff\xff\xff\xff\x01abc",
        "JSON nested as deep as it goes": (b'{"v":' + b"[" * MAX_BYTES)[:MAX_BYTES],
        "a JSON number of half a million digits": b'{"v":' + b"9" * (MAX_BYTES - 6) + b"}",
        "longer than allowed": b"\x80" + b" " * MAX_BYTES,
    }


@pytest.mark.parametrize("name", attacks())
def test_no_bytes_make_the_reader_take_much_memory(name: str) -> None:
    payload, decoder = attacks()[name], introduced()
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decoder.decode(payload)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("v",), 2, "version 2"),
        (("v",), True, "obs.v'"),
        (("v",), 1.0, "obs.v'"),
        (("kind",), "obs2", "kind"),
        (("camera",), "Door", "camera"),
        (("camera",), "door\n", "camera"),
        (("camera",), "x" * 65, "camera"),
        (("seq",), -1, "seq"),
        (("seq",), 1.0, "seq"),
        (("seq",), "5", "seq"),
        (("captured_utc_ns",), 2**63, "captured_utc_ns"),
        (("width",), 0, "width"),
        (("faces", 0, "box"), [1.0, 2.0, 3.0], "box"),
        (("faces", 0, "landmarks"), [[1.0, 2.0]] * 4, "landmarks"),
        (("faces", 0, "det_score"), 1.5, "det_score"),
        (("faces", 0, "au", 0), float("nan"), "au"),
        (("faces", 0, "au"), [0.5] * 4, "4 au scores where the hello names 5"),
        (("faces", 0, "expr"), [], "0 expr scores where the hello names 8"),
        (("faces", 0, "track_id"), None, "track_id"),
        (("ms", "total"), float("inf"), "total"),
        (("labels_hash",), "0123456X", "labels_hash"),
    ],
)
def test_a_wrong_value_is_refused_and_its_place_is_named(path: tuple[Any, ...], value: object, told: str) -> None:
    tree: Any = to_map(messages.observation())
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(WireError, match=told):
        introduced().decode(msgpack.packb(tree))


def test_not_a_number_is_refused_in_json_too() -> None:
    tree = to_map(messages.observation()) | {"ms": {"total": float("nan")}}
    with pytest.raises(WireError, match="damaged"):
        unpack(json.dumps(tree).encode())


def test_a_message_that_is_no_map_is_refused() -> None:
    with pytest.raises(WireError, match="holds a list"):
        unpack(msgpack.packb([1, 2]))


def test_a_label_named_twice_is_refused() -> None:
    with pytest.raises(WireError, match="twice"):
        introduced().decode(encode(messages.hello(aus=("AU01", "AU01"))))


def test_a_flood_of_cameras_is_stopped() -> None:
    decoder = Decoder()
    for i in range(1024):
        decoder.decode(encode(messages.status(f"cam{i}")))
    with pytest.raises(WireError, match="More than 1024 cameras"):
        decoder.decode(encode(messages.status("one-more")))


def test_an_error_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(WireError) as caught:
        introduced().decode(msgpack.packb(to_map(messages.hello()) | {"thresholds": {"\x1b[2J" * 25: 7.0}}))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400
