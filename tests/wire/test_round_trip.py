"""What goes in at one end comes out at the other."""

import json
import math

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clef_rt.errors import WireError
from clef_rt.frame import Observation
from clef_rt.status import Status
from clef_rt.wire import Decoder, Hello, encode, topic_of
from clef_rt.wire.codec import Format
from tests.rigs import messages

formats = st.sampled_from(["msgpack", "json"])


@given(pair=messages.named_observations(), form=formats)
@settings(max_examples=150, deadline=None)
def test_an_observation_comes_back_with_every_float32_exact(pair: tuple[Hello, Observation], form: Format) -> None:
    hello, observation = pair
    decoder = Decoder()
    decoder.decode(encode(hello, format=form), topic_of(hello))
    back = decoder.decode(encode(observation, format=form), topic_of(observation))
    assert isinstance(back, Observation)
    assert messages.same(back, observation)


@given(hello=messages.hellos(), form=formats)
@settings(max_examples=75, deadline=None)
def test_a_hello_comes_back_equal(hello: Hello, form: Format) -> None:
    assert Decoder().decode(encode(hello, format=form), topic_of(hello)) == hello


@given(status=messages.statuses(), form=formats)
@settings(max_examples=75, deadline=None)
def test_a_status_comes_back_equal(status: Status, form: Format) -> None:
    assert Decoder().decode(encode(status, format=form), topic_of(status)) == status


def test_floats_take_four_bytes_and_instants_eight() -> None:
    plain = encode(messages.observation(faces=0, ms={}))
    timed = encode(messages.observation(faces=0, ms={"total": 18.7}))
    assert len(timed) - len(plain) == len(b"\xa5total") + 5
    assert b"\xcf" + (1_790_000_000_123_456_789).to_bytes(8, "big") in plain


def test_a_float32_score_is_the_same_number_in_both_formats() -> None:
    observation = messages.observation()
    packed, text = msgpack.unpackb(encode(observation)), json.loads(encode(observation, format="json"))
    assert (
        packed["faces"][0]["au"] == text["faces"][0]["au"] == [float(np.float32(v)) for v in (0.1, 0.2, 0.3, 0.4, 0.9)]
    )


def test_numpy_integers_are_written_like_any_other() -> None:
    numpy, plain = messages.observation(seq=np.int64(5), dropped=np.uint32(2)), messages.observation(seq=5, dropped=2)
    assert encode(numpy) == encode(plain)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.01, 1.01])
def test_a_score_that_is_no_probability_is_not_written(value: float) -> None:
    observation = messages.observation()
    observation.faces[0].aus.values_array[2] = value
    with pytest.raises(WireError, match="AU scores"):
        encode(observation)


@pytest.mark.parametrize("value", [math.nan, -math.inf, 1e7])
def test_a_coordinate_out_of_all_bounds_is_not_written(value: float) -> None:
    observation = messages.observation()
    observation.faces[0].landmarks[4, 1] = value
    with pytest.raises(WireError, match="coordinates"):
        encode(observation)


def test_a_time_that_is_not_finite_is_not_written() -> None:
    with pytest.raises(WireError, match="times"):
        encode(messages.observation(ms={"total": math.nan}))


def test_a_crowd_beyond_the_limit_is_refused_before_it_is_sent() -> None:
    assert len(encode(messages.observation(faces=256))) > 0
    with pytest.raises(WireError, match="257 faces"):
        encode(messages.observation(faces=257))


def test_a_number_too_big_for_the_format_is_an_error_of_ours() -> None:
    with pytest.raises(WireError, match="can't be written"):
        encode(messages.observation(seq=2**70))
