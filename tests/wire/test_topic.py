import pytest
from hypothesis import given

from clef_rt.errors import WireError
from clef_rt.wire import Event, Kind, parse_topic, topic_of
from clef_rt.wire.topic import topics
from tests.rigs import messages


def test_topics_end_with_a_dot_so_that_door_is_no_prefix_of_door2() -> None:
    wanted = topics("door")
    for message in (messages.observation("door2"), messages.status("door2"), messages.hello("door2")):
        assert not any(topic_of(message).startswith(topic) for topic in wanted)
    for message in (messages.observation("door"), messages.status("door"), messages.hello("door")):
        assert topic_of(message) in wanted


@given(event=messages.statuses() | messages.hellos())
def test_a_topic_taken_apart_gives_what_it_was_made_from(event: Event) -> None:
    kind, camera = parse_topic(topic_of(event))
    assert camera == event.camera
    assert kind in (Kind.STATUS, Kind.HELLO)


@pytest.mark.parametrize(
    "topic",
    [b"", b"clef.v1.obs.door", b"clef.v2.obs.door.", b"clef.v1.face.door.", b"clef.v1.obs.Door.", b"clef.v1.obs.d.e."],
)
def test_other_topics_are_refused(topic: bytes) -> None:
    with pytest.raises(WireError, match="not a topic"):
        parse_topic(topic)
