"""Names come from the hello; what a reader doesn't know it ignores."""

import msgpack
import pytest

from clef_rt.errors import WireError
from clef_rt.frame import Observation
from clef_rt.wire import Decoder, encode, to_map
from tests.rigs import messages


def test_an_observation_before_its_hello_is_set_aside_and_counted() -> None:
    decoder, payload = Decoder(), encode(messages.observation())
    assert decoder.decode(payload) is None
    assert decoder.unnamed == 1
    decoder.decode(encode(messages.hello()))
    assert isinstance(decoder.decode(payload), Observation)
    assert decoder.unnamed == 1


def test_the_hello_of_another_camera_names_nothing() -> None:
    decoder = Decoder()
    decoder.decode(encode(messages.hello("gate")))
    assert decoder.decode(encode(messages.observation("door"))) is None


def test_after_the_labels_change_old_observations_are_not_misnamed() -> None:
    decoder = Decoder()
    decoder.decode(encode(messages.hello()))
    decoder.decode(encode(messages.hello(aus=("AU99", *messages.AUS[1:]), labels_hash="00000000")))
    assert decoder.decode(encode(messages.observation())) is None
    renamed = decoder.decode(encode(messages.observation(labels_hash="00000000")))
    assert isinstance(renamed, Observation)
    assert next(iter(renamed.faces[0].aus)) == "AU99"


def test_scores_are_found_by_name() -> None:
    decoder = Decoder()
    decoder.decode(encode(messages.hello()))
    observation = decoder.decode(encode(messages.observation()))
    assert isinstance(observation, Observation)
    assert observation.faces[0].aus["AU12"] == pytest.approx(0.9)
    assert observation.faces[0].expressions.top() == [("happiness", 0.875)]
    assert observation.faces[0].zero_shot["winking"] == 0


def test_keys_of_a_later_schema_are_ignored() -> None:
    tree = to_map(messages.observation())
    tree["mood"] = {"deep": [1, 2, 3]}
    tree["faces"][0]["gaze"] = [0.1, 0.2]
    tree["ms"]["publish"] = 0.25
    decoder = Decoder()
    decoder.decode(msgpack.packb(to_map(messages.hello()) | {"tower": "clip"}))
    observation = decoder.decode(msgpack.packb(tree))
    assert isinstance(observation, Observation)
    assert messages.same(observation, messages.observation())


def test_whole_numbers_may_come_as_integers_as_javascript_writes_them() -> None:
    tree = to_map(messages.observation())
    tree["faces"][0]["box"] = [100, 50, 80, 96]
    tree["faces"][0]["au"] = [0, 1, 0, 1, 0]
    decoder = Decoder()
    decoder.decode(encode(messages.hello()))
    observation = decoder.decode(msgpack.packb(tree))
    assert isinstance(observation, Observation)
    assert observation.faces[0].box.tolist() == [100, 50, 80, 96]


@pytest.mark.parametrize("topic", [b"clef.v1.obs.gate.", b"clef.v1.status.door.", b"clef.v1.obs.door", b"\xff"])
def test_a_topic_that_is_not_the_payloads_is_refused(topic: bytes) -> None:
    decoder = Decoder()
    decoder.decode(encode(messages.hello()))
    with pytest.raises(WireError, match="opic"):
        decoder.decode(encode(messages.observation()), topic)
