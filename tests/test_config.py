"""Settings: what a file and the command line give, and which line is wrong."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clef_rt.config import LiveSettings, OpenSettings, check_config, load_config, overlaid
from clef_rt.config import example as example_file
from clef_rt.errors import ConfigError
from clef_rt.publish import DEFAULT_ENDPOINT
from clef_rt.sources import SourceOptions
from clef_rt.yaml_text import MAX_BYTES, parse_yaml


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "clef.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_example_holds_every_setting_with_its_default(write: Any) -> None:
    read = load_config(write(example_file()))
    assert read.model_copy(update={"sources": []}) == LiveSettings()
    assert [source.uri for source in read.sources] == ["rtsp://user:password@192.168.1.20/stream", "0"]
    written = yaml.safe_load(example_file())
    assert list(written) == list(LiveSettings.model_fields)
    assert list(written["options"]) == list(OpenSettings.model_fields)


def test_defaults_are_those_of_the_parts() -> None:
    assert OpenSettings().to_options() == SourceOptions()
    assert LiveSettings().publish.endpoint == DEFAULT_ENDPOINT


def test_empty_file_gives_the_defaults(write: Any) -> None:
    assert load_config(write("")) == load_config(write("# nothing\n")) == LiveSettings()


def test_all_settings_are_read(write: Any) -> None:
    read = load_config(
        write("""
options: {read_timeout_s: 3, size: 1280x720}
sources:
  - 0
  - uri: rtsp://cam/1
    camera: door
    options: {rtsp_transport: udp, size: [640, 480], libav: {timeout: "1"}}
detect_every: 5
publish: {endpoint: "tcp://*:6000", format: json}
""")
    )
    webcam, door = read.resolved()
    assert (str(webcam.uri), webcam.camera, webcam.options.size) == ("0", None, (1280, 720))
    assert (str(door.uri), door.camera) == ("rtsp://cam/1", "door")
    assert door.options == SourceOptions(
        rtsp_transport="udp", size=(640, 480), read_timeout_s=3.0, options={"timeout": "1"}
    )
    assert (read.detect_every, read.publish.endpoint, read.publish.format) == (5, "tcp://*:6000", "json")


MISTAKES = [
    ("detector: auto\ndetectr: clef\n", 2, "detectr: is no setting. Did you mean detector?"),
    ("nonsense: 1\n", 1, "nonsense: is no setting. Known: bundle, "),
    (
        "sources:\n  - uri: 0\n    options:\n      sise: 3\n",
        4,
        "sources[0].options.sise: is no setting. Did you mean size?",
    ),
    ("\n\nthreads: many\n", 3, "threads: should be a valid integer"),
    ("detect_every: 0\n", 1, "detect_every: should be greater than or equal to 1"),
    ("retry: maybe\n", 1, "retry: should be a valid boolean"),
    ("sources:\n  - 0\n  - camera: door\n", 3, "sources[1].uri: is missing"),
    ("sources:\n  - uri: foo://x\n", 2, "sources[0].uri: foo:// is no kind of source"),
    ("sources:\n  - 0\n  - foo://x\n", 3, "sources[1].uri: foo:// is no kind of source"),
    ("sources:\n  - uri: 0\n    camera: Front Door\n", 3, "sources[0].camera: use 1 to 64 of: small letters"),
    ("sources:\n  - uri: 0\n    camera: off\n", 3, "put it in quotes"),
    ("sources: [{uri: 0, camera: a}, {uri: 1, camera: a}]\n", 1, "two sources are called a"),
    ("options:\n  size: big\n", 2, "options.size: write width and height in pixels"),
    ("options:\n  size: 1280xx720\n", 2, "options.size: write width and height in pixels"),
    ("options:\n  size: [0, 3]\n", 2, "options.size[0]: should be greater than or equal to 1"),
    ("options:\n  rtsp_transport: carrier-pigeon\n", 2, "options.rtsp_transport: should be 'tcp'"),
    ("options: 3\n", 1, "options: should be settings of the form `key: value`"),
    ("publish:\n  endpoint: tcp:/x\n", 2, "publish.endpoint: 'tcp:/x' is not an endpoint"),
    ("threads: 2\nengine: gpu\n", 2, "engine: should be 'auto', 'tensorrt', 'ort-tensorrt', 'cuda', 'cpu' or"),
    ("policy: newest\n", 1, "policy: should be 'auto', 'latest' or 'lossless'"),
    ("duration_s: .inf\n", 1, "duration_s: should be a finite number"),
    ("detect_every: 5\ndetect_every: 6\n", 2, "'detect_every' stands here twice"),
    ("- 0\n", 1, "these aren't settings"),
    ("sources: [0\nbundle: x\n", 2, "not YAML"),
    ("a: b\n\tc: d\n", 2, "not YAML"),
    ("a: 1\n---\nb: 2\n", 2, "not YAML"),
    ("a: \x01\n", 1, "not YAML: a character that it doesn't allow"),
    ("? [a]\n: 1\n", 1, "a key must be a text"),
    ("x: !!int seven\n", 1, "'seven' can't be read as int"),
    ("x: !!bool seven\n", 1, "'seven' can't be read as bool"),
    ("a: 1\nx: !!python/object/apply:os.system [ls]\n", 2, "isn't allowed"),
    ("x: !!binary aGk=\n", 1, "isn't allowed"),
    ("x: " + "9" * 5000, 1, "can't be read as int"),
]


@pytest.mark.parametrize(("text", "line", "what"), MISTAKES, ids=[text[:24].strip() for text, _, _ in MISTAKES])
def test_mistake_names_the_line_and_the_key(write: Any, text: str, line: int, what: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_told_in_the_order_of_the_file(write: Any) -> None:
    path = write("threads: x\nsources:\n  - camera: A\nbundel: y\n")
    read, problems = check_config(path)
    assert read is None
    assert [int(problem.removeprefix(f"{path}:").split(":")[0]) for problem in problems] == [1, 3, 3, 4]
    with pytest.raises(ConfigError, match=r"and 3 more: clef-rt config check"):
        load_config(path)


@pytest.mark.parametrize(
    "text", ["sources: [bogus://me:hunter2@h]", "sources: [[rtsp://me:hunter2@h]]", "bundle: [rtsp://me:hunter2@h]"]
)
def test_a_password_is_never_shown(write: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(text))
    assert "hunter2" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path, write: Any) -> None:
    for path, what in [
        (tmp_path / "absent.yaml", "There is no"),
        (tmp_path, "can't be read"),
        (write(b"a: \xff\n"), ":1: not UTF-8"),
    ]:
        with pytest.raises(ConfigError, match=what):
            load_config(path)


def test_too_large_a_file_is_not_even_parsed(write: Any) -> None:
    with pytest.raises(ConfigError, match="more than 256 KiB"):
        load_config(write(b"#" * (MAX_BYTES + 1)))


BOMBS = {
    "aliases": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{n}: &{n} [{', '.join(['*' + m] * 9)}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True)),
    "recursion": "a: &a [*a]\n",
    "depth": "a: " + "[" * 5000,
    "keys": "{" * 500,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(write: Any, name: str) -> None:
    with pytest.raises(ConfigError, match=r"too many values|nested too deep|not YAML"):
        load_config(write(BOMBS[name]))


def test_anchors_may_be_used(write: Any) -> None:
    read = load_config(write("sources:\n  - {uri: 0, options: &o {fps: 15}}\n  - {uri: 1, options: *o}\n"))
    assert [source.options.fps for source in read.resolved()] == [15, 15]


def test_command_line_goes_before_the_file_before_the_defaults(write: Any) -> None:
    read = load_config(
        write("detect_every: 5\nthreads: 3\nsources: [{uri: 0, options: {fps: 5, loop: true}}]\noptions: {fps: 10}\n")
    )
    over = overlaid(read, {"detect_every": 7, "endpoint": "tcp://127.0.0.1:6000"}, {"fps": 20.0})
    assert (over.detect_every, over.threads, over.max_faces) == (7, 3, 32)
    assert (over.publish.endpoint, over.publish.format) == ("tcp://127.0.0.1:6000", "msgpack")
    [source] = over.resolved()
    assert (source.options.fps, source.options.loop) == (20.0, True)
    assert read.resolved()[0].options.fps == 5


@pytest.mark.parametrize(
    ("given_values", "options", "what"),
    [
        ({"detect_every": 0}, {}, "--detect-every: should be greater"),
        ({"endpoint": "nowhere"}, {}, "--endpoint: 'nowhere' is not an endpoint"),
        ({"duration_s": -1.0}, {}, "--duration: should be greater"),
        ({}, {"rtsp_transport": "x"}, "--rtsp-transport: should be 'tcp'"),
        ({"sources": [{"uri": "0", "camera": "A"}]}, {}, "--camera: use 1 to 64 of"),
        ({"sources": [{"uri": "foo://x"}]}, {}, "foo:// is no kind of source"),
    ],
)
def test_mistake_on_the_command_line_names_the_option(
    given_values: dict[str, Any], options: dict[str, Any], what: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        overlaid(LiveSettings(), given_values, options)
    assert str(caught.value).startswith(what)


def read_text(text: str, folder: Path) -> None:
    """Whatever it is, it's settings or one line that says what is wrong."""
    path = folder / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    said = ""
    try:
        load_config(path)
    except ConfigError as error:
        said = str(error)
    assert not said or said.startswith(str(path))
    assert "\n" not in said


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from("a0-:[]{}&*!|>'\"#%@`,? \n\t~.é=<"), max_size=60))
@example("!<!")
@example("%YAML 9.9\n---\n")
@example("a: !!float ''\n")
@example("a: !!timestamp x\n")
def test_arbitrary_text_never_gives_a_traceback(tmp_path: Path, text: str) -> None:
    read_text(text, tmp_path)


names = st.sampled_from([*LiveSettings.model_fields, *OpenSettings.model_fields, "uri", "camera", "format", "x"])
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.binary(max_size=4)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, values, max_size=5))
@example({"options": {"fps": 10**400}})
@example({"sources": [10**30, {"uri": None}, []]})
def test_arbitrary_values_never_give_a_traceback(tmp_path: Path, data: dict[str, Any]) -> None:
    read_text(yaml.dump(data, allow_unicode=True), tmp_path)


def test_lines_are_those_of_the_file() -> None:
    keys = [f"key{index}" for index in range(40)]
    random.Random(0).shuffle(keys)
    text = "".join("\n" * (index % 3) + f"{key}:\n  inner: {index}\n" for index, key in enumerate(keys))
    data, lines = parse_yaml(text, "x")
    for index, key in enumerate(keys):
        assert text.splitlines()[lines[key,] - 1] == f"{key}:"
        assert text.splitlines()[lines[key, "inner"] - 1] == f"  inner: {index}"
        assert data[key] == {"inner": index}
