"""The published JSON Schema: current, met by what is written, and enough for what is read."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clef_rt.frame import STAGES, Observation
from clef_rt.status import CameraState, Status
from clef_rt.wire import Decoder, Hello, encode, to_map
from clef_rt.wire.schema import HelloMessage, ObsMessage, StageTimes, StatusMessage, json_schema
from tests.rigs import messages

FILE = Path(__file__).parents[2] / "docs" / "wire.schema.json"
SCHEMA = json.loads(FILE.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_file_is_what_the_models_say() -> None:
    assert json_schema() == SCHEMA, "renew it: python -m clef_rt.wire > docs/wire.schema.json"


def test_the_file_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@given(pair=messages.named_observations(), status=messages.statuses())
@settings(max_examples=50, deadline=None)
def test_whatever_is_written_meets_the_schema(pair: tuple[Hello, Observation], status: Status) -> None:
    for message in (*pair, status):
        VALIDATOR.validate(msgpack.unpackb(encode(message)))
        VALIDATOR.validate(json.loads(encode(message, format="json")))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("camera",), "A.B"),
        (("faces", 0, "quality"), 2.0),
        (("faces", 0, "box"), [1.0]),
        (("kind",), "no"),
        (("v",), 2),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(path: tuple[Any, ...], value: object) -> None:
    tree: Any = to_map(messages.observation())
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    assert not VALIDATOR.is_valid(tree)


def generated(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Instances of the part of JSON Schema that ours uses; an unknown keyword fails."""
    known = {"title", "description", "default", "type", "properties", "required", "items", "minItems", "maxItems"}
    known |= {"minimum", "maximum", "minLength", "maxLength", "pattern", "enum", "const", "anyOf", "$ref"}
    known |= {"uniqueItems", "additionalProperties", "propertyNames", "maxProperties"}
    assert set(schema) <= known, set(schema) - known
    match schema:
        case {"$ref": ref}:
            return generated(SCHEMA["$defs"][ref.removeprefix("#/$defs/")])
        case {"const": value}:
            return st.just(value)
        case {"enum": values}:
            return st.sampled_from(values)
        case {"anyOf": choices}:
            return st.one_of(*map(generated, choices))
        case {"type": "null"}:
            return st.none()
        case {"type": "integer", "minimum": low, "maximum": high}:
            return st.integers(low, high)
        case {"type": "number", "minimum": low, "maximum": high}:
            return st.floats(low, high) | st.integers(int(low), int(high))
        case {"type": "string", "pattern": pattern}:
            return st.from_regex(re.compile(pattern.replace("$", r"\Z")), fullmatch=True)
        case {"type": "string"}:
            return st.text(min_size=schema.get("minLength", 0), max_size=min(8, schema["maxLength"]))
        case {"type": "array", "items": items}:
            low, high = schema.get("minItems", 0), min(schema["maxItems"], max(3, schema.get("minItems", 0)))
            unique = schema.get("uniqueItems", False)
            return st.lists(generated(items), min_size=low, max_size=high, unique=unique)
        case {"type": "object", "additionalProperties": values}:
            return st.dictionaries(
                generated({"type": "string"} | schema["propertyNames"]), generated(values), max_size=3
            )
        case {"type": "object", "properties": properties}:
            required = {key: generated(value) for key, value in properties.items() if key in schema.get("required", [])}
            optional = {key: generated(value) for key, value in properties.items() if key not in required}
            return st.fixed_dictionaries(required, optional=optional)
    raise AssertionError(schema)


@pytest.mark.parametrize("name", ["StatusMessage", "HelloMessage"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_meets_the_schema_is_read(name: str, data: st.DataObject) -> None:
    message = data.draw(generated(SCHEMA["$defs"][name]))
    VALIDATOR.validate(message)
    assert isinstance(Decoder().decode(msgpack.packb(message)), Status | Hello)
    assert isinstance(Decoder().decode(json.dumps(message).encode()), Status | Hello)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_observation_that_meets_the_schema_and_its_hello_is_read(data: st.DataObject) -> None:
    message = data.draw(generated(SCHEMA["$defs"]["ObsMessage"]))
    VALIDATOR.validate(message)
    # What no schema can say: each face has as many scores as the hello has names. So all get those of the first.
    for face in message["faces"][1:]:
        face |= {key: message["faces"][0][key] for key in ("au", "expr", "zero_shot")}
    first = message["faces"][0] if message["faces"] else {"au": [], "expr": [], "zero_shot": []}
    au, expr, zero_shot = (tuple(f"{key}{i}" for i in range(len(first[key]))) for key in ("au", "expr", "zero_shot"))
    hello = messages.hello(
        message["camera"], labels_hash=message["labels_hash"], aus=au, expressions=expr, zero_shot=zero_shot
    )
    decoder = Decoder()
    decoder.decode(encode(hello))
    assert isinstance(decoder.decode(msgpack.packb(message)), Observation)


def test_the_states_on_the_wire_are_those_of_a_camera() -> None:
    assert set(SCHEMA["$defs"]["StatusMessage"]["properties"]["state"]["enum"]) == {s.value for s in CameraState}


def test_the_stages_on_the_wire_are_those_of_an_observation() -> None:
    assert tuple(StageTimes.model_fields) == STAGES


def test_version_one_keeps_all_the_keys_it_was_released_with() -> None:
    released = {
        ObsMessage: "v kind camera epoch seq labels_hash pts_ns captured_utc_ns captured_mono_ns width height dropped "
        "faces ms",
        StatusMessage: "v kind camera state epoch utc_ns reason detail",
        HelloMessage: "v kind camera publisher labels_hash bundle bundle_version au experimental expr zero_shot "
        "thresholds clef_rt utc_ns",
    }
    for model, keys in released.items():
        assert {name for name, field in model.model_fields.items() if field.is_required()} == set(keys.split())
